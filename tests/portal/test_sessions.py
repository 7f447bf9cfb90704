"""Who a session belongs to, as each page reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User
from portal.backends import AuthenticationBackend
from portal.sessions import SessionStore
from tests.payouts.people import a_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return a_customer()


@pytest.fixture
def client(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def test_a_session_leads_to_its_person(client: Client) -> None:
    assert is_signed_in(client)
    assert client.session[BACKEND_SESSION_KEY] == "portal.backends.AuthenticationBackend"


def test_an_expired_session_is_none(client: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(client)


def test_a_deleted_session_is_none(client: Client) -> None:
    Session.objects.all().delete()
    assert not is_signed_in(client)


def test_an_account_that_is_closed_is_signed_out_at_once(client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert not is_signed_in(client)


def test_a_new_password_ends_the_session(client: Client, person: User) -> None:
    person.set_password("another long one 5")
    person.save()
    assert not is_signed_in(client)


def test_nobody_is_found_for_an_unknown_key_or_number() -> None:
    assert SessionStore("no-such-key-0123456789").load() == {}
    assert AuthenticationBackend().get_user(10**9) is None


def test_a_person_is_read_anew_each_time(person: User) -> None:
    first = AuthenticationBackend().get_user(person.pk)
    User.objects.filter(pk=person.pk).update(full_name="Changed")
    second = AuthenticationBackend().get_user(person.pk)
    assert first is not None
    assert second is not None
    assert second.full_name == "Changed"
    assert second.date_joined == person.date_joined
