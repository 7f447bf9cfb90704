"""Withdrawals wait after a change of password or e-mail; support can lengthen that."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import holds
from accounts.holds import Kind, hold_withdrawals, lengthen_hold
from accounts.mail import render
from accounts.models import ActivityLog, OutgoingMail, User, WithdrawalHold
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import PASSWORD, a_customer, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import sign_in
from tests.support.mail import MailCatcher

DATABASE = pytest.mark.django_db
DAY = timedelta(days=1)
NEW_PASSWORD = "another horse 2"


def signed_in(user: User) -> Client:
    """A browser that has just given the password and a code."""
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    browser = Client(headers={"accept-language": "en", "user-agent": "Firefox"})
    sign_in(browser, user, stepped_up=True)
    return browser


@DATABASE
def test_a_hold_lasts_a_day_and_is_audited() -> None:
    user = a_customer()
    until = hold_withdrawals(user_id=user.pk, kind="second_factor", actor=user)
    row = WithdrawalHold.objects.get()
    assert (row.held_until, row.kind) == (until, "second_factor")
    assert timedelta(hours=24) - timedelta(seconds=5) < row.held_until - row.held_from <= timedelta(hours=24)
    assert holds.held_until(user.pk) == until
    assert ActivityLog.objects.get(action="withdrawals.held").facts["kind"] == "second_factor"
    with time_machine.travel(row.held_until, tick=False):
        assert holds.held_until(user.pk) is None


@DATABASE
def test_of_several_holds_the_one_that_ends_last_counts() -> None:
    user = a_customer()
    long = hold_withdrawals(user_id=user.pk, kind=Kind.EMAIL, seconds=7200)
    hold_withdrawals(user_id=user.pk, kind=Kind.PASSWORD, seconds=60)
    assert holds.held_until(user.pk) == long
    found = holds.running_hold(user.pk)
    assert found is not None
    assert found.kind == "email"
    assert holds.held_among([user.pk, a_customer().pk]) == {user.pk: long}


@DATABASE
def test_an_operator_may_have_no_holds(settings: Settings) -> None:
    settings.WITHDRAWAL_HOLD_SECONDS = 0
    assert hold_withdrawals(user_id=a_customer().pk, kind=Kind.PASSWORD) is None
    assert not WithdrawalHold.objects.exists()


@DATABASE
def test_a_reason_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="curiosity"):
        hold_withdrawals(user_id=a_customer().pk, kind="curiosity")


# --- what makes one ---


def waits(row: WithdrawalHold) -> str:
    """What the mail about the change says of it."""
    return f"Withdrawals wait until {row.held_until:%-d %B %Y, %H:%M} UTC"


def told(template: str) -> str:
    return str(render(OutgoingMail.objects.get(template=template)).body)


def test_a_changed_password_holds(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    answer = signed_in(user).post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert answer.status_code == 302
    assert User.objects.get(pk=user.pk).check_password(NEW_PASSWORD)
    row = WithdrawalHold.objects.get()
    assert (row.user, row.kind, row.actor) == (user, "password", user)
    assert ActivityLog.objects.get(action="withdrawals.held").user_agent == "Firefox"
    assert waits(row) in told("password_changed")


def test_a_wrong_old_password_holds_nothing(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    signed_in(user).post(
        reverse("account_change_password"),
        {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert not WithdrawalHold.objects.exists()


def reset_link(user: User, mail_catcher: MailCatcher) -> tuple[Client, str]:
    """A visitor's browser on the page where the new password is typed."""
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    browser = Client(headers={"accept-language": "en"})
    browser.post(reverse("account_reset_password"), {"email": user.email})
    send_outgoing_mail()
    path = urlsplit(mail_catcher.link(mail_catcher.wait_for(to=user.email), "password/reset/key")).path
    return browser, browser.get(path, follow=True).request["PATH_INFO"]


