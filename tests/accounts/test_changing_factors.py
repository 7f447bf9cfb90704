"""A changed second factor: with its hold, its line in the audit and its mail in one commit, and never under a lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.urls import reverse

from accounts.mail import render
from accounts.models import ActivityLog, OutgoingMail, User, WithdrawalHold
from accounts.second_factor.codes import current_step, totp_code
from accounts.settings_lock import lock_settings
from tests.accounts.test_holds import signed_in
from tests.payouts.people import PASSWORD, a_customer
from tests.support.databases import CommittedDatabase
from tests.support.factors import code_of, proven, sign_in
from tests.support.sessions import ended_sessions

ACTIVATE, DEACTIVATE = reverse("mfa_activate_totp"), reverse("mfa_deactivate_totp")


def newcomer() -> User:
    return User.objects.create_user("new@example.com", PASSWORD)


def proven_by_password(user: User) -> Client:
    browser = signed_in(user)
    assert browser.post("/account/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return browser


def set_up_app(browser: Client) -> None:
    browser.get(ACTIVATE)
    seed = browser.session["mfa.totp.secret"]
    browser.post(ACTIVATE, {"code": totp_code(seed, current_step())})


def told(user: User, template: str) -> str:
    row = OutgoingMail.objects.get(template=template, user=user)
    row.language = "en"
    return str(render(row).body)


def audited() -> list[tuple[str, str]]:
    rows = ActivityLog.objects.filter(action__startswith="second_factor.").order_by("pk")
    return [(row.action, row.facts["kind"]) for row in rows]


def test_an_app_that_is_added_holds_withdrawals_and_is_told(committed_db: CommittedDatabase) -> None:
    user = newcomer()
    browser = proven_by_password(user)
    set_up_app(browser)
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    hold = WithdrawalHold.objects.get(user=user)
    assert hold.kind == "second_factor"
    assert audited() == [("second_factor.added", "totp"), ("second_factor.added", "recovery_codes")]
    body = told(user, "second_factor_added")
    for line in ("Kind: Authenticator app", "IP address: 127.0.0.1", "Browser: Firefox"):
        assert line in body
    assert f"Withdrawals wait until {hold.held_until:%-d %B %Y, %H:%M} UTC" in body
    assert OutgoingMail.objects.filter(template__startswith="recovery").count() == 0
    assert browser.get("/security/").status_code == 200


def test_a_passkey_that_is_removed_is_told_by_its_name(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    key = Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "YubiKey of Anna", "credential": {}}
    )
    signed_in(user).post(reverse("mfa_remove_webauthn", args=[key.pk]))
    assert not Authenticator.objects.filter(pk=key.pk).exists()
    assert WithdrawalHold.objects.filter(user=user).count() == 1
    body = told(user, "second_factor_removed")
    assert "Kind: Passkey" in body
    assert "Name: YubiKey of Anna" in body


def test_new_recovery_codes_hold_nothing_and_are_told_once(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    RecoveryCodes.activate(user)
    signed_in(user).post(reverse("mfa_generate_recovery_codes"))
    assert not WithdrawalHold.objects.exists()
    assert audited() == [("second_factor.recovery_codes_made", "recovery_codes")]
    assert "Recovery codes: 10" in told(user, "recovery_codes_created")


def test_a_page_that_changes_nothing_is_followed_by_nothing(committed_db: CommittedDatabase) -> None:
    user = newcomer()
    browser = proven_by_password(user)
    browser.get(ACTIVATE)
    assert browser.post(ACTIVATE, {"code": "000000"}).status_code == 200
    assert not WithdrawalHold.objects.exists()
    assert not audited()
    assert not OutgoingMail.objects.filter(template__startswith="second_factor").exists()


PROCESS = """
import django
django.setup()
from django.test.utils import setup_test_environment
setup_test_environment()
from accounts.models import User
from tests.accounts import test_changing_factors as here
user = User.objects.get(pk={user})
{deed}
"""
ADDING = "here.set_up_app(here.proven_by_password(user))"
REMOVING = "here.signed_in(user).post(here.DEACTIVATE)"


@pytest.mark.faults
@pytest.mark.parametrize("deed", [ADDING, REMOVING])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_at_the_commit_leaves_the_factor_with_its_hold_or_neither(
    committed_db: CommittedDatabase, when: str, deed: str
) -> None:
    user = newcomer() if deed == ADDING else a_customer()
    had = Authenticator.objects.filter(user=user, type="totp").exists()
    with ended_sessions():
        done = subprocess.run(
            [sys.executable, "-c", PROCESS.format(user=user.pk, deed=deed)],
            env=os.environ | {"FAULTS": f"{when}_factor_commit=kill"},
            timeout=60,
            check=False,
        )
    assert done.returncode == -signal.SIGKILL
    is_changed = when == "after"
    assert Authenticator.objects.filter(user=user, type="totp").exists() is (had != is_changed)
    assert WithdrawalHold.objects.filter(user=user).exists() is is_changed
    assert bool(audited()) is is_changed
    assert OutgoingMail.objects.filter(template__startswith="second_factor_").exists() is is_changed


def test_a_change_that_waited_for_a_proof_while_the_settings_were_locked_is_refused(
    committed_db: CommittedDatabase,
) -> None:
    """allauth keeps the POST, and after the proof calls the page's view itself, past every middleware."""
    user = a_customer()
    browser = Client(headers={"accept-language": "en"})
    sign_in(browser, user)
    asked = browser.post(DEACTIVATE)["Location"]
    assert asked.startswith("/account/2fa/reauthenticate/")
    lock_settings(user_id=user.pk, days=3, wait_days=1, step_up=proven(user))
    answer = browser.post(asked, {"code": code_of(user)})
    assert answer["Location"] == "/security/"
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert "Your settings are locked until" in browser.get("/security/").content.decode()


def test_without_a_lock_a_change_that_waited_for_a_proof_is_made_whole(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    browser = Client(headers={"accept-language": "en"})
    sign_in(browser, user)
    asked = browser.post(DEACTIVATE)["Location"]
    browser.post(asked, {"code": code_of(user)})
    assert not Authenticator.objects.filter(user=user, type="totp").exists()
    assert WithdrawalHold.objects.filter(user=user).count() == 1
    assert audited() == [("second_factor.removed", "totp")]
