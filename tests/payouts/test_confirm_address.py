"""The link in the mail about a new address, and the button behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.utils import timezone

from accounts.freezes import freeze_withdrawals
from accounts.mail import NothingToTell, render
from accounts.models import ActivityLog, OutgoingMail
from accounts.settings_lock import SettingsLocked, lock_settings
from payouts import address_book, errors, links
from payouts.links import address_token
from payouts.models import SavedAddress
from tests.payouts.people import (
    ORIGIN,
    OTHER_RECIPIENT,
    RECIPIENT,
    USDT,
    a_customer,
    add,
    ask,
    confirm_address,
    saved,
)
from tests.payouts.test_double_submit import at_once
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven

DATABASE = pytest.mark.django_db
DAY = timedelta(days=1)


@DATABASE
def test_a_confirmed_address_can_be_paid_to_a_day_later() -> None:
    customer = a_customer(micro=100 * USDT, only_saved=True)
    entry = saved(customer)
    assert entry.state == "confirmed"
    assert entry.confirmed_at is not None
    assert entry.active_from == entry.confirmed_at + DAY
    told = OutgoingMail.objects.get(template="address_added")
    assert told.facts["active_from"] == entry.active_from.isoformat()
    for name in ("address_confirm", "address_added"):
        facts = OutgoingMail.objects.get(template=name).facts
        assert (facts["ip"], facts["user_agent"]) == (ORIGIN.ip_address, ORIGIN.user_agent), "from where it was done"
    assert ActivityLog.objects.filter(action="address.confirmed", target_id=str(entry.pk)).exists()
    with pytest.raises(errors.AddressOnHold):
        ask(customer)
    with time_machine.travel(entry.active_from - timedelta(seconds=1), tick=False), pytest.raises(errors.AddressOnHold):
        ask(customer)
    with time_machine.travel(entry.active_from, tick=False):
        assert ask(customer).state == "requested"


@DATABASE
def test_while_withdrawals_are_frozen_nothing_is_confirmed_and_no_waiting_time_begins() -> None:
    entry = add(a_customer())
    freeze_withdrawals(user_id=entry.customer_id, reason="stolen phone", process="test")
    with pytest.raises(errors.WithdrawalsFrozen):
        confirm_address(entry)
    entry.refresh_from_db()
    assert (entry.state, entry.active_from) == ("pending", None)


@DATABASE
def test_opening_the_page_changes_nothing() -> None:
    entry = add(a_customer())
    shown = address_book.address_of_link(token=address_token(entry), customer_id=entry.customer_id)
    entry.refresh_from_db()
    assert (shown.pk, entry.state) == (entry.pk, "pending")


@DATABASE
def test_a_replayed_link_says_that_it_was_confirmed_already() -> None:
    entry = saved(a_customer())
    with pytest.raises(errors.AddressConfirmedAlready):
        confirm_address(entry)
    assert SavedAddress.objects.get().active_from == entry.active_from


@DATABASE
def test_somebody_elses_link_is_invalid() -> None:
    entry, other = add(a_customer()), a_customer()
    for operation in (address_book.confirm_address, address_book.address_of_link):
        with pytest.raises(errors.AddressLinkInvalid):
            operation(token=address_token(entry), customer_id=other.pk)
    entry.refresh_from_db()
    assert entry.state == "pending"


@DATABASE
def test_a_link_to_somebody_elses_entry_that_is_signed_for_me_does_not_open_it() -> None:
    entry, other = add(a_customer()), a_customer()
    forged = signing.dumps([entry.pk, other.pk], salt=links.ADDRESS_PURPOSE)
    with pytest.raises(errors.AddressLinkInvalid):
        address_book.confirm_address(token=forged, customer_id=other.pk)


@DATABASE
@pytest.mark.parametrize(
    "spoil", [lambda token: token[:-1], lambda token: "x" + token, lambda token: "", lambda _t: "a:b:c"]
)
def test_a_tampered_link_is_invalid(spoil: object) -> None:
    entry = add(a_customer())
    with pytest.raises(errors.AddressLinkInvalid):
        address_book.confirm_address(token=spoil(address_token(entry)), customer_id=entry.customer_id)  # type: ignore[operator]


@DATABASE
def test_the_link_of_a_withdrawal_confirms_no_address() -> None:
    entry = add(a_customer())
    for said in ([entry.pk, entry.customer_id], [entry.pk, entry.customer_id, 1]):
        with pytest.raises(errors.AddressLinkInvalid):
            address_book.confirm_address(token=signing.dumps(said, salt=links.PURPOSE), customer_id=entry.customer_id)


@DATABASE
def test_after_a_day_the_link_has_expired_and_the_entry_is_closed() -> None:
    customer = a_customer()
    entry = add(customer)
    with time_machine.travel(timezone.now() + DAY + timedelta(seconds=1), tick=False):
        with pytest.raises(errors.AddressLinkExpired):
            address_book.address_of_link(token=address_token(entry), customer_id=customer.pk)
        token = address_token(entry)  # made anew by a mail that was late: the entry's own time counts
        with pytest.raises(errors.AddressLinkExpired):
            address_book.confirm_address(token=token, customer_id=customer.pk)
        entry.refresh_from_db()
        assert (entry.state, entry.active_from) == ("expired", None)
        with pytest.raises(errors.AddressLinkExpired):
            confirm_address(entry)
        assert add(customer).state == "pending"


@DATABASE
def test_what_nobody_confirms_expires_by_itself() -> None:
    customer = a_customer()
    forgotten, kept = add(customer), saved(customer, OTHER_RECIPIENT)
    assert address_book.expire_addresses() == 0
    with time_machine.travel(timezone.now() + DAY + timedelta(seconds=1), tick=False):
        assert address_book.expire_addresses() == 1
        assert address_book.expire_addresses() == 0
    forgotten.refresh_from_db()
    kept.refresh_from_db()
    assert (forgotten.state, kept.state) == ("expired", "confirmed")
    assert ActivityLog.objects.get(action="address.expired").actor is None


@DATABASE
def test_an_address_that_was_removed_stays_unconfirmed() -> None:
    entry = add(a_customer())
    address_book.remove_address(customer_id=entry.customer_id, entry_id=entry.public_id)
    with pytest.raises(errors.AddressRemovedAlready):
        confirm_address(entry)


@DATABASE
def test_what_was_begun_before_the_settings_were_locked_is_not_finished() -> None:
    entry = add(a_customer())
    lock_settings(user_id=entry.customer_id, days=1, wait_days=1, step_up=proven(entry.customer))
    with pytest.raises(SettingsLocked):
        confirm_address(entry)


@DATABASE
def test_the_mail_has_a_link_as_long_as_there_is_something_to_confirm() -> None:
    entry = add(a_customer(), label="<b>wallet</b>")
    mail = OutgoingMail.objects.get(template="address_confirm")
    message = render(mail)
    assert address_token(entry).split(":")[0] in str(message.body)
    assert "&lt;b&gt;wallet" in str(message.alternatives[0][0])
    assert "<b>wallet" not in str(message.alternatives[0][0])
    confirm_address(entry)
    with pytest.raises(NothingToTell):
        render(mail)


def test_two_confirmations_at_once_are_one(committed_db: CommittedDatabase) -> None:
    entry = add(a_customer())
    made = at_once(*[lambda: confirm_address(entry)] * 3)
    assert sorted(type(each).__name__ for each in made) == [
        "AddressConfirmedAlready",
        "AddressConfirmedAlready",
        "SavedAddress",
    ]
    assert OutgoingMail.objects.filter(template="address_added").count() == 1


def test_a_confirmation_and_a_removal_at_once_leave_it_removed_or_refuse_the_confirmation(
    committed_db: CommittedDatabase,
) -> None:
    entry = add(a_customer(), RECIPIENT)
    at_once(
        lambda: confirm_address(entry),
        lambda: address_book.remove_address(customer_id=entry.customer_id, entry_id=entry.public_id),
    )
    entry.refresh_from_db()
    assert entry.state == "removed"
