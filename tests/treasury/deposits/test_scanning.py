"""What a scan takes for a deposit, and how it gets through a chain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tests.support.chains import ACCOUNTS, LocalChain
from tests.support.odd_json import ODD_STYLES
from tests.support.rpc_proxy import RpcProxy
from tests.support.watching import (
    Depositor,
    Depositors,
    Pool,
    alarms,
    finalize,
    follow,
    only_deposit,
    receipt_of,
    retire,
    settle,
)
from treasury import deposits, ledger, selectors
from treasury.chains import registry
from treasury.chains.addresses import checksummed
from treasury.models import Alarm, Deposit, ForeignTransfer, NetworkState, ScannedBlock

# --- what is a deposit ----------------------------------------------------------------------------------------------


def test_a_transfer_of_nothing_is_no_deposit(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 0)
    settle(arbitrum)
    assert not Deposit.objects.exists()


def test_transfers_to_strangers_are_no_deposits(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(ACCOUNTS[2], 5_000_000)
    settle(arbitrum)
    assert not Deposit.objects.exists()


def test_each_transfer_of_a_multisend_is_a_deposit_of_its_own(
    arbitrum: LocalChain, anna: Depositor, depositors: Depositors
) -> None:
    boris = depositors.new()
    follow()
    multisend = arbitrum.deployer.deploy("Multisend")
    arbitrum.deployer.multisend(
        multisend,
        arbitrum.token,
        [
            (anna.address, 2_000_000),
            (ACCOUNTS[2], 1),
            (anna.address, 2_000_000),
            (boris.address, 0),
            (boris.address, 3_000_000),
        ],
    )
    settle(arbitrum)
    assert list(Deposit.objects.order_by("ordinal").values_list("ordinal", "amount_micro")) == [
        (0, 2_000_000),
        (2, 2_000_000),
        (4, 3_000_000),
    ]
    assert (anna.available, boris.available) == (4_000_000, 3_000_000)


def test_a_look_alike_token_is_shown_to_staff_and_never_credited(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    fake = arbitrum.deployer.deploy("LookAlike")
    arbitrum.deployer.send(fake, "LookAlike", "mint", anna.address, 500_000_000)
    arbitrum.deployer.send(fake, "LookAlike", "pretend", ACCOUNTS[1], anna.address, 0)
    settle(arbitrum)
    assert deposits.scan_foreign_tokens("arbitrum") == 1
    assert deposits.scan_foreign_tokens("arbitrum") == 0
    found = ForeignTransfer.objects.get()
    assert (found.contract, found.deposit_address.address, found.amount_raw) == (fake, anna.address, 500_000_000)
    assert not Deposit.objects.exists()
    assert anna.available == 0


def test_look_alikes_are_searched_again_only_in_new_blocks(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    settle(arbitrum)
    deposits.scan_foreign_tokens("arbitrum")
    asked = proxy.count("eth_getLogs")
    deposits.scan_foreign_tokens("arbitrum")
    assert proxy.count("eth_getLogs") == asked


def test_a_refused_search_for_look_alikes_is_halved(arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy) -> None:
    follow()
    fake = arbitrum.deployer.deploy("LookAlike")
    for _ in range(3):
        arbitrum.deployer.send(fake, "LookAlike", "mint", anna.address, 1)
        arbitrum.mine(20)
    settle(arbitrum)
    proxy.refuse_ranges(wider_than=30)
    assert sum(deposits.scan_foreign_tokens("arbitrum") for _ in range(3)) == 3


def test_money_to_an_address_of_nobody_waits_for_staff(arbitrum: LocalChain, anna: Depositor, pool: Pool) -> None:
    (nobody,) = pool.add()
    follow()
    arbitrum.transfer(nobody, 7_000_000)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.SUSPENDED
    assert ledger.balance("suspense:unknown_deposit") == ledger.balance("asset:arbitrum:deposit") == 7_000_000
    assert alarms() == {"deposit_suspended"}

    deposits.credit_waiting_deposit(
        deposit_id=only_deposit().pk, customer_id=anna.user.pk, actor=anna.user, reason="they proved it"
    )
    assert (anna.available, ledger.balance("suspense:unknown_deposit")) == (7_000_000, 0)
    assert not alarms()
    assert [view.state for view in selectors.deposits_of(anna.user.pk)] == ["credited"]
    with pytest.raises(deposits.DepositNotWaiting):
        deposits.credit_waiting_deposit(
            deposit_id=only_deposit().pk, customer_id=anna.user.pk, actor=anna.user, reason="twice"
        )
    settle(arbitrum)
    assert anna.available == 7_000_000


def test_money_to_a_retired_address_waits_for_staff(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    retire(anna.address)
    arbitrum.transfer(anna.address, 7_000_000)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.SUSPENDED
    assert anna.available == 0
    assert alarms() == {"deposit_suspended"}


def test_a_deposit_below_the_minimum_is_kept_and_not_credited(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 999_999)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.BELOW_MINIMUM
    assert anna.available == 0
    assert ledger.balance("asset:arbitrum:deposit") == ledger.balance("suspense:unknown_deposit") == 999_999


def test_less_than_a_micro_on_bnb_smart_chain_is_all_dust(bsc: LocalChain, anna: Depositor) -> None:
    follow("bsc")
    bsc.transfer(anna.address, 999)
    settle(bsc)
    assert (only_deposit().state, only_deposit().amount_micro) == (Deposit.State.BELOW_MINIMUM, 0)
    assert ledger.balance("dust:bsc") == 999


def test_one_address_serves_both_networks(arbitrum: LocalChain, bsc: LocalChain, anna: Depositor) -> None:
    follow("arbitrum")
    follow("bsc")
    arbitrum.transfer(anna.address, 2_000_000)
    bsc.transfer(anna.address, 3 * 10**18)
    settle(arbitrum)
    settle(bsc)
    assert anna.available == 5_000_000


@pytest.mark.parametrize("style", sorted(ODD_STYLES))
def test_odd_json_gives_the_same_deposits(style: str, arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 4_000_000)
    arbitrum.transfer(ACCOUNTS[1], 4_000_000)
    proxy.reformat(style)
    settle(arbitrum)
    assert (only_deposit().tx_hash, only_deposit().state) == (tx_hash, Deposit.State.CREDITED)
    assert anna.available == 4_000_000


# --- getting through the chain --------------------------------------------------------------------------------------


def test_an_address_that_is_given_out_between_two_scans_is_known_in_the_second(
    arbitrum: LocalChain, depositors: Depositors
) -> None:
    depositors.new()
    follow()
    late = depositors.new()
    arbitrum.transfer(late.address, 2_000_000)
    settle(arbitrum)
    assert late.available == 2_000_000


def test_a_network_that_is_added_later_is_read_from_when_the_first_address_was_given_out(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    arbitrum.transfer(anna.address, 2_000_000)
    arbitrum.mine(50)
    assert not NetworkState.objects.exists()
    follow()
    assert anna.available == 2_000_000


def test_with_no_address_given_out_the_scan_starts_at_the_final_block(arbitrum: LocalChain, pool: Pool) -> None:
    arbitrum.mine(50)
    report = deposits.scan_deposits("arbitrum")
    assert report.logs == 0
    assert NetworkState.objects.get().scanned_number == arbitrum.height


@pytest.mark.slow
def test_deposits_of_ten_thousand_blocks_without_a_scanner_are_all_credited_once(
    arbitrum: LocalChain, anna: Depositor, depositors: Depositors, proxy: RpcProxy
) -> None:
    people = [anna, *(depositors.new() for _ in range(3))]
    follow()
    sent = 0
    for round_number in range(10):
        for person in people:
            arbitrum.transfer(person.address, 1_000_000 + round_number)
            sent += 1
        arbitrum.mine(1_000)
    late = arbitrum.transfer(anna.address, 9_000_000)
    arbitrum.mine(2)
    proxy.refuse_ranges(wider_than=300, more_logs_than=6)

    reached = [deposits.scan_deposits("arbitrum", max_ranges=10).scanned_to for _ in range(3)]
    assert reached[0] < reached[1] < reached[2] < arbitrum.height  # bounded work per run
    while deposits.scan_deposits("arbitrum").behind:
        pass
    arbitrum.reorg(3)
    arbitrum.transfer(people[1].address, 8_000_000)  # what another fork has in place of it
    settle(arbitrum)
    settle(arbitrum)

    assert Deposit.objects.filter(state=Deposit.State.CREDITED).count() == sent + 1
    expected = sum(1_000_000 + number for number in range(10))
    assert [person.available for person in people] == [expected, expected + 8_000_000, expected, expected]
    assert Deposit.objects.get(tx_hash=late).state == Deposit.State.ORPHANED
    assert ScannedBlock.objects.count() <= 1000


def test_two_scanners_at_once_store_and_credit_each_deposit_once(
    arbitrum: LocalChain, anna: Depositor, depositors: Depositors
) -> None:
    people = [anna, depositors.new()]
    follow()

    def scanner(_: int) -> None:
        try:
            for _round in range(6):
                deposits.scan_deposits("arbitrum", max_ranges=1)
                deposits.confirm_deposits("arbitrum")
                deposits.credit_deposits("arbitrum")
        finally:
            connections.close_all()

    for _ in range(5):
        for person in people:
            arbitrum.transfer(person.address, 1_000_000)
    finalize(arbitrum)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(scanner, range(3)))
    settle(arbitrum)

    assert Deposit.objects.count() == 10
    assert [person.available for person in people] == [5_000_000, 5_000_000]


def test_logs_that_the_node_lacked_at_first_are_found_in_the_overlap(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    proxy.drop_logs()
    arbitrum.transfer(anna.address, 6_000_000)
    arbitrum.mine(2)
    follow()
    assert not Deposit.objects.exists()
    assert NetworkState.objects.get().scanned_number == arbitrum.height

    proxy.behave()
    settle(arbitrum)
    assert anna.available == 6_000_000


def test_a_log_missing_from_the_middle_of_a_transaction_shifts_no_credit(
    arbitrum: LocalChain, anna: Depositor, depositors: Depositors, proxy: RpcProxy
) -> None:
    """The receipt is the judge: what the scan numbered wrongly is put right before anything is credited."""
    boris = depositors.new()
    follow()
    multisend = arbitrum.deployer.deploy("Multisend")
    tx_hash = arbitrum.deployer.multisend(
        multisend, arbitrum.token, [(ACCOUNTS[2], 1), (anna.address, 2_000_000), (boris.address, 3_000_000)]
    )
    first_log = min(int(log["logIndex"], 16) for log in receipt_of(arbitrum, tx_hash)["logs"])
    proxy.drop_logs(lambda log: log["transactionHash"] == tx_hash and int(log["logIndex"], 16) == first_log)
    follow()
    assert set(Deposit.objects.values_list("ordinal", flat=True)) == {0, 1}  # wrong, and not money yet

    for _ in range(3):
        settle(arbitrum)
    proxy.behave()
    for _ in range(3):
        settle(arbitrum)

    assert (anna.available, boris.available) == (2_000_000, 3_000_000)
    credited = Deposit.objects.filter(state=Deposit.State.CREDITED)
    assert dict(credited.values_list("ordinal", "amount_micro")) == {1: 2_000_000, 2: 3_000_000}
    assert not Deposit.objects.exclude(state__in=["credited", "orphaned"]).exists()


def test_a_single_block_that_the_node_refuses_raises_an_alarm_and_loses_nothing(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 6_000_000)
    proxy.refuse_ranges(more_logs_than=0)
    finalize(arbitrum)
    with pytest.raises(Exception, match="query returned more"):
        follow()
    assert alarms() == {"network_failing"}
    proxy.behave()
    follow()
    assert anna.available == 6_000_000
    assert not alarms()


def test_an_incredible_amount_stops_nothing_and_alarms(arbitrum: LocalChain, anna: Depositor) -> None:
    from treasury.chains.ports import Transfer
    from treasury.deposits.storing import store_transfers

    network = registry.network("arbitrum")
    monster = Transfer(
        "0x" + "1" * 64, 0, 0, 5, "0x" + "2" * 64, network.token_contract, ACCOUNTS[1], anna.address, 2**255
    )
    assert store_transfers(network, [monster]) == 0
    assert Alarm.objects.get().key == "incredible_amount:arbitrum"


def test_the_cursor_names_a_block_of_the_chain(arbitrum: LocalChain, anna: Depositor) -> None:
    arbitrum.mine(7)
    follow()
    state = NetworkState.objects.get()
    assert state.scanned_hash == arbitrum.block(state.scanned_number)["hash"]
    assert (state.head_number, state.finalized_number) == (arbitrum.height, arbitrum.height - 5)


def test_a_stranger_whom_the_filter_lets_pass_is_settled_by_the_database(
    arbitrum: LocalChain, anna: Depositor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from treasury.address_filter import PoolFilter

    monkeypatch.setattr(PoolFilter, "pick", lambda self, recipients: range(len(recipients) // 40))
    follow()
    arbitrum.transfer(checksummed("ab" * 20), 5_000_000)
    arbitrum.transfer(anna.address, 5_000_000)
    settle(arbitrum)
    assert only_deposit().deposit_address.address == anna.address
