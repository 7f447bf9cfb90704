"""Signing in, through the pages: unknown browsers, the second step, remembered devices, sessions."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings as configured
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts import devices
from accounts.guesses import TRIES_MAX
from accounts.models import ActivityLog, LoginHistory, MailedCode, OutgoingMail, TrustedDevice, User, UserSession
from accounts.settings_lock import lock_settings
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import PASSWORD, a_customer, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import code_of, proven

CODE = r"^\s*(\d{4}[ \u00a0]?\d{4})\s*$"
COOKIE = configured.DEVICE_TOKEN_COOKIE_NAME
BROWSER = configured.BROWSER_COOKIE_NAME
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _mails(settings: Settings, committed_db: CommittedDatabase) -> None:
    """The code's mail, kept in memory: that mails arrive is another test's matter."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []


def a_person(**fields: object) -> User:
    user = a_customer(**fields)  # type: ignore[arg-type]  # by name
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def browser() -> Client:
    return Client(headers={"accept-language": "en", "user-agent": FIREFOX})


def type_password(client: Client, user: User, password: str = PASSWORD) -> str:
    """Where the sign-in leads next."""
    return str(client.post("/account/login/", {"login": user.email, "password": password}).headers.get("Location", ""))


def mailed_code() -> str:
    """Out of the mail itself, as the worker sends it."""
    send_outgoing_mail()
    found = re.search(CODE, str(codes_mailed()[-1].body), re.MULTILINE)
    assert found, codes_mailed()[-1].body
    return found.group(1)


def codes_mailed() -> list[EmailMessage]:
    """Those that hold a code; the sign-in tells of other things too."""
    return [each for each in mail.outbox if re.search(CODE, str(each.body), re.MULTILINE)]


def type_mailed_code(client: Client, code: str, *, remember: bool = True) -> str:
    given = {"code": code} | ({"remember": "on"} if remember else {})
    return str(client.post("/account/login/code/confirm/", given).headers.get("Location", ""))


def type_code(client: Client, code: str) -> str:
    return str(client.post("/account/2fa/authenticate/", {"code": code}).headers.get("Location", ""))


def sign_in(client: Client, user: User, *, remember: bool = True) -> None:
    """The whole way from an unknown browser."""
    assert type_password(client, user) == "/account/login/code/confirm/"
    assert type_mailed_code(client, mailed_code(), remember=remember) == "/account/2fa/authenticate/"
    assert type_code(client, code_of(user)) == "/dashboard/"


def test_an_unknown_browser_asks_for_the_mailed_code_and_then_for_the_second_step() -> None:
    user, client = a_person(), browser()
    sign_in(client, user)
    assert client.get("/dashboard/").status_code == 200
    assert TrustedDevice.objects.get(user=user).name == "Firefox 140 on Linux"
    assert UserSession.objects.get(user=user).device is not None


def test_a_remembered_browser_is_not_asked_for_a_mailed_code_again() -> None:
    user, client = a_person(), browser()
    sign_in(client, user)
    client.post("/account/logout/")
    sent = len(codes_mailed())
    assert type_password(client, user) == "/account/2fa/authenticate/"
    send_outgoing_mail()
    assert len(codes_mailed()) == sent


def test_while_the_settings_are_locked_no_browser_is_remembered_and_one_can_still_be_forgotten() -> None:
    user, known, new = a_person(), browser(), browser()
    sign_in(known, user)
    lock_settings(user_id=user.pk, days=3, wait_days=1, step_up=proven(user))
    sign_in(new, user)
    assert COOKIE not in new.cookies
    device = TrustedDevice.objects.get(user=user)
    assert new.post(f"/security/devices/{device.pk}/revoke/").status_code == 302
    device.refresh_from_db()
    assert device.revoked_at is not None


def test_one_that_is_not_to_be_remembered_is_asked_each_time() -> None:
    user, client = a_person(), browser()
    sign_in(client, user, remember=False)
    assert COOKIE not in client.cookies
    client.post("/account/logout/")
    assert type_password(client, user) == "/account/login/code/confirm/"


