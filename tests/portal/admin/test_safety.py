"""What support sees of a customer's holds, lock and address book, and the one thing it can do about them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.holds import Kind, held_until, hold_withdrawals
from accounts.models import User
from accounts.settings_lock import lock_settings
from payouts import address_book
from payouts.models import WithdrawalRequest
from tests.payouts.people import RECIPIENT, USDT, a_customer, add, in_review, saved
from tests.payouts.test_add_address import alike
from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.test_other_dialogs import send
from tests.portal.admin.test_withdrawal_dialogs import refusal, sent
from tests.support.factors import proven

pytestmark = pytest.mark.django_db
QUEUE = "admin:payouts_withdrawalrequest_changelist"


def customer_page(client: Client, customer: User) -> str:
    return client.get(reverse("admin:accounts_customer_change", args=[customer.pk])).content.decode()


def request_page(client: Client, row: WithdrawalRequest) -> str:
    return client.get(reverse("admin:payouts_withdrawalrequest_change", args=[row.pk])).content.decode()


def in_form(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_support_lengthens_a_hold_and_cannot_shorten_it(signed_in: SignedIn) -> None:
    customer, (client, person) = a_customer(), signed_in("support", stepped_up=True)
    hold_withdrawals(user_id=customer.pk, kind=Kind.PASSWORD, actor=customer)
    shorter = send(client, "accounts_customer_hold", customer.pk, until=in_form(0.5), reason="They asked us")
    assert "A hold can only be lengthened" in shorter
    assert not send(client, "accounts_customer_hold", customer.pk, until=in_form(3), reason="A call that we doubt")
    until = held_until(customer.pk)
    assert until is not None
    assert until > timezone.now() + timedelta(days=2)
    text = customer_page(client, customer)
    assert "the password was changed" in text
    assert "A call that we doubt" in text
    assert person.email


@pytest.mark.parametrize("role", ["finance", "treasurer", "admin"])
def test_other_roles_hold_nobody(signed_in: SignedIn, role: str) -> None:
    customer, (client, _person) = a_customer(), signed_in(role)
    answer = client.post(
        reverse("admin:accounts_customer_hold", args=[customer.pk]), {"until": in_form(3), "reason": "x"}
    )
    assert answer.status_code == 403
    assert held_until(customer.pk) is None


def test_a_customers_page_shows_choice_lock_and_book_with_what_was_removed(signed_in: SignedIn) -> None:
    customer, (client, _person) = a_customer(only_saved=True), signed_in("support")
    entry = saved(customer, label="<i>wallet</i>")
    address_book.remove_address(customer_id=customer.pk, entry_id=entry.public_id)
    add(customer, alike(RECIPIENT))
    lock_settings(user_id=customer.pk, days=3, wait_days=1, step_up=proven(customer))
    text = customer_page(client, customer)
    assert "to saved addresses only" in text
    assert "locked until" in text
    assert "&lt;i&gt;wallet&lt;/i&gt;" in text
    assert "<i>wallet" not in text
    assert RECIPIENT in text


def test_a_request_shows_how_long_its_address_is_in_the_book(signed_in: SignedIn, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer, (client, _person) = a_customer(micro=500 * USDT), signed_in("support")
    assert "not saved: this customer allows any address" in request_page(client, in_review(customer))
    entry = saved(customer, label="Exchange")
    row = in_review(customer)
    assert "saved as “Exchange” for under a minute" in request_page(client, row)
    address_book.remove_address(customer_id=customer.pk, entry_id=entry.public_id)
    assert "“Exchange”: Removed" in request_page(client, row)


def test_a_look_alike_is_a_risk_in_the_queue_and_on_the_page(signed_in: SignedIn) -> None:
    customer, (client, _person) = a_customer(micro=500 * USDT), signed_in("support")
    add(customer)
    row = in_review(customer, address=alike(RECIPIENT), resemblance_accepted=True)
    assert "Look-alike address" in client.get(reverse(QUEUE)).content.decode()
    text = request_page(client, row)
    assert "begins and ends like" in text
    assert RECIPIENT in text


def test_a_hold_is_a_signal_in_the_queue_and_stops_the_approval(signed_in: SignedIn) -> None:
    customer, (client, _person) = a_customer(micro=500 * USDT), signed_in("support")
    row = in_review(customer)
    hold_withdrawals(user_id=customer.pk, kind=Kind.EMAIL, actor=customer)
    assert "Customer on hold" in client.get(reverse(QUEUE)).content.decode()
    assert "the e-mail address was changed" in request_page(client, row)
    assert "Withdrawals of this customer are held until" in refusal(sent(client, "approve", row))
    row.refresh_from_db()
    assert row.state == "in_review"
