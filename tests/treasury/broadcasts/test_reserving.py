"""Nonces and payloads: given once, in order, only to what the wallet can pay."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from tests.support.paying import MICRO, Desk
from treasury import alarms, broadcasts, halts
from treasury.broadcasts.reserving import Means, Waiting, plan_payments
from treasury.chains import registry
from treasury.chains.errors import EndpointUnavailable, InsufficientFunds, WouldRevert
from treasury.chains.ports import Fees
from treasury.models import Broadcast

FEES = Fees(max_fee_wei=10, max_priority_fee_wei=1, base_fee_wei=4)


def waiting(number: int, amount: int) -> Waiting:
    return Waiting(number, f"w:{number}", "0x", amount, is_old=False)


# --- deciding, without a database -----------------------------------------------------------------------------------


def test_a_smaller_payment_passes_one_that_the_wallet_cannot_pay() -> None:
    orders = [waiting(1, 60), waiting(2, 50), waiting(3, 40)]
    plan = plan_payments(orders, [100, 100, 100], Means(token_micro=100, native_wei=10_000), FEES)
    assert [order.order_id for order, _ in plan.payable] == [1, 3]
    assert (plan.short_of_token, plan.short_of_gas) == (True, False)


def test_gas_is_counted_at_its_worst() -> None:
    orders = [waiting(1, 1), waiting(2, 1)]
    plan = plan_payments(orders, [100, 100], Means(token_micro=100, native_wei=1_999), FEES)
    assert [order.order_id for order, _ in plan.payable] == [1]
    assert plan.short_of_gas


def test_an_order_that_the_chain_would_refuse_is_not_reserved() -> None:
    orders = [waiting(number, 1) for number in range(4)]
    answers = [WouldRevert("", reason="blocked"), EndpointUnavailable("gone"), InsufficientFunds("gas"), 7]
    plan = plan_payments(orders, answers, Means(token_micro=100, native_wei=10_000), FEES)
    assert [order.order_id for order, _ in plan.payable] == [3]
    assert [(order.order_id, reason) for order, reason in plan.reverting] == [(0, "blocked")]
    assert [order.order_id for order, _ in plan.failed] == [1]
    assert plan.short_of_gas


def test_an_order_of_more_than_the_wallet_holds_is_short_rather_than_refused() -> None:
    plan = plan_payments([waiting(1, 101)], [WouldRevert("", reason="balance")], Means(100, 10_000), FEES)
    assert (plan.short_of_token, plan.reverting) == (True, ())


# --- on a real chain ------------------------------------------------------------------------------------------------


def test_orders_that_the_wallet_cannot_pay_wait_with_an_alarm_until_it_is_topped_up(desk: Desk) -> None:
    large = desk.order(1_000_001 * MICRO, approvers=(1, 2), required=2)
    small = desk.order(MICRO)
    assert broadcasts.reserve_broadcasts("arbitrum") == 1
    assert desk.attempts(large) == []
    assert len(desk.attempts(small)) == 1
    assert alarms.is_raised("hot-wallet-short:arbitrum")
    desk.chain.mint(desk.wallet.address, 5 * MICRO)
    assert broadcasts.reserve_broadcasts("arbitrum") == 1
    desk.order(MICRO)
    broadcasts.reserve_broadcasts("arbitrum")
    assert not alarms.is_raised("hot-wallet-short:arbitrum") or desk.attempts(large)


def test_what_is_on_its_way_is_not_spent_twice(desk: Desk) -> None:
    first = desk.order(600_000 * MICRO, approvers=(1, 2), required=2)
    broadcasts.reserve_broadcasts("arbitrum")
    second = desk.order(600_000 * MICRO, approvers=(1, 2), required=2)
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert (len(desk.attempts(first)), len(desk.attempts(second))) == (1, 0)


def test_without_gas_orders_wait_with_an_alarm(desk: Desk) -> None:
    desk.chain.give_gas(desk.wallet.address, 10)
    order = desk.order()
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert desk.state(order) == "open"
    assert alarms.is_raised("hot-wallet-gas:arbitrum")
    desk.chain.give_gas(desk.wallet.address, 10**18)
    assert broadcasts.reserve_broadcasts("arbitrum") == 1
    assert not alarms.is_raised("hot-wallet-gas:arbitrum")


def test_a_payment_that_would_revert_waits_and_dies_unsigned_when_it_stays_so(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.chain.deployer.send(desk.chain.token, "TetherLike", "addToBlockedList", desk.wallet.address)
    order = desk.order()
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert desk.state(order) == "open"
    assert alarms.is_raised("payment-refused-by-chain:arbitrum")
    tomorrow = timezone.now() + timedelta(days=1)
    alarms.resolve_alarm(key="payment-refused-by-chain:arbitrum", actor_label="a test")
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert desk.state(order) == "open", "old, but it fails only since now"
    settings.BROADCAST_STUCK_SECONDS = 0
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert desk.state(order) == "dead"
    assert not Broadcast.objects.exists()
    assert desk.wallet.next_nonce == 0


def test_a_halted_network_reserves_and_sends_nothing(desk: Desk) -> None:
    first = desk.order()
    desk.reserve_and_sign()
    halts.halt_network("arbitrum", "a test")
    second = desk.order()
    desk.advance()
    assert desk.attempts(first)[0].state == "signed"
    assert desk.attempts(second) == []
    halts.resume_network("arbitrum", actor_label="a test")
    desk.pay_all()
    desk.assert_each_paid_once()


def at_once(times: int, action: Any) -> list[Any]:
    """Run an action in so many threads, started together, each with its own connection."""
    results: list[Any] = []
    start = threading.Barrier(times)

    def run() -> None:
        start.wait()
        try:
            results.append(action())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_workers_that_reserve_at_once_give_each_order_one_nonce(desk: Desk) -> None:
    made = desk.order_many([desk.request(MICRO) for _ in range(30)])
    at_once(3, lambda: broadcasts.reserve_broadcasts("arbitrum"))
    broadcasts.reserve_broadcasts("arbitrum")
    assert sorted(attempt.nonce for order in made for attempt in desk.attempts(order)) == list(range(30))
    desk.pay_all()
    desk.assert_each_paid_once()


def test_the_same_task_delivered_several_times_at_once_pays_once(desk: Desk) -> None:
    desk.order_many([desk.request(MICRO) for _ in range(20)])
    desk.pay_all(advance=lambda: at_once(3, desk.advance))
    assert Broadcast.objects.count() == 20
    assert set(Broadcast.objects.values_list("state", flat=True)) == {"final_ok"}
    desk.assert_each_paid_once()


def test_a_chain_that_cannot_be_asked_leaves_everything_as_it_is(desk: Desk, networks: dict[str, Any]) -> None:
    order = desk.order()
    networks["arbitrum"]["rpc_urls"] = ["http://127.0.0.1:9"]
    registry.reset()
    desk.advance()
    assert desk.state(order) == "open"
    assert desk.attempts(order) == []


@pytest.mark.parametrize("order_count", [3])
def test_a_payload_never_changes_and_a_nonce_stays(desk: Desk, order_count: int) -> None:
    from django.db import connection
    from django.db.utils import DatabaseError

    desk.order_many([desk.request(MICRO) for _ in range(order_count)])
    broadcasts.reserve_broadcasts("arbitrum")
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("UPDATE treasury_paymentorder SET nonce = nonce + 100")
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("UPDATE treasury_wallet SET next_nonce = 0")


# --- the first step alone -------------------------------------------------------------------------------------------


def test_the_first_step_hands_orders_to_the_signer_and_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(broadcasts, "wake", woken.append)
    desk.order()
    broadcasts.begin_payments("arbitrum")
    assert Broadcast.objects.get().state == Broadcast.State.RESERVED
    assert woken == [broadcasts.SIGN]
    desk.signer.sign()
    broadcasts.begin_payments("arbitrum")
    assert Broadcast.objects.get().state == Broadcast.State.SIGNED
    assert woken == [broadcasts.SIGN], "nothing new, nobody woken"


def test_the_first_step_waits_while_the_network_is_halted(desk: Desk) -> None:
    desk.order()
    halts.halt_network("arbitrum", "by hand")
    broadcasts.begin_payments("arbitrum")
    assert not Broadcast.objects.exists()


def test_orders_that_another_run_left_behind_are_taken_by_the_one_that_was_faster(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs at once: the slower one reserves nothing, as the nonces have moved, and the next beat may be far."""
    desk.order()
    reserve = broadcasts.reserve_broadcasts

    def reserve_while_more_come(network: str) -> int:
        reserved = reserve(network)
        if Broadcast.objects.count() == 1:
            desk.order()
        return reserved

    monkeypatch.setattr(broadcasts, "reserve_broadcasts", reserve_while_more_come)
    broadcasts.begin_payments("arbitrum")
    assert Broadcast.objects.count() == 2
