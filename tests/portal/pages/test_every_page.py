"""What holds for all of the customers' pages and the public ones."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User
from tests.payouts.people import USDT, ask
from tests.portal.pages.conftest import a_deposit, browser_of, heads_at

CUSTOMERS = [
    "/dashboard/",
    "/deposit/",
    "/deposit/arbitrum/",
    "/deposit/bsc/",
    "/withdraw/",
    "/history/",
    "/settings/",
    "/security/sign-ins/",
    "/security/addresses/",
    "/security/addresses/add/",
    "/security/lock/",
    "/security/phrase/",
    "/account/email/",
    "/account/logout/",
]
PUBLIC = [
    "/",
    "/help/",
    "/help/about/",
    "/help/deposits/",
    "/help/networks-and-fees/",
    "/help/withdrawals/",
    "/help/security/",
    "/help/faq/",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/done/",
    "/account/confirm-email/",
    "/account/inactive/",
]
TITLES = {"/dashboard/": {"ru": "Обзор", "en": "Overview"}, "/": {"ru": "Каждый USDT на счету", "en": "Every USDT"}}


def page_of(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_page_of_a_customer_opens_in_their_language(customer: User, language: str) -> None:
    heads_at(10_005)
    a_deposit(customer)
    withdrawal = ask(customer)
    client = browser_of(customer, language=language)
    for path in [*CUSTOMERS, f"/withdrawals/{withdrawal.public_id}/"]:
        text = page_of(client, path)
        assert f'<html lang="{language}"' in text, path
        if path in TITLES:
            assert TITLES[path][language] in text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_public_page_opens_in_the_visitors_language(committed_db: object, language: str) -> None:
    client = browser_of(language=language)
    for path in PUBLIC:
        text = page_of(client, path)
        assert f'<html lang="{language}"' in text, path
        if path in TITLES:
            assert TITLES[path][language] in text


def test_a_visitor_who_speaks_another_language_reads_russian(committed_db: object) -> None:
    assert '<html lang="ru"' in page_of(browser_of(language="de"), "/")


@pytest.mark.parametrize("path", [*CUSTOMERS[:8], "/withdraw/review/", "/deposit/live/", "/withdraw/quote/"])
def test_a_visitor_is_sent_to_sign_in_and_back(committed_db: object, path: str) -> None:
    answer = browser_of().get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/account/login/?next={path}"


def test_no_page_needs_more_than_the_strict_policy_allows(customer: User) -> None:
    withdrawal = ask(customer)
    client = browser_of(customer)
    for path in [*CUSTOMERS, *PUBLIC, f"/withdrawals/{withdrawal.public_id}/"]:
        answer = client.get(path, follow=True)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in policy, path
        assert "style-src 'self';" in policy, path
        text = answer.content.decode()
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|javascript:", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        assert not re.search(r"(src|href)=\"(https?:)?//(?!localhost)[^\"]*\.(js|css|woff2)", text), path


def test_every_form_that_changes_something_carries_a_token(customer: User) -> None:
    withdrawal = ask(customer)
    client = browser_of(customer)
    for path in [*CUSTOMERS, f"/withdrawals/{withdrawal.public_id}/"]:
        forms = re.findall(r"<form.*?</form>", page_of(client, path), re.DOTALL)
        assert forms, path
        for form in forms:
            assert 'method="post"' not in form.split(">")[0] or "csrfmiddlewaretoken" in form, path


@pytest.mark.parametrize(
    "path", ["/withdraw/", "/withdraw/review/", "/language/", "/theme/", "/withdrawals/confirm/x/", "/account/login/"]
)
def test_a_form_from_elsewhere_is_refused_in_style(customer: User, path: str) -> None:
    answer = browser_of(customer, enforce_csrf_checks=True).post(path, {"language": "ru"})
    assert answer.status_code == 403
    assert "Please send the form again" in answer.content.decode()


def test_a_page_that_does_not_exist_says_so_in_style(committed_db: object) -> None:
    answer = browser_of().get("/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "429", "500"])
def test_error_pages_render_without_a_request(code: str) -> None:
    assert "/static/css/base.css" in render_to_string(f"{code}.html")


def test_the_demos_banner_is_shown_in_the_demo_only(customer: User, settings: object) -> None:
    assert "demo-banner" not in page_of(browser_of(customer), "/dashboard/")
    settings.DEMO, settings.DEMO_MAIL_URL = True, "http://localhost:1/mail"  # type: ignore[attr-defined]  # pytest-django's
    text = page_of(browser_of(customer), "/dashboard/")
    assert "demo-banner" in text
    assert "http://localhost:1/mail" in text


def test_amounts_are_written_as_the_reader_writes_them(customer: User) -> None:
    ask(customer, 250 * USDT)
    assert "749.00" in page_of(browser_of(customer, language="en"), "/dashboard/").replace('<span class="cents">', "")
    assert "749,00" in page_of(browser_of(customer, language="ru"), "/dashboard/").replace('<span class="cents">', "")
