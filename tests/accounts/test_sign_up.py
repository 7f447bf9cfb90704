"""Signing up and finding back in, with the mails that belong to it, through the pages and a real mail server."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ActivityLog, OutgoingMail, TrustedDevice, User, UserProfile
from accounts.tasks import send_outgoing_mail
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher

EMAIL = "new.customer@example.com"
PASSWORD = "correct horse 1"


@pytest.fixture
def browser(committed_db: CommittedDatabase) -> Client:
    return Client(headers={"accept-language": "en", "user-agent": "Firefox"})


def sign_up(browser: Client, email: str = EMAIL) -> None:
    answer = browser.post(reverse("account_signup"), {"email": email, "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()


def path_in(mail_catcher: MailCatcher, email: str, pattern: str) -> str:
    send_outgoing_mail()
    return urlsplit(mail_catcher.link(mail_catcher.wait_for(to=email), pattern)).path


def test_a_new_customer_has_a_profile_in_the_language_of_the_page(browser: Client) -> None:
    sign_up(browser)
    assert UserProfile.objects.get(user__email=EMAIL).language == "en"
    line = ActivityLog.objects.get(action="account.signed_up")
    assert (line.actor_label, line.ip_address, line.user_agent) == (EMAIL, "127.0.0.1", "Firefox")


def test_the_address_is_verified_by_the_link_and_a_press_of_the_button(
    browser: Client, mail_catcher: MailCatcher
) -> None:
    sign_up(browser)
    path = path_in(mail_catcher, EMAIL, "confirm-email")
    assert browser.get(path).status_code == 200
    assert not EmailAddress.objects.get(email=EMAIL).verified  # a mail scanner opens links too
    browser.post(path)
    assert EmailAddress.objects.get(email=EMAIL).verified


def test_the_outbox_holds_no_link(browser: Client, mail_catcher: MailCatcher) -> None:
    sign_up(browser)
    token = path_in(mail_catcher, EMAIL, "confirm-email").rstrip("/").rpartition("/")[2]
    assert token not in str(OutgoingMail.objects.values_list("facts", flat=True))


def test_a_forgotten_password_is_reset_by_the_link_once(browser: Client, mail_catcher: MailCatcher) -> None:
    sign_up(browser)
    EmailAddress.objects.update(verified=True)
    OutgoingMail.objects.update(state="sent")
    browser = Client()
    browser.post(reverse("account_reset_password"), {"email": EMAIL})
    path = path_in(mail_catcher, EMAIL, "password/reset/key")
    form = browser.get(path, follow=True)
    assert form.status_code == 200
    browser.post(form.request["PATH_INFO"], {"password1": "another horse 2", "password2": "another horse 2"})
    assert User.objects.get(email=EMAIL).check_password("another horse 2")
    again = Client().get(path, follow=True)
    assert b"password1" not in again.content


def test_a_change_of_password_is_told_of(browser: Client, mail_catcher: MailCatcher) -> None:
    test_a_forgotten_password_is_reset_by_the_link_once(browser, mail_catcher)
    send_outgoing_mail()
    assert "127.0.0.1" in mail_catcher.wait_for(to=EMAIL, subject="change").text
    assert ActivityLog.objects.filter(action="account.password_reset").exists()


def test_signing_up_twice_looks_the_same_and_the_owner_is_told(browser: Client, mail_catcher: MailCatcher) -> None:
    sign_up(browser)
    EmailAddress.objects.update(verified=True)
    sign_up(Client())
    assert User.objects.filter(email=EMAIL).count() == 1
    assert OutgoingMail.objects.filter(template="account_exists").count() == 1
    send_outgoing_mail()
    assert mail_catcher.messages(to=EMAIL)


def test_a_reset_for_nobody_is_answered_by_mail_only(browser: Client, mail_catcher: MailCatcher) -> None:
    answer = browser.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    assert answer.status_code == 302
    assert path_in(mail_catcher, "nobody@example.com", "signup")


def test_addresses_differ_in_case_only_once(browser: Client) -> None:
    sign_up(browser, "New.Customer@Example.com")
    assert User.objects.get().email == EMAIL


def test_sign_ins_are_audited_good_and_bad(browser: Client) -> None:
    sign_up(browser)
    EmailAddress.objects.update(verified=True)
    user = User.objects.get(email=EMAIL)
    for password in ("wrong", PASSWORD):
        known = Client()
        known.cookies[settings.DEVICE_TOKEN_COOKIE_NAME] = "a token"
        TrustedDevice.objects.update_or_create(
            token_hash=hashlib.sha256(b"a token").digest(),
            defaults={"user": user, "name": "-", "expires_at": timezone.now() + timedelta(days=1)},
        )
        known.post(reverse("account_login"), {"login": EMAIL, "password": password})
    actions = list(ActivityLog.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["account.sign_in_failed", "account.signed_in"]
    assert not re.search(PASSWORD, str(ActivityLog.objects.values_list("facts", flat=True)))
