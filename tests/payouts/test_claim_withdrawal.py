"""Who is looking at a request."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from payouts import errors, withdrawals
from tests.payouts.people import USDT, a_customer, approve, ask, in_review, staff

pytestmark = pytest.mark.django_db


def test_a_claim_lasts_ten_minutes() -> None:
    row, support = in_review(a_customer(micro=100 * USDT)), staff("support")
    with time_machine.travel(timezone.now(), tick=False):
        claimed = withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=support)
        assert claimed.claimed_by == support
        assert claimed.claimed_until == timezone.now() + timedelta(minutes=10)


def test_nobody_else_claims_or_decides_meanwhile() -> None:
    row, support, other = in_review(a_customer(micro=100 * USDT)), staff("support"), staff("support")
    withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=support)
    with pytest.raises(errors.ClaimedByAnother) as caught:
        withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=other)
    assert caught.value.label == support.email
    with pytest.raises(errors.ClaimedByAnother):
        approve(row, other)
    assert approve(row, support).state == "approved"


def test_a_claim_that_ran_out_is_anybodys() -> None:
    row, other = in_review(a_customer(micro=100 * USDT)), staff("support")
    withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=staff("support"))
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=other).claimed_by == other


def test_the_first_of_two_approvals_frees_the_request_for_the_second() -> None:
    row, first = in_review(a_customer(micro=2000 * USDT), 1000 * USDT), staff("support")
    withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=first)
    assert approve(row, first).claimed_by is None
    assert approve(row, staff("support")).state == "approved"


def test_a_claim_can_be_given_up() -> None:
    row, support, other = in_review(a_customer(micro=100 * USDT)), staff("support"), staff("support")
    withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=support)
    with pytest.raises(errors.ClaimedByAnother):
        withdrawals.release_claim(withdrawal_id=row.pk, actor=other)
    withdrawals.release_claim(withdrawal_id=row.pk, actor=support)
    assert withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=other).claimed_by == other


def test_only_what_is_under_review_is_claimed() -> None:
    with pytest.raises(errors.WrongState):
        withdrawals.claim_withdrawal(withdrawal_id=ask(a_customer(micro=100 * USDT)).pk, actor=staff("support"))


def test_finance_does_not_claim() -> None:
    with pytest.raises(errors.NotPermitted):
        withdrawals.claim_withdrawal(withdrawal_id=in_review(a_customer(micro=100 * USDT)).pk, actor=staff("finance"))


def test_a_note_is_kept_with_its_author() -> None:
    row, support = in_review(a_customer(micro=100 * USDT)), staff("support")
    note = withdrawals.add_note(withdrawal_id=row.pk, actor=support, text=" called, all fine ")
    assert (note.author, note.text) == (support, "called, all fine")


def test_an_empty_note_is_refused() -> None:
    with pytest.raises(errors.ReasonMissing):
        withdrawals.add_note(withdrawal_id=1, actor=staff("support"), text=" ")
