"""Staff approve, by four eyes where the sum asks for it."""

from __future__ import annotations

import pytest

from accounts.freezes import freeze_withdrawals
from accounts.models import OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from payouts import errors, withdrawals
from payouts.models import WithdrawalApproval, WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approve, approved, ask, fund, in_review, staff, states_told
from tests.support.factors import given_now
from treasury.approvals import approval_digest

pytestmark = pytest.mark.django_db
BIG = 1000 * USDT


def test_one_approval_is_enough_below_the_threshold() -> None:
    row = approved(a_customer(micro=100 * USDT))
    assert row.state == "approved"
    assert row.decided_at is not None
    assert OutgoingMail.objects.filter(template="withdrawal_approved").count() == 1


def test_an_approval_is_of_exactly_this_address_network_and_amount() -> None:
    row = approved(a_customer(micro=100 * USDT))
    given = WithdrawalApproval.objects.get()
    assert given.digest == approval_digest(
        reference=f"withdrawal:{row.pk}", revision=1, network="arbitrum", address=row.address, amount_micro=40 * USDT
    )
    assert given.ip_address == "192.0.2.7"


def test_a_second_approver_is_needed_over_the_threshold() -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    first, second = staff("support"), staff("support")
    assert approve(row, first).state == "in_review"
    assert approve(row, second).state == "approved"
    assert set(WithdrawalApproval.objects.values_list("approver", flat=True)) == {first.pk, second.pk}


def test_the_first_approver_cannot_be_the_second() -> None:
    row, first = in_review(a_customer(micro=2 * BIG), BIG), staff("support")
    approve(row, first)
    with pytest.raises(errors.AlreadyApprovedByYou):
        approve(row, first)
    assert WithdrawalApproval.objects.count() == 1


def test_colleagues_are_asked_for_the_second_approval() -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    first, second, _finance = staff("support"), staff("support"), staff("finance")
    approve(row, first)
    asked = OutgoingMail.objects.filter(template="withdrawal_second_approval").values_list("recipient", flat=True)
    assert second.email in asked
    assert not {first.email, _finance.email} & set(asked)


def test_nobody_approves_their_own_withdrawal() -> None:
    both = staff("support")
    other = a_customer(micro=100 * USDT)
    row = in_review(other)
    assert row.customer_id != both.pk
    fund(both, 100 * USDT)
    own = in_review(both)
    with pytest.raises(errors.OwnRequest):
        approve(own, both)
    with pytest.raises(errors.OwnRequest):
        withdrawals.claim_withdrawal(withdrawal_id=own.pk, actor=both)


def test_a_stale_revision_is_refused() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=2)
    with pytest.raises(errors.StaleRevision):
        approve(row, staff("support"))
    assert not WithdrawalApproval.objects.exists()


def test_an_approval_of_an_older_revision_does_not_count() -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    approve(row, staff("support"))
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=2)
    row.refresh_from_db()
    assert approve(row, staff("support")).state == "in_review"


def test_a_lowered_threshold_counts_for_requests_already_in_review(settings: object) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO = 10 * USDT  # type: ignore[attr-defined]  # pytest-django's
    after = approve(row, staff("support"))
    assert (after.state, after.approvals_required) == ("in_review", 2)


def test_a_raised_threshold_does_not_lower_what_review_fixed(settings: object) -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO = 10 * BIG  # type: ignore[attr-defined]  # pytest-django's
    assert approve(row, staff("support")).state == "in_review"


@pytest.mark.parametrize("role", ["finance", "treasurer", "admin"])
def test_other_roles_may_not_approve(role: str) -> None:
    with pytest.raises(errors.NotPermitted):
        approve(in_review(a_customer(micro=100 * USDT)), staff(role))


def test_a_customer_may_not_approve() -> None:
    with pytest.raises(errors.NotPermitted):
        approve(in_review(a_customer(micro=100 * USDT)), a_customer())


def test_a_colleague_who_left_may_not_approve_with_an_open_session() -> None:
    actor = staff("support")
    type(actor).objects.filter(pk=actor.pk).update(is_active=False)
    with pytest.raises(errors.NotPermitted):
        approve(in_review(a_customer(micro=100 * USDT)), actor)


def test_the_password_is_asked_for_again() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    with pytest.raises(StepUpFailed):
        approve(row, staff("support"), step_up=StepUp(code="000000"))
    assert not WithdrawalApproval.objects.exists()


def test_only_what_is_in_review_can_be_approved() -> None:
    customer, support = a_customer(micro=1000 * USDT), staff("support")
    for row in (ask(customer), approved(customer)):
        with pytest.raises(errors.WrongState) as caught:
            approve(row, support)
        assert caught.value.state == row.state


def test_a_frozen_customer_is_not_approved() -> None:
    row = in_review(a_customer(micro=100 * USDT))
    freeze_withdrawals(user_id=row.customer_id, reason="test", process="test")
    with pytest.raises(errors.CustomerFrozen):
        approve(row, staff("support"))


def test_a_withdrawal_that_is_not_there_is_not_found() -> None:
    person = staff("support")
    with pytest.raises(errors.WithdrawalNotFound):
        withdrawals.approve_withdrawal(withdrawal_id=10**9, actor=person, revision=1, step_up=given_now(person))


def test_the_timeline_has_the_approval_once() -> None:
    row = approved(a_customer(micro=100 * USDT))
    assert states_told(row)[-1] == ("in_review", "approved")
