"""Somebody who wants to know whether a person has an account here: no page tells, by its words or by its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from pytest_django import Settings

from accounts.models import User
from tests.attacks.counting import CountingHasher, hashings_of
from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD

pytestmark = pytest.mark.django_db
Answer = tuple[list[tuple[str, int]], int, str]


@pytest.fixture(autouse=True)
def _counting(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.{CountingHasher.__name__}"]


@pytest.fixture
def people() -> dict[str, str]:
    """The address of somebody of each kind."""
    closed, unproven = a_person(), a_person()
    User.objects.filter(pk=closed.pk).update(is_active=False)
    EmailAddress.objects.filter(user=unproven).update(verified=False)
    return {
        "customer": a_person().email,
        "closed": closed.email,
        "unproven": unproven.email,
        "nobody": "nobody@example.com",
    }


def seen(answer: HttpResponse) -> Answer:
    """All that the asker sees: where it led, and what it said, without what differs each time."""
    text = re.sub(r"[\w.]+@example\.com", "EMAIL", answer.content.decode())
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    chain = [(url, status) for url, status in getattr(answer, "redirect_chain", [])]
    return chain, answer.status_code, text


def told_apart(people: dict[str, str], ask: Callable[[str], Any]) -> dict[str, tuple[Answer, int]]:
    """What each address is answered, and how many passwords were hashed for it."""
    found = {}
    for kind, email in people.items():
        answer, work = hashings_of(lambda email=email: ask(email))  # type: ignore[misc]  # bound at once
        found[kind] = (seen(answer), work)
    return found


def all_alike(found: dict[str, tuple[Answer, int]], *, work: int) -> bool:
    first = found["nobody"]
    assert {kind: cost for kind, (_answer, cost) in found.items()} == dict.fromkeys(found, work)
    for kind, (answer, _cost) in found.items():
        assert answer == first[0], kind
    return True


def test_a_wrong_password_is_answered_alike_and_costs_alike(people: dict[str, str]) -> None:
    found = told_apart(
        people, lambda email: client_of().post("/account/login/", {"login": email, "password": "not it"}, follow=True)
    )
    assert all_alike(found, work=1)


def test_a_sign_up_is_answered_alike_and_costs_alike(people: dict[str, str]) -> None:
    found = told_apart(
        people,
        lambda email: client_of().post(
            "/account/signup/", {"email": email, "password1": PASSWORD, "password2": PASSWORD}, follow=True
        ),
    )
    assert all_alike(found, work=1)


def test_a_reset_is_answered_alike_and_costs_alike(people: dict[str, str]) -> None:
    found = told_apart(
        people, lambda email: client_of().post("/account/password/reset/", {"email": email}, follow=True)
    )
    assert all_alike(found, work=0)


def test_a_new_address_of_an_account_is_answered_alike_and_costs_alike(people: dict[str, str]) -> None:
    askers = {email: client_of(a_person()) for email in people.values()}
    found = told_apart(
        people, lambda email: askers[email].post("/account/email/", {"email": email, "action_add": "1"}, follow=True)
    )
    assert all_alike(found, work=0)
