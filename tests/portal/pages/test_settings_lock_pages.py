"""Locking the settings, lengthening the lock, and unlocking early, through the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import SettingsLock, User
from accounts.settings_lock import current_lock, is_locked, lock_settings, unlock_token
from tests.payouts.people import a_customer
from tests.portal.pages.conftest import browser_of
from tests.portal.pages.test_withdrawal_pages import words
from tests.support.factors import code_of, person_of, proven

LOCK = "/security/lock/"


def lock(client: Client, **changes: str) -> object:
    return client.post(LOCK, {"days": "7", "wait_days": "3", "code": code_of(person_of(client))} | changes, follow=True)


def link(user: User) -> str:
    found = current_lock(user.pk)
    assert found is not None
    return f"/security/lock/confirm/{unlock_token(found)}/"


def test_the_settings_are_locked_and_lengthened(client: Client, customer: User) -> None:
    assert "Not locked" in words(client.get(LOCK))
    text = words(lock(client))
    assert "Your settings are locked." in text
    assert "Unlocking earlier takes 3 days" in text
    assert "locked for longer than that already" in words(lock(client, days="2", wait_days="1"))
    first = SettingsLock.objects.get().locked_until
    lock(client, days="30")
    assert SettingsLock.objects.get().locked_until > first + timedelta(days=20)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("days", "0", "is not one of the available choices"),
        ("days", "31", "is not one of the available choices"),
        ("days", "", "Choose from 1 to 30 days."),
        ("days", "x", "is not one of the available choices"),
        ("wait_days", "8", "not more than the lock itself"),
        ("code", "000000", "The code is not right"),
        ("code", "", "Confirm that it is you"),
    ],
)
def test_each_mistake_is_said_beside_its_field(
    client: Client, customer: User, field: str, given: str, said: str
) -> None:
    answer = client.post(LOCK, {"days": "7", "wait_days": "3", "code": code_of(person_of(client))} | {field: given})
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not is_locked(customer.pk)


def test_unlocking_early_asks_the_mail_and_waits(client: Client, customer: User) -> None:
    lock(client)
    text = words(client.post("/security/lock/unlock/", follow=True))
    assert "Nothing is unlocked before you confirm it there." in text
    path = link(customer)
    assert "The settings are unlocked 3 days after you press the button." in words(client.get(path))
    assert SettingsLock.objects.get().unlock_at is None, "opening the link changes nothing"
    assert "Unlocking was confirmed." in words(client.post(path, follow=True))
    assert is_locked(customer.pk)
    assert "The lock stays as it was." in words(client.post("/security/lock/keep/", follow=True))
    assert SettingsLock.objects.get().unlock_at is None
    assert client.get(path).status_code == 410


def test_after_the_waiting_time_it_is_over(client: Client, customer: User) -> None:
    lock(client)
    client.post("/security/lock/unlock/")
    client.post(link(customer))
    with time_machine.travel(timezone.now() + timedelta(days=3, seconds=1), tick=True):
        client.force_login(customer)
        assert "Not locked" in words(client.get(LOCK))


def test_another_persons_link_is_refused(client: Client, customer: User) -> None:
    other = a_customer()
    lock_settings(user_id=other.pk, days=7, wait_days=1, step_up=proven(other))
    browser_of(other).post("/security/lock/unlock/")
    for answer in (client.get(link(other)), client.post(link(other))):
        assert answer.status_code == 410
    assert SettingsLock.objects.get().unlock_at is None


@pytest.mark.parametrize("path", ["/security/lock/unlock/", "/security/lock/keep/"])
def test_nothing_happens_by_opening_an_address(client: Client, customer: User, path: str) -> None:
    lock(client)
    assert client.get(path).status_code == 405
    assert SettingsLock.objects.get().unlock_asked_at is None


@pytest.mark.parametrize("path", ["/security/lock/unlock/", "/security/lock/keep/"])
def test_who_is_not_locked_is_told_so(client: Client, customer: User, path: str) -> None:
    assert "Your settings are not locked." in words(client.post(path, follow=True))


@pytest.mark.parametrize(
    "path",
    [LOCK, "/security/lock/unlock/", "/security/lock/keep/", "/security/addresses/add/", "/security/addresses/choice/"],
)
def test_a_form_from_elsewhere_is_refused(customer: User, path: str) -> None:
    assert browser_of(customer, enforce_csrf_checks=True).post(path, {}).status_code == 403