def test_the_cookie_is_out_of_reach_of_scripts_and_changes_with_each_sign_in(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = False
    user, client = a_person(), browser()
    sign_in(client, user)
    first = client.cookies[COOKIE]
    assert (first["httponly"], first["samesite"], first["path"]) == (True, "Lax", "/")
    assert int(first["max-age"]) == settings.DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS
    token = first.value
    assert token not in str(list(TrustedDevice.objects.values()))
    client.post("/account/logout/")
    type_password(client, user)
    type_code(client, code_of(user))
    assert client.cookies[COOKIE].value != token


def test_a_stolen_cookie_opens_nothing_by_itself_and_dies_with_the_owners_next_sign_ins() -> None:
    user, owner, thief = a_person(), browser(), browser()
    sign_in(owner, user)
    thief.cookies[COOKIE] = stolen = owner.cookies[COOKIE].value
    assert thief.get("/dashboard/").status_code == 302
    assert type_password(thief, user, "not it") == ""
    assert type_password(thief, user) == "/account/2fa/authenticate/", "the second step is asked all the same"
    assert thief.get("/dashboard/").status_code == 302
    for _time in range(2):  # the token before the present one is good for a tab that still sends it
        owner.post("/account/logout/")
        type_password(owner, user)
        type_code(owner, code_of(user))
    late = browser()
    late.cookies[COOKIE] = stolen
    assert type_password(late, user) == "/account/login/code/confirm/"


def test_of_two_that_have_the_same_cookie_the_second_gives_both_away() -> None:
    """Who signs in with it gets the next one; the other's is from before, and nobody but a copy has that for long."""
    user, one, other = a_person(), browser(), browser()
    sign_in(one, user)
    one.post("/account/logout/")
    other.cookies[COOKIE] = one.cookies[COOKIE].value
    assert type_password(one, user) == "/account/2fa/authenticate/"
    assert type_code(one, code_of(user)) == "/dashboard/"
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert type_password(other, user) == "/account/login/code/confirm/"
        assert TrustedDevice.objects.get(user=user).revoked_at is not None
        assert one.get("/security/").status_code == 302, "whoever it is"
        line = ActivityLog.objects.get(action="device.copied")
        assert (line.actor_label, line.facts["sessions_ended"]) == ("system:device-cookie", 1)
        assert OutgoingMail.objects.filter(template="device_revoked", user=user).count() == 1


def test_a_tab_that_still_sends_the_cookie_before_is_known_for_a_minute() -> None:
    user, one, tab = a_person(), browser(), browser()
    sign_in(one, user)
    one.post("/account/logout/")
    tab.cookies[COOKIE] = one.cookies[COOKIE].value
    type_password(one, user)
    type_code(one, code_of(user))
    assert type_password(tab, user) == "/account/2fa/authenticate/"
    assert TrustedDevice.objects.get(user=user).revoked_at is None


def test_one_persons_device_is_a_strangers_for_another() -> None:
    one, other, client = a_person(), a_person(), browser()
    sign_in(client, one)
    client.post("/account/logout/")
    assert type_password(client, other) == "/account/login/code/confirm/"


def test_a_device_is_forgotten_after_its_time(settings: Settings) -> None:
    user, client = a_person(), browser()
    sign_in(client, user)
    client.post("/account/logout/")
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS + 5)):
        assert type_password(client, user) == "/account/login/code/confirm/"


def test_a_revoked_device_is_signed_out_and_unknown() -> None:
    user, phone, laptop = a_person(), browser(), browser()
    sign_in(phone, user)
    sign_in(laptop, user)
    device = UserSession.objects.order_by("id").first().device  # type: ignore[union-attr]  # there are two
    assert laptop.post(f"/security/devices/{device.pk}/revoke/").status_code == 302
    assert phone.get("/security/").status_code == 302
    assert laptop.get("/security/").status_code == 200
    assert type_password(phone, user) == "/account/login/code/confirm/"
    assert ActivityLog.objects.get(action="device.revoked").facts["sessions_ended"] == 1


