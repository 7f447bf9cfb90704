"""The link in the mail, and the button behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.utils import timezone

from accounts.freezes import freeze_withdrawals
from accounts.models import OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from payouts import errors, links, withdrawals
from payouts.links import confirmation_token
from payouts.models import WithdrawalRequest
from tests.payouts.people import ORIGIN, USDT, a_customer, ask, confirm, funds, states_told, thaw

pytestmark = pytest.mark.django_db


def test_the_request_goes_to_review() -> None:
    row = confirm(ask(a_customer(micro=100 * USDT)))
    assert row.state == "in_review"
    assert row.confirmed_at is not None
    assert states_told(row)[1:] == [("requested", "confirmed"), ("confirmed", "in_review")]
    assert OutgoingMail.objects.filter(template="withdrawal_received").count() == 1


def test_from_the_threshold_on_review_asks_for_two_people() -> None:
    customer = a_customer(micro=5000 * USDT)
    assert confirm(ask(customer, 1000 * USDT)).approvals_required == 2
    assert confirm(ask(customer, 1000 * USDT - 1)).approvals_required == 1


def test_opening_the_page_changes_nothing() -> None:
    row = ask(a_customer(micro=100 * USDT))
    shown = withdrawals.withdrawal_of_link(token=confirmation_token(row), customer_id=row.customer_id)
    row.refresh_from_db()
    assert (shown.pk, row.state) == (row.pk, "requested")


def test_a_replayed_link_says_that_it_was_confirmed_already() -> None:
    row = ask(a_customer(micro=100 * USDT))
    confirm(row)
    with pytest.raises(errors.AlreadyConfirmed) as caught:
        confirm(row)
    assert caught.value.public_id == row.public_id
    with pytest.raises(errors.AlreadyConfirmed):
        withdrawals.withdrawal_of_link(token=confirmation_token(row), customer_id=row.customer_id)
    assert len(states_told(row)) == 3


def test_an_expired_link_closes_the_request_and_gives_the_money_back() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    with time_machine.travel(timezone.now() + timedelta(seconds=3601), tick=False), pytest.raises(errors.LinkExpired):
        confirm(row)
    row.refresh_from_db()
    assert row.state == "expired"
    assert row.closed_at is not None
    assert funds(customer) == (100 * USDT, 0)
    with pytest.raises(errors.LinkExpired):
        confirm(row)


def test_looking_at_an_expired_link_leaves_the_request_to_the_clock() -> None:
    row = ask(a_customer(micro=100 * USDT))
    token = confirmation_token(row)
    with time_machine.travel(timezone.now() + timedelta(seconds=3601), tick=False), pytest.raises(errors.LinkExpired):
        withdrawals.withdrawal_of_link(token=token, customer_id=row.customer_id)
    row.refresh_from_db()
    assert row.state == "requested"


def test_a_link_in_its_last_second_is_good() -> None:
    row = ask(a_customer(micro=100 * USDT))
    token = confirmation_token(row)
    with time_machine.travel(row.confirm_by - timedelta(seconds=1), tick=False):
        done = withdrawals.confirm_withdrawal(token=token, customer_id=row.customer_id)
    assert done.state == "in_review"


def test_the_link_of_a_cancelled_request_says_so() -> None:
    row = ask(a_customer(micro=100 * USDT))
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=row.customer_id)
    with pytest.raises(errors.AlreadyCancelled):
        confirm(row)


def test_somebody_elses_link_is_not_valid() -> None:
    row, stranger = ask(a_customer(micro=100 * USDT)), a_customer()
    for look in (withdrawals.confirm_withdrawal, withdrawals.withdrawal_of_link):
        with pytest.raises(errors.LinkInvalid):
            look(token=confirmation_token(row), customer_id=stranger.pk)
    row.refresh_from_db()
    assert row.state == "requested"


def test_a_link_made_for_another_purpose_is_not_valid() -> None:
    row = ask(a_customer(micro=100 * USDT))
    others = signing.dumps([row.pk, row.customer_id, row.revision], salt="accounts.something-else")
    with pytest.raises(errors.LinkInvalid):
        withdrawals.confirm_withdrawal(token=others, customer_id=row.customer_id)


@pytest.mark.parametrize("broken", ["", "x", "a:b:c", "W10:1abc:xyz"])
def test_a_broken_link_is_not_valid(broken: str) -> None:
    with pytest.raises(errors.LinkInvalid):
        withdrawals.confirm_withdrawal(token=broken, customer_id=a_customer().pk)


@pytest.mark.parametrize("contents", [[], [1], "text", {"a": 1}, [1, 2, 3, 4]])
def test_a_well_signed_link_with_odd_contents_is_not_valid(contents: object) -> None:
    token = signing.dumps(contents, salt=links.PURPOSE)
    with pytest.raises(errors.LinkInvalid):
        withdrawals.confirm_withdrawal(token=token, customer_id=a_customer().pk)


def test_a_link_to_a_request_that_is_not_there_is_not_valid() -> None:
    customer = a_customer()
    token = signing.dumps([10**9, customer.pk, 1], salt=links.PURPOSE)
    with pytest.raises(errors.LinkInvalid):
        withdrawals.confirm_withdrawal(token=token, customer_id=customer.pk)
    with pytest.raises(errors.LinkInvalid):
        withdrawals.withdrawal_of_link(token=token, customer_id=customer.pk)


def test_a_request_that_was_changed_is_not_confirmed_by_the_old_link() -> None:
    row = ask(a_customer(micro=100 * USDT))
    token = confirmation_token(row)
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=2)
    with pytest.raises(errors.LinkInvalid):
        withdrawals.confirm_withdrawal(token=token, customer_id=row.customer_id)


def test_a_customer_frozen_meanwhile_cannot_confirm_until_the_thaw() -> None:
    row = ask(a_customer(micro=100 * USDT))
    freeze_withdrawals(user_id=row.customer_id, reason="test", process="test")
    with pytest.raises(errors.WithdrawalsFrozen):
        confirm(row)
    thaw(row.customer)
    assert confirm(row).state == "in_review"


def test_everything_that_a_customer_has_can_be_confirmed() -> None:
    customer = a_customer(micro=41 * USDT)
    assert confirm(ask(customer, 40 * USDT)).state == "in_review"


def test_a_step_up_that_is_given_is_checked() -> None:
    row = ask(a_customer(micro=100 * USDT))
    with pytest.raises(StepUpFailed):
        withdrawals.confirm_withdrawal(
            token=confirmation_token(row), customer_id=row.customer_id, step_up=StepUp("wrong"), origin=ORIGIN
        )
    row.refresh_from_db()
    assert row.state == "requested"
