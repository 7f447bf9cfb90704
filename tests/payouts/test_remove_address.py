"""An address leaves the book."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import ActivityLog, OutgoingMail
from accounts.settings_lock import lock_settings
from payouts import address_book, errors
from payouts.models import SavedAddress, WithdrawalRequest
from tests.payouts.people import ORIGIN, USDT, a_customer, add, ask, confirm, funds, saved
from tests.payouts.test_double_submit import at_once
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven

DATABASE = pytest.mark.django_db


def remove(entry: SavedAddress, **changes: object) -> SavedAddress:
    given = {"customer_id": entry.customer_id, "entry_id": entry.public_id, "origin": ORIGIN} | changes
    return address_book.remove_address(**given)  # type: ignore[arg-type]  # by name


@DATABASE
def test_it_is_gone_at_once_kept_as_evidence_and_told() -> None:
    customer = a_customer(micro=100 * USDT, only_saved=True)
    entry = saved(customer)
    assert remove(entry).state == "removed"
    with pytest.raises(errors.AddressNotSaved), time_machine.travel(entry.active_from or 0, tick=False):
        ask(customer)
    row = SavedAddress.objects.get()
    assert (row.state, row.address, row.active_from) == ("removed", entry.address, entry.active_from)
    assert OutgoingMail.objects.filter(template="address_removed").count() == 1
    assert ActivityLog.objects.get(action="address.removed").actor == customer


@DATABASE
def test_saved_again_it_waits_again() -> None:
    customer = a_customer(micro=100 * USDT, only_saved=True)
    first = saved(customer)
    assert first.active_from is not None
    with time_machine.travel(first.active_from + timedelta(days=1), tick=True):
        remove(first)
        again = saved(customer)
        assert again.pk != first.pk
        with pytest.raises(errors.AddressOnHold):
            ask(customer)


@DATABASE
def test_nobody_removes_another_ones() -> None:
    entry = saved(a_customer())
    with pytest.raises(errors.SavedAddressNotFound):
        remove(entry, customer_id=a_customer().pk)
    entry.refresh_from_db()
    assert entry.state == "confirmed"


@DATABASE
def test_what_is_gone_or_never_was_cannot_be_removed() -> None:
    entry = add(a_customer())
    remove(entry)
    for number in (entry.public_id, uuid.uuid4()):
        with pytest.raises(errors.SavedAddressNotFound):
            remove(entry, entry_id=number)


@DATABASE
def test_it_is_possible_while_the_settings_are_locked() -> None:
    entry = saved(a_customer())
    lock_settings(user_id=entry.customer_id, days=30, wait_days=30, step_up=proven(entry.customer))
    assert remove(entry).state == "removed"


@DATABASE
def test_what_was_asked_for_before_is_not_confirmed_after_it(settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = a_customer(micro=100 * USDT, only_saved=True)
    entry = saved(customer)
    row = ask(customer)
    remove(entry)
    with pytest.raises(errors.AddressNotSaved):
        confirm(row)
    row.refresh_from_db()
    assert row.state == "requested"
    assert funds(customer) == (59 * USDT, 41 * USDT)


def test_a_removal_and_a_request_at_once_come_one_after_the_other(
    committed_db: CommittedDatabase, settings: Settings
) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = a_customer(micro=100 * USDT, only_saved=True)
    entry = saved(customer)
    made = at_once(lambda: ask(customer), lambda: remove(entry))
    assert isinstance(made[0], WithdrawalRequest | errors.AddressNotSaved)
    assert SavedAddress.objects.get().state == "removed"
    if isinstance(made[0], WithdrawalRequest):
        with pytest.raises(errors.AddressNotSaved):
            confirm(made[0])