@pytest.mark.parametrize("path", ["devices/{device}/revoke/", "devices/{device}/rename/", "sessions/{session}/end/"])
def test_nobody_touches_another_persons_device_or_session(path: str) -> None:
    victim, owner, thief_user, thief = a_person(), browser(), a_person(), browser()
    sign_in(owner, victim)
    sign_in(thief, thief_user)
    session = UserSession.objects.get(user=victim)
    address = "/security/" + path.format(device=session.device_id, session=session.pk)
    assert thief.post(address, {"name": "mine"}).status_code == 404
    assert thief.get(address).status_code == 405
    assert owner.get("/security/").status_code == 200
    assert TrustedDevice.objects.get(pk=session.device_id).name == "Firefox 140 on Linux"


def test_one_session_and_all_others_can_be_ended() -> None:
    user, here, there, elsewhere = a_person(), browser(), browser(), browser()
    for client in (here, there, elsewhere):
        sign_in(client, user)
    first = UserSession.objects.order_by("id")[1]
    assert here.post(f"/security/sessions/{first.pk}/end/").status_code == 302
    assert there.get("/security/").status_code == 302
    assert elsewhere.get("/security/").status_code == 200
    here.post("/security/sessions/end/")
    assert elsewhere.get("/security/").status_code == 302
    assert here.get("/security/").status_code == 200
    assert UserSession.objects.filter(ended_at=None).count() == 1


def test_a_new_password_ends_every_other_session_and_keeps_this_one_in_the_list() -> None:
    user, here, there = a_person(), browser(), browser()
    sign_in(here, user)
    sign_in(there, user)
    here.post("/account/2fa/reauthenticate/", {"code": code_of(user)})
    answer = here.post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse 2", "password2": "another horse 2"},
    )
    assert answer.status_code == 302, answer.content.decode()
    assert there.get("/security/").status_code == 302
    shown = here.get("/security/").content.decode()
    assert shown.count('data-testid="end-others"') == 0
    assert UserSession.objects.get(user=user, ended_at=None).session_key == here.session.session_key


def test_a_recovery_code_signs_in_but_does_not_verify() -> None:
    person, client = staff("support"), browser()
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    code = RecoveryCodes.activate(person).get_unused_codes()[0]
    type_password(client, person)
    type_mailed_code(client, mailed_code())
    assert type_code(client, code) == "/dashboard/"
    assert client.get("/admin/")["Location"] == "/security/"
    assert "came in with a recovery code" in client.get("/security/").content.decode()


def test_the_mail_about_a_recovery_code_counts_those_that_are_left() -> None:
    user, client = a_person(), browser()
    codes = RecoveryCodes.activate(user)
    for left in (9, 8):
        type_password(client, user)
        if left == 9:
            type_mailed_code(client, mailed_code())
        assert type_code(client, codes.get_unused_codes()[0]) == "/dashboard/"
        assert OutgoingMail.objects.filter(template="recovery_code_used").latest("pk").facts["left"] == left
        client.post("/account/logout/")
        codes = RecoveryCodes(Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES))


def test_who_has_a_factor_cannot_prove_themselves_by_the_password() -> None:
    user, client = a_person(), browser()
    sign_in(client, user)
    asked = client.get("/account/password/change/")
    assert asked["Location"].startswith("/account/2fa/reauthenticate/")
    answer = client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert answer["Location"] == "/account/2fa/reauthenticate/"
    assert client.get("/account/2fa/totp/deactivate/")["Location"].startswith("/account/2fa/reauthenticate/")


def test_the_session_gets_a_new_key_at_the_sign_in() -> None:
    user, client = a_person(), browser()
    client.get("/account/login/")
    type_password(client, user)
    fixed = client.session.session_key
    type_mailed_code(client, mailed_code())
    type_code(client, code_of(user))
    assert client.session.session_key != fixed


def test_the_mailed_code_is_good_for_ten_minutes_and_five_tries() -> None:
    user, client = a_person(), browser()
    type_password(client, user)
    late = mailed_code()
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        type_mailed_code(client, late)
    assert client.get("/dashboard/").status_code == 302
    guessed = browser()
    type_password(guessed, user)
    code = mailed_code()
    for _try in range(5):
        guessed.post("/account/login/code/confirm/", {"code": "00000000"})
    assert type_mailed_code(guessed, code) == "/account/login/"


