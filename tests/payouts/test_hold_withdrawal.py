"""Staff look closer: hold, and release."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.freezes import freeze_withdrawals
from accounts.models import OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from payouts import engine, errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approve, approved, funds, in_review, staff
from tests.support.factors import proven

pytestmark = pytest.mark.django_db


def hold(row: WithdrawalRequest, **changes: object) -> WithdrawalRequest:
    person = staff("support")
    given = {
        "withdrawal_id": row.pk,
        "actor": person,
        "revision": row.revision,
        "reason": "Where is this from?",
        "step_up": proven(person),
    }
    return withdrawals.hold_withdrawal(**(given | changes))  # type: ignore[arg-type]  # by name


def release(row: WithdrawalRequest, **changes: object) -> WithdrawalRequest:
    person = staff("support")
    given = {"withdrawal_id": row.pk, "actor": person, "revision": row.revision, "step_up": proven(person)}
    return withdrawals.release_hold(**(given | changes))  # type: ignore[arg-type]  # by name


def test_a_held_request_keeps_its_money_and_tells_its_customer_why() -> None:
    customer = a_customer(micro=100 * USDT)
    until = timezone.now() + timedelta(days=1)
    row = hold(in_review(customer), until=until)
    assert (row.state, row.hold_until, row.reason_for_customer) == ("on_hold", until, "Where is this from?")
    assert funds(customer) == (59 * USDT, 41 * USDT)
    assert OutgoingMail.objects.get(template="withdrawal_held").facts["reason"] == "Where is this from?"


def test_a_held_request_cannot_be_approved() -> None:
    row = hold(in_review(a_customer(micro=100 * USDT)))
    with pytest.raises(errors.WrongState):
        approve(row, staff("support"))


def test_an_approved_request_is_called_back_and_needs_its_approvals_anew() -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    seen = row.revision
    row = hold(row)
    assert (row.state, row.revision, row.decided_at) == ("on_hold", seen + 1, None)
    assert engine.start_payouts() == 0
    back = release(row)
    assert back.state == "in_review"
    assert approve(back, staff("support")).state == "approved"
    assert funds(customer) == (59 * USDT, 41 * USDT)


def test_the_request_of_a_customer_who_was_frozen_after_the_approval_has_a_way_out() -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    freeze_withdrawals(user_id=customer.pk, reason="asked by the customer", process="test")
    assert engine.start_payouts() == 0
    row = hold(row)
    person = staff("support")
    row = withdrawals.reject_withdrawal(
        withdrawal_id=row.pk, actor=person, revision=row.revision, reason_for_customer="As agreed.",
        step_up=proven(person),
    )  # fmt: skip
    assert (row.state, funds(customer)) == ("rejected", (100 * USDT, 0))


def test_an_ordered_request_cannot_be_called_back() -> None:
    row = approved(a_customer(micro=100 * USDT))
    engine.start_payouts()
    with pytest.raises(errors.WrongState):
        hold(row)


def test_a_released_request_is_in_review_again() -> None:
    row = hold(in_review(a_customer(micro=100 * USDT)))
    back = release(row)
    assert (back.state, back.hold_until, back.reason_for_customer) == ("in_review", None, "")
    assert approve(back, staff("support")).state == "approved"


def test_without_a_proof_nothing_is_released() -> None:
    row = hold(in_review(a_customer(micro=100 * USDT)))
    with pytest.raises(StepUpFailed):
        release(row, step_up=StepUp(code="000000"))
    row.refresh_from_db()
    assert row.state == "on_hold"


def test_a_request_can_be_held_twice_and_says_so_twice() -> None:
    row = hold(in_review(a_customer(micro=100 * USDT)))
    row = release(row)
    hold(row)
    assert OutgoingMail.objects.filter(template="withdrawal_held").count() == 2


def test_a_hold_ends_by_itself_when_its_time_is_over() -> None:
    row = hold(in_review(a_customer(micro=100 * USDT)), until=timezone.now() + timedelta(hours=1))
    endless = hold(in_review(a_customer(micro=100 * USDT)))
    assert withdrawals.release_due_holds() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        assert withdrawals.release_due_holds() == 1
    row.refresh_from_db()
    endless.refresh_from_db()
    assert (row.state, endless.state) == ("in_review", "on_hold")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_hold_needs_a_reason(reason: str) -> None:
    with pytest.raises(errors.ReasonMissing):
        hold(in_review(a_customer(micro=100 * USDT)), reason=reason)


def test_a_hold_ends_in_the_future() -> None:
    with pytest.raises(errors.HoldInThePast):
        hold(in_review(a_customer(micro=100 * USDT)), until=timezone.now() - timedelta(seconds=1))


def test_a_hold_asks_for_the_password_again() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    with pytest.raises(StepUpFailed):
        hold(row, step_up=StepUp("wrong"))
    row.refresh_from_db()
    assert row.state == "in_review"


def test_a_stale_revision_is_refused() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    with pytest.raises(errors.StaleRevision):
        hold(row, revision=row.revision + 1)


def test_finance_may_not_hold() -> None:
    with pytest.raises(errors.NotPermitted):
        hold(in_review(a_customer(micro=100 * USDT)), actor=staff("finance"))
