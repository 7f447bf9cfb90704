"""A request that names another host: refused, and believed by no mail."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from accounts.adapter import FACTOR_MAILS, LOGIN_CODE, QUEUED
from accounts.mail import render
from accounts.models import OutgoingMail
from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD, RECIPIENT, USDT
from tests.portal.pages.test_withdrawal_pages import KEY

pytestmark = pytest.mark.django_db
EVIL = "evil.example"
NEVER_ASKED_FOR = {"account/email/password_reset_code"}  # we reset by a link


@pytest.mark.parametrize("host", [EVIL, f"testserver.{EVIL}", f"testserver@{EVIL}", f"{EVIL}:80", "testserver/x", ""])
def test_a_host_that_is_not_ours_is_refused_and_nothing_is_mailed(host: str) -> None:
    person = a_person()
    for path in ("/", "/account/login/", "/account/password/reset/", "/livez", "/admin/", "/nowhere/"):
        assert Client().get(path, headers={"host": host}).status_code == 400, path
    answer = Client().post("/account/password/reset/", {"email": person.email}, headers={"host": host})
    assert answer.status_code == 400
    assert not OutgoingMail.objects.exists()


def test_what_a_client_says_of_a_host_before_us_is_not_believed() -> None:
    answer = Client().get("/account/login/", headers={"x-forwarded-host": EVIL, "forwarded": f"host={EVIL}"})
    assert answer.status_code == 200
    assert EVIL not in answer.content.decode()


def test_every_link_in_a_mail_is_of_the_sites_own_address_whatever_host_was_asked(settings: Settings) -> None:
    """The other host here is one that the server answers to, so that the mails do go out."""
    settings.ALLOWED_HOSTS = ["testserver", EVIL]
    person = a_person(micro=500 * USDT)
    forged = {"host": EVIL, "x-forwarded-host": EVIL}
    for path, given in (
        ("/account/password/reset/", {"email": person.email}),
        ("/account/password/reset/", {"email": "nobody@example.com"}),
        ("/account/signup/", {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}),
        ("/account/signup/", {"email": person.email, "password1": PASSWORD, "password2": PASSWORD}),
        ("/account/login/", {"login": person.email, "password": PASSWORD}),
    ):
        assert Client().post(path, given, headers=forged).status_code == 302, path
    client = client_of(person)
    wish = {"network": "arbitrum", "address": RECIPIENT, "amount": "40", "key": KEY}
    for path, given in (
        ("/account/email/", {"email": "other@example.com", "action_add": "1"}),
        ("/withdraw/", wish),
        ("/security/addresses/add/", {"label": "Mine", "network": "arbitrum", "address": RECIPIENT}),
    ):
        assert client.post(path, given, headers=forged).status_code == 302, path
    sent = {row.template: render(row) for row in OutgoingMail.objects.all()}
    assert set(sent) >= {
        "password_reset", "unknown_account", "verify_email", "account_exists", "device_code", "withdrawal_confirm",
        "address_confirm",
    }  # fmt: skip
    for template, message in sent.items():
        html = str(message.alternatives[0].content)
        links = re.findall(r"https?://[^\s<>\"']+", str(message.body) + html)
        assert links, template
        assert {urlsplit(link).netloc for link in links} == {urlsplit(configured.SITE_URL).netloc}, template
        assert EVIL not in str(message.body) + html


def test_no_mail_of_allauths_goes_out_in_its_own_words() -> None:
    """They hold links that are built of the request's host; ours are made of SITE_URL when the mail is rendered."""
    theirs = set()
    for name in ("account", "mfa"):
        folder = Path(apps.get_app_config(name).path).parent / "templates" / name / "email"
        theirs |= {f"{name}/email/{path.name.removesuffix('_message.txt')}" for path in folder.glob("*_message.txt")}
    theirs -= {"account/email/base"}
    assert len(theirs) > 15
    assert theirs - set(QUEUED) - FACTOR_MAILS - {LOGIN_CODE} == NEVER_ASKED_FOR
