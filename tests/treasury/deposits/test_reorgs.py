"""The chain takes blocks back: before a credit, after it, and after the customer has spent it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import ActivityLog
from tests.support.chains import ACCOUNTS, LocalChain
from tests.support.rpc_proxy import RpcProxy
from tests.support.watching import (
    Depositor,
    alarms,
    finalize,
    follow,
    only_deposit,
    raw_transaction,
    receipt_of,
    settle,
    transfer_of,
)
from treasury import deposits, halts, ledger
from treasury.chains import registry
from treasury.models import Deposit, NetworkState, ScannedBlock

NewProxy = Callable[[str], RpcProxy]


def go_on() -> None:
    """An operator has looked."""
    assert halts.resume_network("arbitrum", actor_label="operator@example.com")


def test_a_deposit_that_is_not_mined_again_is_orphaned(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    follow()
    assert only_deposit().state == Deposit.State.SEEN
    arbitrum.reorg(1)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.ORPHANED
    assert anna.available == 0
    assert not halts.is_halted("arbitrum")


def test_a_deposit_mined_again_at_another_log_position_is_the_same_deposit(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    arbitrum.transfer(ACCOUNTS[1], 50_000_000)
    follow()
    tx_hash = arbitrum.transfer(anna.address, 10_000_000)
    follow()
    seen = only_deposit()
    other = transfer_of(arbitrum, ACCOUNTS[1], ACCOUNTS[2], 1)
    raws = [raw_transaction(arbitrum, other), raw_transaction(arbitrum, tx_hash)]
    arbitrum.reorg(2, raws)  # both in one block, the stranger first
    moved_to = int(receipt_of(arbitrum, tx_hash)["logs"][0]["logIndex"], 16)
    assert moved_to != seen.log_index
    settle(arbitrum)

    credited = only_deposit()
    assert (credited.pk, credited.ordinal, credited.log_index) == (seen.pk, 0, moved_to)
    assert (credited.state, credited.inclusion) == (Deposit.State.CREDITED, 1)
    assert credited.block_hash == receipt_of(arbitrum, tx_hash)["blockHash"]
    assert anna.available == 10_000_000
    assert not halts.is_halted("arbitrum")


def test_a_reorg_that_leaves_a_deposits_block_alone_leaves_the_deposit_alone(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    arbitrum.mine(2)
    follow()
    before = only_deposit()
    arbitrum.reorg(2)
    settle(arbitrum)
    assert only_deposit().block_hash == before.block_hash
    assert anna.available == 10_000_000
    assert not ActivityLog.objects.filter(action="deposit.reversed").exists()


def test_a_reorg_after_the_credit_takes_it_back_and_halts(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 10_000_000)
    raw = raw_transaction(arbitrum, tx_hash)
    settle(arbitrum)
    assert anna.available == 10_000_000

    arbitrum.reorg(7)  # deeper than the five confirmations
    settle(arbitrum)

    assert only_deposit().state == Deposit.State.REVERSED
    assert (anna.available, anna.owed) == (0, 0)
    assert ledger.balance("asset:arbitrum:deposit") == 0
    assert anna.is_frozen
    assert halts.is_halted("arbitrum")
    assert alarms() == {"deposit_reversed", "halted"}

    arbitrum.call("eth_sendRawTransaction", raw)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.CONFIRMED  # a halted network reads on and credits nothing
    assert anna.available == 0
    go_on()
    settle(arbitrum)

    credited = only_deposit()
    assert (credited.state, credited.inclusion) == (Deposit.State.CREDITED, 2)
    assert (anna.available, anna.owed) == (10_000_000, 0)
    settle(arbitrum)
    assert anna.available == 10_000_000


def test_a_reorg_after_the_credit_was_spent_is_owed_and_cleared_first_when_it_returns(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 10_000_000)
    raw = raw_transaction(arbitrum, tx_hash)
    settle(arbitrum)
    anna.spend(7_000_000)

    arbitrum.reorg(7)
    settle(arbitrum)
    assert (anna.available, anna.owed) == (0, 7_000_000)
    assert anna.is_frozen
    assert only_deposit().state == Deposit.State.REVERSED

    arbitrum.call("eth_sendRawTransaction", raw)
    go_on()
    settle(arbitrum)
    assert (anna.available, anna.owed) == (3_000_000, 0)
    assert only_deposit().inclusion == 2
    assert anna.is_frozen  # only people unfreeze


def test_a_credit_whose_transaction_is_in_the_new_blocks_already_is_booked_once_in_all(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    arbitrum.transfer(ACCOUNTS[1], 50_000_000)
    follow()
    tx_hash = arbitrum.transfer(anna.address, 10_000_000)
    other = transfer_of(arbitrum, ACCOUNTS[1], ACCOUNTS[2], 1)
    raws = [raw_transaction(arbitrum, other), raw_transaction(arbitrum, tx_hash)]
    settle(arbitrum)
    assert anna.available == 10_000_000

    arbitrum.reorg(8, [], raws)
    for _ in range(2):
        settle(arbitrum)
    go_on()
    settle(arbitrum)

    assert (only_deposit().state, only_deposit().inclusion) == (Deposit.State.CREDITED, 2)
    assert anna.available == ledger.balance("asset:arbitrum:deposit") == 10_000_000


def test_a_deposit_of_nobody_is_taken_out_of_suspense_with_its_block(
    arbitrum: LocalChain, depositors: Any, pool: Any
) -> None:
    (nobody,) = pool.add()
    depositors.new()
    follow()
    arbitrum.transfer(nobody, 10_000_000)
    settle(arbitrum)
    arbitrum.reorg(7)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.REVERSED
    assert ledger.balance("suspense:unknown_deposit") == 0


def test_what_staff_credited_is_taken_back_from_whom_they_credited(
    arbitrum: LocalChain, anna: Depositor, pool: Any
) -> None:
    (nobody,) = pool.add()
    follow()
    arbitrum.transfer(nobody, 10_000_000)
    settle(arbitrum)
    deposits.credit_waiting_deposit(
        deposit_id=only_deposit().pk, customer_id=anna.user.pk, actor=anna.user, reason="proved"
    )
    anna.spend(4_000_000)
    arbitrum.reorg(7)
    settle(arbitrum)
    assert (anna.available, anna.owed) == (0, 4_000_000)
    assert ledger.balance("suspense:unknown_deposit") == 0


def test_what_staff_credited_waits_for_them_again_when_it_returns_and_clears_what_is_owed(
    arbitrum: LocalChain, anna: Depositor, pool: Any
) -> None:
    (nobody,) = pool.add()
    follow()
    raw = raw_transaction(arbitrum, arbitrum.transfer(nobody, 10_000_000))
    settle(arbitrum)
    credit = {"deposit_id": only_deposit().pk, "customer_id": anna.user.pk, "actor": anna.user, "reason": "proved"}
    deposits.credit_waiting_deposit(**credit)
    anna.spend(4_000_000)
    arbitrum.reorg(7)
    settle(arbitrum)
    assert (anna.available, anna.owed) == (0, 4_000_000)

    go_on()
    arbitrum.call("eth_sendRawTransaction", raw)
    settle(arbitrum)
    again = only_deposit()
    assert (again.state, again.inclusion, again.credited_to) == (Deposit.State.SUSPENDED, 2, None)
    deposits.credit_waiting_deposit(**credit)
    assert (anna.available, anna.owed, ledger.balance("suspense:unknown_deposit")) == (6_000_000, 0, 0)


def test_dust_is_taken_back_with_its_deposit(bsc: LocalChain, anna: Depositor) -> None:
    follow("bsc")
    bsc.transfer(anna.address, 5 * 10**18 + 77)
    settle(bsc)
    assert ledger.balance("dust:bsc") == 77
    bsc.reorg(5)
    settle(bsc)
    assert (ledger.balance("dust:bsc"), ledger.balance("asset:bsc:deposit"), anna.available) == (0, 0, 0)


def test_a_reorg_of_final_blocks_halts_even_where_it_touches_no_deposit(arbitrum: LocalChain, anna: Depositor) -> None:
    arbitrum.mine(20)
    follow()
    arbitrum.mine(3)
    follow()
    arbitrum.reorg(10)
    arbitrum.mine(3)
    follow()
    assert halts.is_halted("arbitrum")
    assert "halted" in alarms()


def test_a_chain_that_holds_no_known_block_halts_and_waits_for_an_operator(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    settle(arbitrum)
    ScannedBlock.objects.update(block_hash="0x" + "5" * 64)
    NetworkState.objects.update(scanned_hash="0x" + "5" * 64)
    before = NetworkState.objects.get().scanned_number

    settle(arbitrum)
    assert halts.is_halted("arbitrum")
    assert NetworkState.objects.get().scanned_number == before
    assert only_deposit().state == Deposit.State.CREDITED  # nothing is touched on such evidence

    tx_hash = arbitrum.transfer(anna.address, 2_000_000)
    assert deposits.rewind_scan("arbitrum", to_block=before - 1).taken_back == 0
    go_on()
    settle(arbitrum)
    assert Deposit.objects.get(tx_hash=tx_hash).state == Deposit.State.CREDITED
    assert anna.available == 12_000_000


def test_a_node_that_is_only_behind_rewinds_nothing(
    arbitrum: LocalChain, anna: Depositor, networks: dict[str, Any], rpc_proxy: NewProxy
) -> None:
    proxy = rpc_proxy(arbitrum.url)
    networks["arbitrum"]["rpc_urls"] = [proxy.url]
    registry.reset()
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    settle(arbitrum)
    before = NetworkState.objects.get()
    proxy.stuck_at(before.scanned_number - 2)
    follow()
    proxy.stuck_at(before.scanned_number - 7)
    follow()
    assert alarms() == {"chain_behind"}
    assert NetworkState.objects.get().scanned_hash == before.scanned_hash
    assert anna.available == 10_000_000
    proxy.behave()
    settle(arbitrum)
    assert not alarms()


def test_a_chain_that_forgot_its_last_blocks_raises_an_alarm_and_credits_nothing_twice(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 10_000_000)
    raw = raw_transaction(arbitrum, tx_hash)
    settle(arbitrum)
    snapshot_depth = 7
    arbitrum.call("anvil_rollback", snapshot_depth)
    follow()
    assert alarms() == {"chain_behind"}
    assert anna.available == 10_000_000  # the chain may only be late

    arbitrum.call("evm_increaseTime", 7)  # blocks of its own from here on
    arbitrum.call("eth_sendRawTransaction", raw)
    finalize(arbitrum)
    for _ in range(3):
        settle(arbitrum)
    assert halts.is_halted("arbitrum")
    go_on()
    settle(arbitrum)
    assert anna.available == 10_000_000
    assert Deposit.objects.count() == 1


def test_rows_of_a_transaction_are_orphaned_together(arbitrum: LocalChain, anna: Depositor) -> None:
    multisend = arbitrum.deployer.deploy("Multisend")
    arbitrum.deployer.send(arbitrum.token, "TetherLike", "approve", multisend, 10**12)
    follow()
    tx_hash = arbitrum.deployer.multisend(
        multisend, arbitrum.token, [(anna.address, 2_000_000), (anna.address, 3_000_000)]
    )
    raw = raw_transaction(arbitrum, tx_hash)
    follow()
    arbitrum.reorg(1)
    arbitrum.mine(1)
    follow()
    assert set(Deposit.objects.values_list("state", flat=True)) == {Deposit.State.ORPHANED}
    arbitrum.call("eth_sendRawTransaction", raw)
    settle(arbitrum)
    assert list(Deposit.objects.order_by("ordinal").values_list("state", "inclusion")) == [("credited", 1)] * 2
    assert anna.available == 5_000_000
