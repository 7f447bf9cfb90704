"""Payments on TRON while the node, the token and the time misbehave: each is made once or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.db.utils import DatabaseError
from django.utils import timezone
from pytest_django import Settings

from tests.support.paying import MICRO, run_until_killed_or_done
from tests.support.paying_on_tron import TronDesk, last_attempt
from treasury import alarms, broadcasts, failpoints, halts, ledger
from treasury.broadcasts import expiring
from treasury.chains import registry
from treasury.chains.errors import MalformedAnswer
from treasury.models import Alarm, Broadcast, PaymentOrder

pytestmark = pytest.mark.faults


SIGNING = tuple(name for name in failpoints.SIGNER_NAMES if "pool" not in name)


def open_alarms() -> set[str]:
    return {key.split(":")[0] for key in Alarm.objects.filter(resolved_at=None).values_list("key", flat=True)}


# --- a transaction's life -------------------------------------------------------------------------------------------


def test_what_expires_in_the_pool_is_proven_dead_and_made_again(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("hold")
    tron_desk.send()
    tron_desk.chain.control("drop_pool")
    tron_desk.let_expire()
    tron_desk.confirm()
    (first,) = tron_desk.attempts(order)
    assert (first.state, tron_desk.state(order)) == ("dead", "open")

    tron_desk.chain.control("hold", off=True)
    assert broadcasts.retry_expired("tron") == 1
    tron_desk.sign_later()
    tron_desk.send()
    tron_desk.chain.mine()
    tron_desk.make_final()
    tron_desk.confirm()
    first, second = tron_desk.attempts(order)
    assert (first.state, second.state, tron_desk.state(order)) == ("dead", "final_ok", "settled")
    assert first.tx_hash != second.tx_hash
    tron_desk.assert_each_paid_once()


def test_expired_on_the_head_is_not_dead_before_a_solid_block_says_so(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("hold")
    tron_desk.send()
    tron_desk.chain.control("travel", seconds=700)
    tron_desk.chain.mine(10)  # the head's time is past it, a solid block's is not
    tron_desk.confirm()
    assert tron_desk.attempts(order)[0].state == "sent"
    assert broadcasts.retry_expired("tron") == 0


def test_the_signer_gives_no_second_signature_before_its_own_clock_has_passed_the_first(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    Broadcast.objects.filter(order=order).update(state="dead")  # a broken-in web tier says that it is dead
    broadcasts.retry_expired("tron")
    assert tron_desk.signer.sign().signed == 0
    assert last_attempt(tron_desk).state == "reserved", "neither signed nor refused: it waits"


def test_the_database_takes_no_next_attempt_while_an_earlier_one_may_be_mined(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    Broadcast.objects.filter(order=order).update(state="replaced")
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="not proven dead"):
        cursor.execute(
            "INSERT INTO treasury_broadcast (network, wallet_id, order_id, attempt, purpose, nonce, state, to_address,"
            " data, ref_block, expiration_ms, timestamp_ms, fee_limit_sun, refusal, reserved_at, sends, block_hash,"
            " last_error) SELECT network, wallet_id, order_id, 2, purpose, nonce, 'reserved', to_address, data,"
            " ref_block, expiration_ms, timestamp_ms, fee_limit_sun, '', now(), 0, '', '' FROM treasury_broadcast"
            " WHERE order_id = %s",
            [order.pk],
        )


def test_a_payment_that_expires_too_often_is_given_up(tron_desk: TronDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "MOST_ATTEMPTS", 1)
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.let_expire()
    tron_desk.confirm()
    assert broadcasts.retry_expired("tron") == 0
    assert tron_desk.state(order) == "dead"
    assert "expired" in PaymentOrder.objects.get(pk=order.pk).dead_reason
    assert "payment-refused" in open_alarms()
    assert tron_desk.transfers_to(order.address) == []


def test_what_waited_too_long_for_the_signer_is_made_anew(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    broadcasts.reserve_broadcasts("tron")
    with time_machine.travel(timezone.now() + timedelta(seconds=700), tick=True):
        assert tron_desk.signer.sign().signed == 0
        tron_desk.chain.control("travel", seconds=700)
        tron_desk.chain.mine(19)
        assert broadcasts.retry_expired("tron") == 1
        assert alarms.is_raised("signer-late:tron")
        tron_desk.signer.sign()
        tron_desk.pay_all()
        broadcasts.retry_expired("tron")
        assert not alarms.is_raised("signer-late:tron")
    assert [each.state for each in tron_desk.attempts(order)] == ["dead", "final_ok"]
    tron_desk.assert_each_paid_once()


def test_a_reference_block_that_was_forked_away_costs_nothing_but_time(
    tron_desk: TronDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TAPOS: the node refuses; the bytes die by themselves, and the next attempt refers to the chain as it is."""
    order = tron_desk.order()
    chain = registry.expiring_chain("tron")
    elsewhere = replace(chain.reference_block(), block_hash="00" * 8 + "ee" * 24)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "reference_block", lambda: elsewhere)
        tron_desk.reserve_and_sign()
    tron_desk.send()
    (refused,) = tron_desk.attempts(order)
    assert "TAPOS" in refused.last_error
    assert refused.state == "signed"
    tron_desk.let_expire()
    tron_desk.confirm()
    broadcasts.retry_expired("tron")
    tron_desk.sign_later()
    tron_desk.pay_all()
    tron_desk.assert_each_paid_once()


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_answer_that_was_lost_is_unknown_and_the_payment_is_found(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("fault", kind="drop_after", path="broadcasthex", count=1)
    tron_desk.send()
    (attempt,) = tron_desk.attempts(order)
    assert attempt.state == "sent"
    assert "unknown" in attempt.last_error
    tron_desk.pay_all()
    assert len(tron_desk.attempts(order)) == 1
    tron_desk.assert_each_paid_once()


def test_bytes_that_the_node_has_already_are_held_by_it(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("fault", kind="duplicate", path="broadcasthex")
    tron_desk.send()
    tron_desk.pay_all()
    assert tron_desk.state(order) == "settled"
    tron_desk.assert_each_paid_once()


def test_a_storm_of_busy_answers_delays_and_nothing_more(tron_desk: TronDesk) -> None:
    made = [tron_desk.order(MICRO + number) for number in range(5)]
    tron_desk.reserve_and_sign()
    for code in ("SERVER_BUSY", "NO_CONNECTION", "NOT_ENOUGH_EFFECTIVE_CONNECTION", "BLOCK_UNSOLIDIFIED"):
        tron_desk.chain.control("busy", code=code)
        Broadcast.objects.update(last_sent_at=None)
        tron_desk.send()
        assert {tron_desk.attempts(order)[0].state for order in made} == {"signed"}
    tron_desk.chain.control("busy", off=True)
    Broadcast.objects.update(last_sent_at=None)
    tron_desk.pay_all()
    assert all(len(tron_desk.attempts(order)) == 1 for order in made)
    tron_desk.assert_each_paid_once()


def test_a_node_that_is_gone_delays_and_nothing_more(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("fault", kind="error", path="broadcasthex", status=503, count=2)
    tron_desk.send()
    tron_desk.pay_all()
    assert tron_desk.state(order) == "settled"
    tron_desk.assert_each_paid_once()


def test_a_receipt_that_is_missing_for_minutes_is_no_proof_of_anything(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.send()
    (attempt,) = tron_desk.attempts(order)
    tron_desk.chain.mine()
    tron_desk.chain.control("hide_receipts", txids=[attempt.tx_hash])
    tron_desk.let_expire()
    tron_desk.confirm()
    assert tron_desk.attempts(order)[0].state in ("sent", "signed"), (
        "the transaction itself is still in the solid chain"
    )
    assert broadcasts.retry_expired("tron") == 0
    tron_desk.chain.control("hide_receipts", off=True)
    tron_desk.confirm()
    assert tron_desk.state(order) == "settled"
    tron_desk.assert_each_paid_once()


# --- what the token and the chain do --------------------------------------------------------------------------------


def test_out_of_energy_burns_the_limit_ends_the_order_and_is_booked(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("energy_factor", contract=tron_desk.chain.token, factor=34_000)  # since the estimate
    tron_desk.send()
    tron_desk.chain.mine()
    tron_desk.make_final()
    tron_desk.confirm()
    (attempt,) = tron_desk.attempts(order)
    assert (attempt.state, tron_desk.state(order)) == ("final_reverted", "dead")
    assert "OUT_OF_ENERGY" in PaymentOrder.objects.get(pk=order.pk).dead_reason
    assert attempt.fee_native == ledger.balance("expense:gas:tron")
    assert (attempt.fee_native or 0) >= (attempt.fee_limit_sun or 0) * 99 // 100
    assert tron_desk.transfers_to(order.address) == []


@pytest.mark.parametrize("how", ["paused", "blacklisted"])
def test_a_revert_after_the_estimate_ends_the_order_and_moves_nothing(tron_desk: TronDesk, how: str) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    if how == "paused":
        tron_desk.chain.control("pause_token")
    else:
        tron_desk.chain.control("blacklist", address=tron_desk.wallet.address)
    tron_desk.send()
    tron_desk.chain.mine()
    tron_desk.make_final()
    tron_desk.confirm()
    assert (tron_desk.attempts(order)[0].state, tron_desk.state(order)) == ("final_reverted", "dead")
    assert "REVERT" in PaymentOrder.objects.get(pk=order.pk).dead_reason
    assert tron_desk.transfers_to(order.address) == []


def test_a_paused_token_holds_payments_back_before_anything_is_signed(tron_desk: TronDesk) -> None:
    tron_desk.chain.control("pause_token")
    order = tron_desk.order()
    assert broadcasts.reserve_broadcasts("tron") == 0
    assert "payment-refused-by-chain" in open_alarms()
    tron_desk.chain.control("pause_token", off=True)
    tron_desk.pay_all()
    assert "payment-refused-by-chain" not in open_alarms()
    assert tron_desk.state(order) == "settled"


def test_a_fee_of_the_token_holds_payments_back_before_anything_is_signed(tron_desk: TronDesk) -> None:
    tron_desk.chain.control("token_fee", basis_points=10, maximum=MICRO)
    later = tron_desk.order()
    assert broadcasts.reserve_broadcasts("tron") == 0
    assert "payment-refused-by-chain" in open_alarms()
    assert tron_desk.attempts(later) == []


def test_a_payment_that_arrives_short_of_the_tokens_fee_stops_the_network(tron_desk: TronDesk) -> None:
    holder = tron_desk.new_address()  # to new ones, two transfers would use more energy than the limit
    tron_desk.chain.mint(holder, MICRO)
    tron_desk.chain.control("owner_call", signature="issue(uint256)", values=[MICRO])
    order = tron_desk.order(50 * MICRO, holder)
    tron_desk.reserve_and_sign()
    tron_desk.chain.control("token_fee", basis_points=10, maximum=MICRO)
    tron_desk.send()
    tron_desk.chain.mine()
    tron_desk.make_final()
    tron_desk.confirm()
    assert tron_desk.state(order) == "open", "neither paid nor given back before a person has looked"
    assert "payment-suspect" in open_alarms()
    assert halts.is_halted("tron")


def test_energy_dearer_than_the_settings_allow_holds_payments_back(tron_desk: TronDesk) -> None:
    tron_desk.chain.control("parameters", getEnergyFee=501)
    tron_desk.order()
    assert broadcasts.reserve_broadcasts("tron") == 0
    assert "fees-too-high" in open_alarms()


def test_a_payment_between_two_attempts_waits_with_one_alarm_and_ends_if_it_would_fail_for_long(
    tron_desk: TronDesk, settings: Settings
) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.let_expire()
    tron_desk.confirm()
    tron_desk.chain.control("pause_token")
    for _ in range(3):
        tron_desk.advance()
    assert Alarm.objects.filter(key="payment-refused-by-chain:tron").count() == 1
    assert tron_desk.state(order) == "open"
    Alarm.objects.update(raised_at=timezone.now() - timedelta(seconds=settings.BROADCAST_STUCK_SECONDS + 1))
    tron_desk.advance()
    assert tron_desk.state(order) == "dead"
    assert tron_desk.transfers_to(order.address) == []


def test_a_clock_that_is_far_behind_the_chains_holds_payments_back_with_an_alarm(tron_desk: TronDesk) -> None:
    tron_desk.chain.control("travel", seconds=3_000)
    tron_desk.chain.mine(20)
    order = tron_desk.order()
    with pytest.raises(MalformedAnswer):
        broadcasts.reserve_broadcasts("tron")
    assert "clock-behind" in open_alarms()
    assert tron_desk.attempts(order) == []


# --- blocks that are replaced ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["pool", "drop"])
def test_a_block_that_is_replaced_takes_the_payment_along_and_it_is_made_once(tron_desk: TronDesk, then: str) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.send()
    tron_desk.chain.mine()
    tron_desk.confirm()
    assert tron_desk.attempts(order)[0].state == "mined"
    tron_desk.chain.reorg(1, then=then)
    tron_desk.pay_all()
    assert len(tron_desk.attempts(order)) == 1
    tron_desk.assert_each_paid_once()


# --- dying in between -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [name for name in failpoints.SENDER_NAMES + SIGNING if "replace" not in name and name != "before_orders_commit"],
)
def test_killed_at_a_failpoint_each_payment_is_made_once(tron_desk: TronDesk, name: str) -> None:
    made = [tron_desk.order(MICRO + number) for number in range(3)]

    def work() -> None:
        tron_desk.advance()
        tron_desk.signer.sign()
        tron_desk.advance()
        tron_desk.make_final()
        tron_desk.advance()

    assert run_until_killed_or_done(work, faults=f"{name}=kill")
    tron_desk.pay_all()
    assert {tron_desk.state(order) for order in made} == {"settled"}
    tron_desk.assert_each_paid_once()


@pytest.mark.parametrize("name", ["before_replace_commit", "after_replace_commit"])
def test_killed_while_a_next_attempt_is_made_it_is_made_once(tron_desk: TronDesk, name: str) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.let_expire()
    tron_desk.confirm()
    assert run_until_killed_or_done(lambda: broadcasts.retry_expired("tron"), faults=f"{name}=kill")
    broadcasts.retry_expired("tron")
    tron_desk.sign_later()
    tron_desk.pay_all()
    assert [each.state for each in tron_desk.attempts(order)] == ["dead", "final_ok"]
    tron_desk.assert_each_paid_once()


def test_an_expired_payment_whose_node_does_not_answer_is_told_to_an_operator(
    tron_desk: TronDesk, settings: Settings
) -> None:
    tron_desk.order()
    tron_desk.reserve_and_sign()
    with time_machine.travel(timezone.now() + timedelta(seconds=1200), tick=True):
        broadcasts.retry_expired("tron")
    assert alarms.is_raised("expired-unproven:tron")
