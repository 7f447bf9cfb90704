"""The customer's own login history, and the totals on the page of settings."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.activity import Origin
from accounts.login_history import Result, record_refusal, record_sign_in
from accounts.models import User
from payouts.totals import PAYOUT
from tests.accounts.places import GOOGLE, YANDEX
from tests.accounts.test_user_agents import CHROME
from tests.payouts.people import USDT, a_customer
from tests.portal.pages.conftest import browser_of
from treasury.ledger import Posting, post

PAGE = "/security/sign-ins/"


@pytest.fixture
def person(committed_db: object) -> User:
    return a_customer()


def text_of(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(text: str) -> list[str]:
    return re.findall(r'data-testid="sign-in" data-result="(\w+)"', text)


def test_it_shows_who_came_from_where_by_what(person: User) -> None:
    record_sign_in(user=person, origin=Origin(YANDEX, CHROME), method="password+totp")
    record_sign_in(user=person, origin=Origin(GOOGLE, "curl/8.0"), method="password")
    record_refusal(user=person, result=Result.WRONG_PASSWORD, origin=Origin(GOOGLE, ""), method="password")
    text = text_of(browser_of(person))
    assert shown(text) == ["success", "wrong_password", "success", "success"]
    for words in (
        "Russia", "United States", YANDEX, GOOGLE, "Chrome 131, Windows 10", "Password, Authenticator app",
        "Wrong password", "new country", "impossible travel", "Unknown",
    ):  # fmt: skip
        assert words in text, words
    assert re.findall(r'class="badge (badge-\w+)">(?:Signed in|Wrong password)', text) == [
        "badge-good", "badge-bad", "badge-good", "badge-good",
    ]  # fmt: skip


def test_it_speaks_russian(person: User) -> None:
    record_sign_in(user=person, origin=Origin(YANDEX, CHROME))
    assert "Россия" in text_of(browser_of(person, language="ru"))


def test_this_session_is_marked_and_no_other(person: User) -> None:
    browser_of(person)
    text = text_of(browser_of(person))
    assert shown(text) == ["success", "success"]
    assert text.count('data-testid="this-session"') == 1
    assert text.index('data-testid="this-session"') < text.rindex('data-testid="sign-in"')


def test_nobody_sees_anybody_elses(person: User) -> None:
    record_sign_in(user=person, origin=Origin(GOOGLE, CHROME))
    assert GOOGLE not in text_of(browser_of(a_customer()))


def test_what_a_browser_says_of_itself_is_text(person: User) -> None:
    record_sign_in(user=person, origin=Origin(GOOGLE, "curl<script>alert(1)</script>/8.0"))
    assert "<script>alert" not in text_of(browser_of(person))


def test_it_is_paged_and_every_line_is_shown_once(person: User) -> None:
    for _each in range(44):
        record_sign_in(user=person, origin=Origin(GOOGLE, CHROME))
    client, seen, path = browser_of(person), 0, PAGE
    while path:
        text = text_of(client, path)
        seen += len(shown(text))
        found = re.search(r'href="(\?before=\d+)" rel="next"', text)
        path = PAGE + found[1] if found else ""
    assert seen == 45


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 19, "٣", "1 OR 1=1", "0x1"])
def test_a_broken_address_is_not_found(person: User, before: str) -> None:
    assert browser_of(person).get(PAGE, {"before": before}).status_code == 404


def test_before_the_first_there_is_nothing(person: User) -> None:
    assert shown(text_of(browser_of(person), PAGE + "?before=1")) == []


def test_it_costs_the_same_however_long_it_is(person: User) -> None:
    client = browser_of(person)
    text_of(client)
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            text_of(client)
        counts.append(len(queries))
        for _each in range(15):
            record_sign_in(user=person, origin=Origin(GOOGLE, CHROME))
    assert counts[0] == counts[1] <= 4


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_for_reading_only(person: User, method: str) -> None:
    assert getattr(browser_of(person), method)(PAGE).status_code == 405


# --- the totals ---


def test_the_settings_show_what_was_deposited_paid_out_and_invested(committed_db: object) -> None:
    person = a_customer(micro=1000 * USDT)
    post(
        Posting("t:1", "asset:arbitrum:hot", "pool:profit:cross", 50 * USDT, "profit"),
        Posting("t:2", "pool:profit:cross", f"customer:{person.pk}:available", 7 * USDT, PAYOUT),
        Posting("t:3", f"customer:{person.pk}:available", f"customer:{person.pk}:invested", 300 * USDT, "invest"),
    )
    text = text_of(browser_of(person), "/settings/")
    for name, micro in (("total-deposit", 1000), ("total-payout", 7), ("active-investment", 300)):
        assert f'data-testid="{name}" data-micro="{micro * USDT}"' in text
    assert "1,000.00 USDT" in text


def test_a_newcomer_without_a_profile_has_totals_of_nothing(committed_db: object) -> None:
    person = User(email="no-profile@example.com")
    person.save()
    assert 'data-testid="total-deposit" data-micro="0"' in text_of(browser_of(person), "/settings/")
