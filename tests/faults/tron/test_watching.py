"""Deposits on TRON while blocks and nodes misbehave: shown early, credited once, and never on one node's word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import ActivityLog, OutgoingMail
from devnet.anvil import free_port
from tests.faults.tron.conftest import Watch
from tests.support.paying import run_until_killed_or_done
from tests.support.suite import Share
from tests.support.tron import LocalTron
from tests.support.watching import alarms, check_books, only_deposit
from treasury import failpoints, halts, selectors
from treasury.chains import registry
from treasury.chains.errors import EndpointUnavailable
from treasury.deposits import scan_foreign_tokens
from treasury.models import Deposit, ForeignTransfer, NetworkState

pytestmark = pytest.mark.faults
USDT = 1_000_000


@pytest.fixture(autouse=True)
def books_are_right(request: pytest.FixtureRequest) -> Iterator[None]:
    request.getfixturevalue("committed_db")
    yield
    check_books()


def test_a_deposit_is_shown_at_once_and_credited_when_its_block_is_solid(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 7 * USDT)
    watch.follow()
    assert (only_deposit().state, watch.anna.available) == ("seen", 0)
    watch.chain.mine(17)
    watch.follow()
    assert only_deposit().state == "seen"
    watch.chain.mine(1)
    watch.follow()
    assert (only_deposit().state, watch.anna.available) == ("credited", 7 * USDT)
    watch.settle()
    assert OutgoingMail.objects.count() == 1


def test_the_cursor_stays_on_what_is_solid(watch: Watch) -> None:
    watch.chain.mine(30)
    watch.follow()
    state = NetworkState.objects.get(network="tron")
    assert state.scanned_number == state.finalized_number == watch.chain.height - 18
    assert state.head_number == watch.chain.height
    assert selectors.network_statuses()[0].lag_blocks == 0, "what is not solid yet is not behind"


def test_after_ten_thousand_blocks_without_a_watcher_every_deposit_is_credited(watch: Watch) -> None:
    for _ in range(3):
        watch.chain.mint(watch.anna.address, 2 * USDT)
        watch.chain.mine(300)
    for _ in range(4):  # a run reads so many ranges, and ends
        watch.settle()
    assert watch.anna.available == 6 * USDT


def test_a_reorg_before_it_is_solid_takes_a_deposit_off_the_page_and_back_on(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.follow()
    shown = only_deposit()
    watch.chain.mine(5)
    watch.chain.reorg(6, then="pool")
    watch.chain.mine(3)
    watch.follow()
    again = only_deposit()
    assert again.state == "seen"
    assert again.block_hash != shown.block_hash
    watch.settle()
    assert (only_deposit().state, watch.anna.available) == ("credited", 5 * USDT)
    assert "final-deposit-lost" not in alarms()


def test_a_reorg_that_drops_a_deposit_for_good_credits_nothing(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.follow()
    watch.chain.mine(10)
    watch.follow()
    watch.chain.reorg(11, then="drop")
    watch.settle()
    watch.settle()
    assert only_deposit().state == "orphaned"
    assert watch.anna.available == 0
    assert "final-deposit-lost" not in alarms(), "an ordinary reorg is no alarm"


def test_a_reorg_above_what_was_credited_touches_nothing(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.settle()
    assert watch.anna.available == 5 * USDT
    watch.chain.reorg(15, then="pool")
    watch.settle()
    assert (only_deposit().state, watch.anna.available) == ("credited", 5 * USDT)
    assert ActivityLog.objects.filter(action="deposit.credited").count() == 1


def test_receipts_that_are_missing_for_minutes_hold_the_scan_and_lose_nothing(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    height = watch.chain.height
    watch.chain.control("hide_receipts", blocks=[height])
    for _ in range(3):
        watch.settle()
    assert not Deposit.objects.exists()
    assert NetworkState.objects.get(network="tron").scanned_number < height, "the cursor waits before the gap"
    watch.chain.control("hide_receipts", off=True)
    watch.settle()
    assert watch.anna.available == 5 * USDT


def test_a_receipt_that_vanishes_after_the_scan_is_waited_for(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.follow()
    watch.chain.control("hide_receipts", txids=[only_deposit().tx_hash])
    watch.settle()
    assert (only_deposit().state, watch.anna.available) == ("seen", 0)
    watch.chain.control("hide_receipts", off=True)
    watch.settle()
    assert watch.anna.available == 5 * USDT


def test_a_node_that_is_stuck_delays_and_the_next_run_goes_on(watch: Watch) -> None:
    watch.chain.control("stick")
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.chain.mine(30)
    watch.follow()
    assert not Deposit.objects.exists()
    watch.chain.control("stick", off=True)
    watch.follow()
    assert watch.anna.available == 5 * USDT


def test_a_node_that_does_not_answer_is_an_error_that_passes(watch: Watch) -> None:
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.chain.mine(20)
    watch.chain.control("fault", kind="error", status=503)
    with pytest.raises(EndpointUnavailable):
        watch.follow()
    watch.chain.control("clear_faults")
    registry.reset()  # as another process would: no cool-down
    watch.follow()
    assert watch.anna.available == 5 * USDT


def test_the_tokens_fee_is_not_credited_to_anybody(watch: Watch) -> None:
    """What the log says arrived, not what the call asked for."""
    watch.chain.control("owner_call", signature="issue(uint256)", values=[USDT])
    payer = watch.chain.new_key(trx=100, tokens=100 * USDT)
    watch.chain.control("token_fee", basis_points=100, maximum=10 * USDT)
    watch.chain.send_mined(watch.chain.transfer_token(payer, watch.anna.address, 50 * USDT))
    watch.settle()
    assert watch.anna.available == 49_500_000


def test_money_at_a_blacklisted_deposit_address_is_credited_all_the_same(watch: Watch) -> None:
    """The blacklist looks at senders only: it arrived, and it is ours to get it out again."""
    watch.chain.control("blacklist", address=watch.anna.address)
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.settle()
    assert watch.anna.available == 5 * USDT


def test_a_transfer_that_reverted_is_no_deposit(watch: Watch) -> None:
    payer = watch.chain.new_key(trx=100, tokens=1 * USDT)
    receipt = watch.chain.send_mined(watch.chain.transfer_token(payer, watch.anna.address, 5 * USDT))
    assert receipt["receipt"]["result"] == "REVERT"
    watch.settle()
    assert not Deposit.objects.exists()


@pytest.mark.parametrize("name", [name for name in failpoints.WATCHER_NAMES if "rewind" not in name])
def test_killed_at_a_failpoint_each_deposit_is_credited_once(watch: Watch, name: str) -> None:
    for _ in range(3):
        watch.chain.mint(watch.anna.address, 10 * USDT)
    watch.chain.mine(19)
    assert run_until_killed_or_done(watch.follow, faults=f"{name}=kill")
    run_until_killed_or_done(watch.follow, faults=f"{name}=kill")
    watch.settle()
    watch.settle()
    assert watch.anna.available == 30 * USDT
    assert list(Deposit.objects.values_list("state", flat=True)) == ["credited"] * 3
    assert OutgoingMail.objects.count() == 3


# --- two nodes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(watch: Watch, share: Share, networks: dict[str, Any]) -> Iterator[LocalTron]:
    """Another node. Its chain is its own from the first block that either makes."""
    node = LocalTron(port=free_port(), control_port=free_port(), log=share.folder / "chains" / "tron-2.log", block_ms=0)
    node.start()
    node.reset()
    networks["tron"]["rpc_urls"] = [watch.chain.url, node.url]
    registry.reset()
    yield node
    assert node.child is not None
    node.child.kill()


def test_a_node_with_another_chain_stops_the_network_before_anything_is_credited(
    watch: Watch, second: LocalTron
) -> None:
    second.mine(60)  # it looks further ahead, so it is asked first
    watch.chain.mint(watch.anna.address, 5 * USDT)
    for _ in range(2):
        watch.settle()
    assert watch.anna.available == 0
    assert halts.is_halted("tron")


def test_two_nodes_that_disagree_on_a_deposit_hold_it_until_they_agree(watch: Watch, networks: dict[str, Any]) -> None:
    networks["tron"]["rpc_urls"] = [watch.chain.url, watch.chain.honest_url]
    registry.reset()
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.follow()
    watch.chain.control("lie", name="receipt_other_amount")
    watch.settle()
    assert watch.anna.available == 0
    assert "nodes-disagree-on-deposits" in alarms()
    watch.chain.control("lie", off=True)
    watch.settle()  # the receipt corrects what the scan had
    watch.settle()
    assert watch.anna.available == 5 * USDT
    assert "nodes-disagree-on-deposits" not in alarms()


def test_a_deposit_that_the_first_node_hides_is_seen_by_the_second(watch: Watch, networks: dict[str, Any]) -> None:
    networks["tron"]["rpc_urls"] = [watch.chain.url, watch.chain.honest_url]
    registry.reset()
    watch.chain.control("lie", name="receipt_other_recipient", seed=3)
    watch.chain.mint(watch.anna.address, 5 * USDT)
    watch.settle()
    assert (only_deposit().state, watch.anna.available) == ("seen", 0)
    watch.chain.control("lie", off=True)
    watch.settle()
    assert watch.anna.available == 5 * USDT


def test_another_token_is_shown_to_staff_and_never_credited(watch: Watch) -> None:
    maker = watch.chain.new_key(trx=10_000)
    other = watch.chain.deploy(maker, "LookAlike")
    watch.chain.send_mined(
        watch.chain.call(maker, "mint(address,uint256)", watch.anna.address, 9 * USDT, contract=other)
    )
    watch.chain.mine(19)
    watch.follow()
    assert scan_foreign_tokens("tron") == 1
    found = ForeignTransfer.objects.get()
    assert (found.contract, found.amount_raw) == (other, 9 * USDT)
    assert not Deposit.objects.exists()
