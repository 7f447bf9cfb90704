"""Every try through the sign-in page is written into the login history, and only of accounts that exist."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.signals import login_code_rejected
from allauth.core import context
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts import sign_ins
from accounts.adapter import AccountAdapter
from accounts.models import ActivityLog, LoginHistory, User
from tests.accounts.places import GOOGLE, YANDEX
from tests.payouts.people import PASSWORD, a_customer
from tests.support.factors import known_browser

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def person() -> User:
    """Has no second factor yet: the password alone signs in, from a known browser."""
    user = a_customer()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def attempt(person: User | str, password: str = PASSWORD, *, forwarded: str = "", client: Client | None = None) -> Any:
    email = person if isinstance(person, str) else person.email
    headers = {"user-agent": FIREFOX, "accept-language": "en"} | ({"x-forwarded-for": forwarded} if forwarded else {})
    client = client or Client()
    if isinstance(person, User):
        cookie = known_browser(person)
        client.cookies[cookie["name"]] = cookie["value"]
    return client.post(
        reverse("account_login"), {"login": email, "password": password}, headers=headers, REMOTE_ADDR=YANDEX
    )


def results() -> list[str]:
    return list(LoginHistory.objects.order_by("id").values_list("result", flat=True))


def test_a_sign_in_by_password(person: User) -> None:
    client = Client()
    assert attempt(person, client=client).status_code == 302
    row = LoginHistory.objects.get()
    assert (row.user, row.result, row.method) == (person, "success", "password")
    assert (row.ip_address, row.country, row.browser, row.system) == (YANDEX, "RU", "Firefox 130", "Linux")
    assert client.session[sign_ins.THIS_SIGN_IN] == row.pk


def test_a_wrong_password(person: User) -> None:
    attempt(person, "wrong")
    row = LoginHistory.objects.get()
    assert (row.user, row.result, row.method, row.country) == (person, "wrong_password", "password", "RU")


def test_a_closed_account_is_closed_for_the_right_password_too(person: User) -> None:
    User.objects.update(is_active=False)
    attempt(person)
    attempt(person, "wrong")
    assert results() == ["closed", "closed"]


def test_names_of_nobody_are_not_collected(person: User) -> None:
    for name in ("nobody@example.com", person.email + "x", "' OR 1=1 --", ""):
        attempt(name)
    assert not LoginHistory.objects.exists()
    assert not ActivityLog.objects.exists()


def test_a_name_of_nobody_costs_the_database_what_a_wrong_password_costs(person: User) -> None:
    """Else the time that an answer takes tells who has an account. (Passwords are hashed in both cases, by allauth.)"""
    asked = {}
    for name in (person.email, "nobody@example.com"):
        attempt(name, "wrong")
        with CaptureQueriesContext(connection) as queries:
            attempt(name, "wrong")
        asked[name] = [query["sql"].split("(")[0] for query in queries if query["sql"].startswith("INSERT")]
    known, unknown = asked.values()
    assert known == unknown == ["INSERT INTO accounts_activitylog ", 'INSERT INTO "accounts_loginhistory" ']


def test_a_name_in_capitals_is_the_same_person(person: User) -> None:
    attempt(person.email.upper(), "wrong")
    assert LoginHistory.objects.get().user == person


def test_too_many_tries_from_an_address_are_written_down_once_and_the_right_password_does_not_help(
    person: User, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    for _try in range(6):
        attempt(person.email, "wrong")
    attempt(person.email)
    assert results() == ["wrong_password"] * 3 + ["throttled"]


def test_who_is_signed_in_and_proves_it_again_does_not_sign_in(person: User) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR=YANDEX)
    request.user = person
    assert authenticate(request, email=person.email, password="wrong") is None
    assert not LoginHistory.objects.exists()


# --- where a request came from ---


def test_a_spoofed_header_is_not_believed_without_a_proxy(person: User) -> None:
    attempt(person, forwarded=GOOGLE)
    assert LoginHistory.objects.get().ip_address == YANDEX
    assert ActivityLog.objects.get(action="account.signed_in").ip_address == YANDEX


@pytest.mark.parametrize(
    ("proxies", "forwarded", "believed"),
    [
        (1, "9.9.9.9", "9.9.9.9"),
        (1, f"{GOOGLE}, 9.9.9.9", "9.9.9.9"),  # what the client claimed, then what our proxy saw
        (1, f"{GOOGLE}, 1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (1, f"127.0.0.1,{GOOGLE},  9.9.9.9 ", "9.9.9.9"),
        (2, f"{GOOGLE}, 9.9.9.9, 10.0.0.5", "9.9.9.9"),
        (2, f"{GOOGLE}, 1.1.1.1, 9.9.9.9, 10.0.0.5", "9.9.9.9"),
        (1, "nonsense", None),
        (1, f"{GOOGLE}, <script>", None),
        (2, "9.9.9.9", None),  # fewer proxies than there have to be: it came past one
    ],
)
def test_behind_proxies_only_what_ours_said_counts(
    person: User, settings: Settings, proxies: int, forwarded: str, believed: str | None
) -> None:
    from accounts.activity import origin_of

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR="10.0.0.5")
    assert origin_of(request).ip_address == believed


def test_the_history_has_the_address_that_the_proxy_saw(person: User, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    attempt(person, forwarded=f"{YANDEX}, {GOOGLE}")
    row = LoginHistory.objects.get()
    assert (row.ip_address, row.country) == (GOOGLE, "US")


# --- second factors and codes, as allauth tells of them ---


def a_request(person: User, *steps: tuple[str, dict[str, Any]]) -> Any:
    request = RequestFactory().post("/", headers={"user-agent": FIREFOX}, REMOTE_ADDR=YANDEX)
    request.session = SessionStore()
    for method, more in steps:
        record_authentication(request, person, method, **more)
    return request


@pytest.mark.parametrize(
    ("steps", "method"),
    [
        ([("password", {})], "password"),
        ([("password", {}), ("mfa", {"type": "totp"})], "password+totp"),
        ([("password", {}), ("code", {}), ("mfa", {"type": "webauthn"})], "password+mailed_code+passkey"),
        ([("mfa", {"type": "webauthn", "passwordless": True})], "passkey"),
        ([("password", {}), ("mfa", {"type": "recovery_codes"})], "password+recovery_code"),
        ([("password", {}), ("password", {})], "password"),
        ([("something new", {})], ""),
        ([], ""),
    ],
)
def test_the_way_in_is_told_step_by_step(person: User, steps: list[tuple[str, dict[str, Any]]], method: str) -> None:
    assert sign_ins.way_in(a_request(person, *steps), person) == method


def test_steps_of_somebody_else_are_not_theirs(person: User) -> None:
    request = a_request(a_customer(), ("password", {}))
    assert sign_ins.way_in(request, person) == ""


def test_a_wrong_second_factor(person: User) -> None:
    request = a_request(person, ("password", {}))
    sign_ins._second_factor_refused(request, person, SimpleNamespace(type="totp"), reauthentication=False)
    row = LoginHistory.objects.get()
    assert (row.result, row.method) == ("wrong_code", "password+totp")


def test_a_wrong_code_of_somebody_who_is_signed_in_is_told_apart_from_a_sign_in(person: User) -> None:
    request = a_request(person, ("password", {}))
    sign_ins._second_factor_refused(request, person, SimpleNamespace(type="totp"), reauthentication=True)
    row = LoginHistory.objects.get()
    assert (row.result, row.method) == ("wrong_code", "confirmation+totp")


def test_a_wrong_mailed_code(person: User) -> None:
    request = a_request(person, ("password", {}))
    login_code_rejected.send(sender=object, request=request, user=person, last_attempt=False)
    row = LoginHistory.objects.get()
    assert (row.result, row.method) == ("wrong_code", "password+mailed_code")


def test_a_device_that_is_asked_for_a_code(person: User) -> None:
    request = a_request(person, ("password", {}))
    with context.request_context(request):
        adapter = AccountAdapter(request)
        code = adapter.generate_login_code()
        adapter.send_mail("account/email/login_code", person.email, {"code": code, "user": person})
    row = LoginHistory.objects.get()
    assert (row.result, row.method, row.user) == ("code_asked", "password", person)


def test_the_device_is_the_one_that_was_recognised(person: User) -> None:
    request = a_request(person, ("password", {}))
    setattr(request, sign_ins.DEVICE_ID, 42)
    sign_ins._signed_in(request, person)
    assert LoginHistory.objects.get().device_id == 42


# --- what it costs ---


def test_the_history_adds_two_queries_to_a_sign_in(person: User) -> None:
    attempt(person)  # what only a process's first one asks
    with CaptureQueriesContext(connection) as queries:
        attempt(person)
    ours = [query["sql"] for query in queries if "accounts_loginhistory" in query["sql"]]
    assert len(ours) == 2
    assert ours[0].startswith("SELECT")
    assert ours[1].startswith("INSERT")


def test_a_broken_database_of_places_stops_nobody(person: User, settings: Settings) -> None:
    settings.GEOIP_FILE = "/nowhere/at/all.mmdb"
    assert attempt(person).status_code == 302
    assert results() == ["success"]


@pytest.mark.parametrize("agent", ["<script>alert(1)</script>", "A" * 20_000, "\x00\x01", "Ünïcödé"])
def test_an_odd_browser_stops_nobody(person: User, agent: str) -> None:
    client, cookie = Client(), known_browser(person)
    client.cookies[cookie["name"]] = cookie["value"]
    answer = client.post(
        reverse("account_login"), {"login": person.email, "password": PASSWORD}, headers={"user-agent": agent}
    )
    assert answer.status_code == 302
    assert results() == ["success"]