def test_the_session_holds_no_code_and_the_codes_own_row_counts() -> None:
    """What is in the session can be read, and written back as it was before a try."""
    user, client = a_person(), browser()
    type_password(client, user)
    code = mailed_code()
    stored = json.dumps(dict(client.session.items()))
    assert code.replace(" ", "").replace("\u00a0", "") not in stored
    assert str(MailedCode.objects.get(user=user).pk) in stored
    before = client.session["account_login"]
    for number in range(1, 6):
        client.post("/account/login/code/confirm/", {"code": "00000000"})
        assert MailedCode.objects.get(user=user).tries == number
        session = client.session
        session["account_login"] = before
        session.save()
    answer = client.post("/account/login/code/confirm/", {"code": code})
    assert answer.status_code == 200
    assert "Too many wrong" in answer.content.decode()
    assert MailedCode.objects.get(user=user).used_at is None


def test_a_mailed_code_is_used_up_by_the_sign_in() -> None:
    user, client = a_person(), browser()
    type_password(client, user)
    before = client.session["account_login"]
    code = mailed_code()
    assert type_mailed_code(client, code) == "/account/2fa/authenticate/"
    assert MailedCode.objects.get(user=user).used_at is not None
    session = client.session
    session["account_login"] = before
    session.save()
    answer = client.post("/account/login/code/confirm/", {"code": code})
    assert "This code is no longer good." in answer.content.decode()


def test_one_browser_guesses_the_mailed_code_five_times_new_codes_or_not() -> None:
    user, guessing = a_person(), browser()
    guessing.get("/account/login/")
    for _round in range(3):
        type_password(guessing, user)
        for _try in range(2):
            type_mailed_code(guessing, "00000000")
        guessing.post("/account/logout/")
    tried = LoginHistory.objects.filter(user=user).exclude(result="code_asked").order_by("id")
    assert [each.result for each in tried] == ["wrong_code"] * TRIES_MAX + ["throttled"]
    waiting = browser()
    waiting.cookies[BROWSER] = guessing.cookies[BROWSER].value
    assert type_password(waiting, user) == "", "the right password is not looked at either"
    elsewhere = browser()
    elsewhere.get("/account/login/")
    assert type_password(elsewhere, user) == "/account/login/code/confirm/"
    assert type_mailed_code(elsewhere, mailed_code()) == "/account/2fa/authenticate/"


def test_more_devices_than_anybody_has_are_forgotten_the_longest_unseen_first(settings: Settings) -> None:
    user = a_person()
    old = [
        TrustedDevice.objects.create(
            user=user, token_hash=bytes([number]) * 32, name=str(number), expires_at=timezone.now() + timedelta(days=1),
            last_seen_at=timezone.now() - timedelta(days=number),
        )
        for number in range(1, devices.DEVICES_MAX + 1)
    ]  # fmt: skip
    sign_in(browser(), user)
    assert TrustedDevice.objects.filter(user=user, revoked_at=None).count() == devices.DEVICES_MAX
    assert TrustedDevice.objects.get(pk=old[-1].pk).revoked_at is not None


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_sign_in_leads_to_no_other_site(target: str) -> None:
    user, client = a_person(), browser()
    client.post(f"/account/login/?next={target}", {"login": user.email, "password": PASSWORD, "next": target})
    type_mailed_code(client, mailed_code())
    assert type_code(client, code_of(user)) == "/dashboard/"


def test_the_sign_in_costs_at_most_six_queries_more_than_a_password_alone() -> None:
    """Both steps together, in a known browser: device, factor, spent code, session, login history."""
    user, client = a_person(), browser()
    sign_in(client, user)
    client.post("/account/logout/")
    code = code_of(user)
    with CaptureQueriesContext(connection) as seen:
        type_password(client, user)
        assert type_code(client, code) == "/dashboard/"
    ours = re.compile(r"mfa_|spentcode|trusteddevice|usersession|loginhistory")
    added = [each["sql"] for each in seen.captured_queries if ours.search(each["sql"])]
    assert len(added) <= 6, "\n".join(added)


def test_the_security_centre_costs_at_most_six_queries_more_than_any_page() -> None:
    """Any page of somebody who is signed in reads the session, the person and the factor that verified it."""
    user, client = a_person(), browser()
    sign_in(client, user)
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/security/").status_code == 200
    assert len(seen) <= 3 + 6, seen.captured_queries