def test_a_reset_password_holds(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    user = a_customer()
    browser, page = reset_link(user, mail_catcher)
    browser.post(page, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    row = WithdrawalHold.objects.get()
    assert row.kind == "password"
    assert waits(row) in told("password_changed")


def test_a_reset_link_is_good_for_an_hour_as_its_mail_says(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    reset_link(user, mail_catcher)
    caught = mail_catcher.wait_for(to=user.email)
    assert "The link works for one hour, once." in caught.text
    path = urlsplit(mail_catcher.link(caught, "password/reset/key")).path
    for minutes, good in ((59, True), (61, False)):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
            text = Client(headers={"accept-language": "en"}).get(path, follow=True).content.decode()
            assert ('name="password1"' in text) is good


def test_a_reset_mail_that_would_leave_after_an_hour_does_not_leave(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    Client().post(reverse("account_reset_password"), {"email": user.email})
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        send_outgoing_mail()
    assert not mail_catcher.messages()
    assert OutgoingMail.objects.get(template="password_reset").last_error == "the link would have ended by now"


def new_email_link(user: User, browser: Client, mail_catcher: MailCatcher) -> str:
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    browser.post(reverse("account_email"), {"email": "new@example.com", "action_add": "1"})
    send_outgoing_mail()
    return urlsplit(mail_catcher.link(mail_catcher.wait_for(to="new@example.com"), "confirm-email")).path


def test_a_changed_address_holds_once_it_is_confirmed(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    browser = signed_in(user)
    path = new_email_link(user, browser, mail_catcher)
    asked = mail_catcher.wait_for(to="new@example.com")
    assert asked.subject == "Confirm your new e-mail address"
    assert "opened an account" not in asked.text
    assert not WithdrawalHold.objects.exists()
    browser.post(path)
    assert User.objects.get(pk=user.pk).email == "new@example.com"
    row = WithdrawalHold.objects.get()
    assert (row.user, row.kind) == (user, "email")
    for mail in OutgoingMail.objects.filter(template="email_changed"):
        assert waits(row) in str(render(mail).body)


def test_signing_up_holds_nothing(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    browser, email = Client(headers={"accept-language": "en"}), "somebody.new@example.com"
    browser.post(reverse("account_signup"), {"email": email, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    send_outgoing_mail()
    assert "opened an account" in mail_catcher.wait_for(to=email).text
    browser.post(urlsplit(mail_catcher.link(mail_catcher.wait_for(to=email), "confirm-email")).path)
    assert EmailAddress.objects.get(email=email).verified
    assert not WithdrawalHold.objects.exists()


def test_password_and_hold_are_one_commit(committed_db: CommittedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    user = a_customer()
    browser = signed_in(user)

    def fail(**_given: object) -> None:
        raise RuntimeError("the hold cannot be written")

    monkeypatch.setattr("accounts.adapter.hold_withdrawals", fail)
    with pytest.raises(RuntimeError):
        browser.post(
            reverse("account_change_password"),
            {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        )
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


# --- support ---


@DATABASE
def test_support_lengthens_a_hold_and_never_shortens_it() -> None:
    user, support = a_customer(), staff("support")
    until = hold_withdrawals(user_id=user.pk, kind=Kind.PASSWORD)
    assert until is not None
    for earlier in (timezone.now() - DAY, until, until - timedelta(seconds=1)):
        with pytest.raises(holds.HoldNotLonger):
            lengthen_hold(user_id=user.pk, until=earlier, reason="", actor=support)
    lengthen_hold(user_id=user.pk, until=until + DAY, reason="They called us", actor=support)
    assert holds.held_until(user.pk) == until + DAY
    newest = WithdrawalHold.objects.latest("id")
    assert (newest.kind, newest.actor, newest.reason) == ("support", support, "They called us")


@DATABASE
def test_support_can_hold_without_a_change() -> None:
    user = a_customer()
    lengthen_hold(user_id=user.pk, until=timezone.now() + DAY, reason="odd sign-in", actor=staff("support"))
    assert holds.held_until(user.pk) is not None


@DATABASE
def test_a_hold_has_an_end() -> None:
    with pytest.raises(holds.HoldTooLong):
        lengthen_hold(user_id=a_customer().pk, until=timezone.now() + 91 * DAY, reason="", actor=staff("support"))


@DATABASE
@pytest.mark.parametrize("role", ["finance", "treasurer", "admin"])
def test_other_roles_hold_nobody(role: str) -> None:
    with pytest.raises(holds.HoldNotPermitted):
        lengthen_hold(user_id=a_customer().pk, until=timezone.now() + DAY, reason="", actor=staff(role))


# --- the database ---


@DATABASE
def test_the_application_neither_changes_nor_deletes_a_hold() -> None:
    hold_withdrawals(user_id=a_customer().pk, kind=Kind.PASSWORD)
    for deed in (
        lambda: WithdrawalHold.objects.update(held_until=timezone.now()),
        lambda: WithdrawalHold.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


def test_not_even_the_owner_of_the_database_shortens_one(committed_db: CommittedDatabase) -> None:
    hold_withdrawals(user_id=a_customer().pk, kind=Kind.PASSWORD)
    for statement in (
        "UPDATE accounts_withdrawalhold SET held_until = held_from + interval '1 second'",
        "DELETE FROM accounts_withdrawalhold",
        "TRUNCATE accounts_withdrawalhold",
    ):
        with psycopg.connect(committed_db.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(statement)
