"""A client that claims to come from ever other addresses: counted and written down by the one it has."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import LoginHistory
from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD

pytestmark = pytest.mark.django_db
TOO_MANY = "Too many wrong tries"


def guess(number: int, forwarded: str, *, email: str = "") -> str:
    """A wrong password for another account each time, so that only the address is counted."""
    answer = client_of().post(
        "/account/login/",
        {"login": email or f"nobody{number}@example.com", "password": PASSWORD},
        headers={"x-forwarded-for": forwarded, "x-real-ip": forwarded, "forwarded": f"for={forwarded}"},
        REMOTE_ADDR="192.0.2.7",
    )
    return str(answer.content.decode())


@pytest.mark.parametrize("proxies", [0, 1])
def test_who_guesses_is_stopped_however_many_addresses_they_claim(settings: Settings, proxies: int) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    seen = ", 192.0.2.7" if proxies else ""  # what our own proxy adds
    answers = [guess(number, f"198.51.100.{number}{seen}") for number in range(6)]
    assert [TOO_MANY in answer for answer in answers] == [False] * 3 + [True] * 3


def test_behind_a_proxy_one_visitor_does_not_stop_another(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(6):
        guess(number, "192.0.2.7")
    assert TOO_MANY not in guess(7, "192.0.2.8")


def test_the_owner_reads_the_address_that_was_really_used(settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    person = a_person()
    client_of().post(
        "/account/login/",
        {"login": person.email, "password": "not it"},
        headers={"x-forwarded-for": "198.51.100.1, 203.0.113.9", "x-real-ip": "198.51.100.1"},
    )
    assert LoginHistory.objects.get(user=person).ip_address == "203.0.113.9"
