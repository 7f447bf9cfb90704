"""Staff say no."""

from __future__ import annotations

import pytest

from accounts.models import OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from payouts import errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approved, ask, funds, in_review, staff
from tests.support.factors import proven

pytestmark = pytest.mark.django_db


def reject(row: WithdrawalRequest, **changes: object) -> WithdrawalRequest:
    person = staff("support")
    given = {
        "withdrawal_id": row.pk,
        "actor": person,
        "revision": row.revision,
        "reason_for_customer": "We cannot pay to this address.",
        "note": "On a list.",
        "step_up": proven(person),
    }
    return withdrawals.reject_withdrawal(**(given | changes))  # type: ignore[arg-type]  # by name


def test_the_money_goes_back_and_the_customer_reads_why() -> None:
    customer = a_customer(micro=100 * USDT)
    row = reject(in_review(customer))
    assert (row.state, row.reason_for_customer) == ("rejected", "We cannot pay to this address.")
    assert row.closed_at is not None
    assert funds(customer) == (100 * USDT, 0)
    mail = OutgoingMail.objects.get(template="withdrawal_rejected")
    assert mail.facts["reason"] == "We cannot pay to this address."


def test_the_note_stays_among_the_staff() -> None:
    row = reject(in_review(a_customer(micro=100 * USDT)))
    assert row.notes.get().text == "On a list."
    assert "On a list." not in str(OutgoingMail.objects.values_list("facts", flat=True))


def test_a_held_request_can_be_rejected() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    person = staff("support")
    row = withdrawals.hold_withdrawal(
        withdrawal_id=row.pk, actor=person, revision=1, reason="a closer look", step_up=proven(person)
    )
    assert reject(row).state == "rejected"


def test_a_rejection_happens_once() -> None:
    customer = a_customer(micro=100 * USDT)
    row = in_review(customer)
    reject(row)
    with pytest.raises(errors.WrongState):
        reject(row)
    assert funds(customer) == (100 * USDT, 0)


def test_the_customer_must_be_given_a_reason() -> None:
    with pytest.raises(errors.ReasonMissing):
        reject(in_review(a_customer(micro=100 * USDT)), reason_for_customer=" ")


def test_only_what_is_under_review_can_be_rejected() -> None:
    customer = a_customer(micro=1000 * USDT)
    for row in (ask(customer), approved(customer)):
        with pytest.raises(errors.WrongState):
            reject(row)


def test_a_stale_revision_is_refused() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    with pytest.raises(errors.StaleRevision):
        reject(row, revision=7)


def test_a_rejection_asks_for_the_password_again() -> None:
    with pytest.raises(StepUpFailed):
        reject(in_review(a_customer(micro=100 * USDT)), step_up=StepUp(""))


def test_the_treasurer_may_not_reject() -> None:
    with pytest.raises(errors.NotPermitted):
        reject(in_review(a_customer(micro=100 * USDT)), actor=staff("treasurer"))
