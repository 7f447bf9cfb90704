"""Who guesses passwords and codes is locked out; the account's owner, in the browser that they use, is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.guesses import STRANGERS_TRIES_MAX, TRIES_MAX, CannotCount, Guess, Limit, Locked
from accounts.models import ActivityLog, LoginHistory, SpentCode, TrustedDevice, User
from accounts.second_factor import StepUp, StepUpFailed, StepUpThrottled, verify_step_up
from tests.accounts.places import GOOGLE, YANDEX
from tests.payouts.people import PASSWORD, a_customer
from tests.support.factors import code_of, give_app, known_browser, sign_in

BROWSER, DEVICE = configured.BROWSER_COOKIE_NAME, configured.DEVICE_TOKEN_COOKIE_NAME
LOGIN, CODE, SECOND = "/account/login/", "/account/login/code/confirm/", "/account/2fa/authenticate/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LOCKED = "Too many wrong tries. Try again in 15 minutes."
LOCKED_TO_STRANGERS = "Too many wrong tries at this account. Try again in 15 minutes, or use a browser in which"

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    """Without a second step: the password alone signs in, from a known browser."""
    user = a_customer()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def stranger(*, address: str = YANDEX, agent: str = FIREFOX) -> Client:
    """A browser that opened the sign-in page, from there."""
    client = Client(headers={"accept-language": "en", "user-agent": agent}, REMOTE_ADDR=address)
    assert client.get(LOGIN).status_code == 200
    return client


def known(user: User, *, address: str = YANDEX) -> Client:
    """A browser that `user` has let in before."""
    client, cookie = stranger(address=address), known_browser(user)
    client.cookies[cookie["name"]] = cookie["value"]
    return client


def type_password(client: Client, user: User | str, password: str = "wrong", **headers: str) -> HttpResponse:
    email = user if isinstance(user, str) else user.email
    return client.post(LOGIN, {"login": email, "password": password}, headers=headers)


def said(answer: HttpResponse) -> str:
    return answer.content.decode()


def results() -> list[str]:
    return list(LoginHistory.objects.order_by("id").values_list("result", flat=True))


def looked_at() -> int:
    return LoginHistory.objects.filter(result="wrong_password").count()


def signs_in(client: Client, user: User) -> bool:
    return type_password(client, user, PASSWORD).status_code == 302


# --- who guesses is locked ---


def test_of_a_hundred_guesses_from_an_unknown_browser_five_are_looked_at_and_the_lock_is_audited_once(
    person: User,
) -> None:
    thief = stranger()
    answers = [type_password(thief, person, f"guess {number}") for number in range(100)]
    assert results() == ["wrong_password"] * TRIES_MAX + ["throttled"]
    assert LOCKED in said(answers[-1])
    entry = ActivityLog.objects.get(action="account.sign_in_locked")
    assert (entry.actor, entry.target_id, entry.facts) == (None, str(person.pk), {"locked": "browser"})
    assert entry.ip_address == YANDEX


def test_while_it_is_locked_the_right_password_is_refused_there_too(person: User) -> None:
    thief = stranger()
    for _try in range(TRIES_MAX):
        type_password(thief, person)
    answer = type_password(thief, person, PASSWORD)
    assert answer.status_code == 200
    assert LOCKED in said(answer)
    assert "success" not in results()


def test_the_owners_known_browser_still_signs_in(person: User) -> None:
    owner, thieves = known(person), [stranger() for _each in range(5)]
    for thief in thieves:
        for number in range(20):
            type_password(thief, person, f"guess {number}")
    assert looked_at() == STRANGERS_TRIES_MAX
    assert signs_in(owner, person)


def test_guesses_from_the_owners_own_address_do_not_lock_their_known_browser(person: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip"}
    owner, others = known(person), stranger()
    for _try in range(25):
        type_password(others, "neighbour@example.com")
    assert signs_in(owner, person)


def test_a_known_browser_is_locked_by_its_own_guesses_and_no_other_device_of_its_owner(person: User) -> None:
    phone, laptop = known(person), known(person)
    for _try in range(20):
        type_password(phone, person)
    assert results() == ["wrong_password"] * TRIES_MAX + ["throttled"]
    assert ActivityLog.objects.get(action="account.sign_in_locked").facts == {"locked": "device"}
    assert not signs_in(phone, person)
    assert signs_in(laptop, person)


def test_a_known_browser_of_one_person_is_a_stranger_to_another(person: User) -> None:
    other = a_customer()
    theirs = known(other)
    for _try in range(TRIES_MAX + 1):
        type_password(theirs, person)
    assert ActivityLog.objects.get(action="account.sign_in_locked").facts == {"locked": "browser"}


def test_a_revoked_device_is_a_stranger(person: User) -> None:
    stolen = known(person)
    TrustedDevice.objects.filter(user=person).update(revoked_at="2026-01-01T00:00:00Z")
    for _try in range(TRIES_MAX + 1):
        type_password(stolen, person)
    assert ActivityLog.objects.get(action="account.sign_in_locked").facts == {"locked": "browser"}


# --- ways around it ---


def many_browsers(address: str) -> Iterator[Client]:
    while True:
        yield stranger(address=address)


def without_cookies(address: str) -> Iterator[Client]:
    while True:
        yield Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR=address)


def without_cookies_as_others(address: str) -> Iterator[Client]:
    for number in range(1000):
        yield Client(headers={"user-agent": f"curl/{number}"}, REMOTE_ADDR=address)


def from_everywhere(_address: str) -> Iterator[Client]:
    for number in range(1, 250):
        yield stranger(address=f"203.0.113.{number}")


def with_forged_cookies(address: str) -> Iterator[Client]:
    for number in range(1000):
        client = Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR=address)
        client.cookies[BROWSER] = f"forged{number}:1vOabc:{'x' * 43}"
        yield client


@pytest.mark.parametrize(
    ("around", "most"),
    [
        (many_browsers, STRANGERS_TRIES_MAX),
        (without_cookies, TRIES_MAX),
        (with_forged_cookies, TRIES_MAX),
        (without_cookies_as_others, STRANGERS_TRIES_MAX),
        (from_everywhere, STRANGERS_TRIES_MAX),
    ],
)
def test_a_cookie_thrown_away_a_new_name_and_a_new_address_free_nobody(
    person: User, around: Callable[[str], Iterator[Client]], most: int
) -> None:
    thieves = around(YANDEX)
    for number in range(60):
        type_password(next(thieves), person, f"guess {number}")
    assert looked_at() == most
    assert not signs_in(next(thieves), person)
    assert results().count("throttled") == 1
    assert ActivityLog.objects.filter(action="account.sign_in_locked").count() == 1
    assert signs_in(known(person), person)


def test_a_changed_header_of_proxies_does_not_free_from_the_address_limit(person: User, settings: Settings) -> None:
    """However many accounts and cookies are used: the address is what our own proxy saw."""
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip"}
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    people = [a_customer() for _each in range(30)]
    for number, each in enumerate(people):
        type_password(stranger(), each, **{"x-forwarded-for": f"198.51.100.{number}, {GOOGLE}"})
    assert looked_at() == 10
    assert set(LoginHistory.objects.values_list("ip_address", flat=True)) == {GOOGLE}


def test_without_a_proxy_the_header_is_nothing(person: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip"}
    for number, each in enumerate([a_customer() for _each in range(30)]):
        type_password(stranger(), each, **{"x-forwarded-for": f"198.51.100.{number}"})
    assert looked_at() == 10


def test_signing_in_to_ones_own_account_in_between_wins_no_more_guesses(person: User) -> None:
    """A right password takes back its own try and no other."""
    thief_user = a_customer()
    Authenticator.objects.filter(user=thief_user).delete()
    thief = stranger()
    for _try in range(20):
        type_password(thief, person)
        type_password(thief, thief_user, PASSWORD)
        thief.post("/account/logout/")
    assert looked_at() == TRIES_MAX


def test_one_browser_is_counted_over_all_the_accounts_that_it_tries() -> None:
    thief, victims = stranger(), [a_customer() for _each in range(20)]
    for each in victims:
        type_password(thief, each)
    assert looked_at() == TRIES_MAX


def test_a_name_of_nobody_is_locked_like_any_other_and_stays_out_of_the_audit(person: User) -> None:
    """Else the lock would tell who has an account."""
    shown = {}
    for name in (person.email, "nobody@example.com"):
        for _each in range(3):
            thief = stranger()
            for _try in range(TRIES_MAX):
                shown[name] = said(type_password(thief, name))
        cache.clear()
    known_name, unknown = shown.values()
    assert LOCKED_TO_STRANGERS in known_name
    assert LOCKED_TO_STRANGERS in unknown
    locks = ActivityLog.objects.filter(action="account.sign_in_locked").order_by("id")
    assert [(each.target_id, each.facts) for each in locks] == [
        (str(person.pk), {"locked": "account"}), ("", {"locked": "account"}),
    ]  # fmt: skip
    assert "nobody" not in str(list(ActivityLog.objects.values()))


# --- codes ---


def test_a_second_step_is_guessed_five_times_however_often_the_password_is_given(person: User) -> None:
    give_app(person)
    device, attempts = known(person), 0
    for _try in range(20):
        again = Client(headers={"user-agent": FIREFOX})
        again.cookies[DEVICE] = device.cookies[DEVICE].value
        if type_password(again, person, PASSWORD).status_code == 302:
            attempts += 1
            again.post(SECOND, {"code": "000000"})
    assert attempts == TRIES_MAX
    assert results() == ["wrong_code"] * TRIES_MAX + ["throttled"]
    other = known(person)
    assert type_password(other, person, PASSWORD)["Location"] == SECOND
    assert other.post(SECOND, {"code": code_of(person)})["Location"] == "/dashboard/"


def test_while_it_is_locked_the_right_code_is_refused(person: User) -> None:
    give_app(person)
    device = known(person)
    type_password(device, person, PASSWORD)
    for _try in range(TRIES_MAX):
        device.post(SECOND, {"code": "000000"})
    code = code_of(person)
    answer = device.post(SECOND, {"code": code})
    assert LOCKED in said(answer)
    assert not SpentCode.objects.exists(), "it was not looked at, and not spent"


def test_a_wrong_try_or_two_do_not_hurt(person: User) -> None:
    give_app(person)
    device = known(person)
    for _time in range(2):
        type_password(device, person)
    type_password(device, person, PASSWORD)
    device.post(SECOND, {"code": "000000"})
    assert device.post(SECOND, {"code": code_of(person)})["Location"] == "/dashboard/"


def test_a_step_up_is_counted_by_device_too(person: User) -> None:
    """A thief in a session of their own does not keep the owner from approving things at theirs."""
    give_app(person)
    for _try in range(20):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=person, credential=StepUp(code="000000"))
    assert ActivityLog.objects.filter(action="step_up.throttled").count() == 1
    assert LoginHistory.objects.filter(result="wrong_code", method="confirmation+totp").count() == TRIES_MAX
    known_browser(person)
    device = TrustedDevice.objects.get(user=person)
    code = code_of(person)
    with pytest.raises(StepUpThrottled, match="15"):
        verify_step_up(user=person, credential=StepUp(code=code))
    assert verify_step_up(user=person, credential=StepUp(code=code, device_id=device.pk)).method == "totp"


def test_a_form_says_at_which_device_it_was_sent(person: User) -> None:
    give_app(person)
    client = known(person)
    sign_in(client, person)
    for _try in range(TRIES_MAX + 1):
        answer = client.post(reverse("settings_lock"), {"days": "3", "wait_days": "1", "code": "000000"})
    assert LOCKED in said(answer)
    device = TrustedDevice.objects.get(user=person)
    assert set(LoginHistory.objects.filter(result="wrong_code").values_list("device_id", flat=True)) == {device.pk}
    verify_step_up(user=person, credential=StepUp(code=code_of(person)))


def test_allauths_page_and_ours_count_the_same_tries(person: User) -> None:
    give_app(person)
    client = known(person)
    sign_in(client, person)
    for _try in range(TRIES_MAX):
        client.post("/account/2fa/reauthenticate/", {"code": "000000"})
    assert LOCKED in said(client.post(reverse("settings_lock"), {"days": "3", "wait_days": "1", "code": "000000"}))
    answer = client.post("/account/2fa/reauthenticate/", {"code": code_of(person)})
    assert LOCKED in said(answer)


# --- how long, and in which words ---


def test_it_says_in_the_readers_language_how_long(person: User, settings: Settings) -> None:
    settings.GUESSES_LOCKED_SECONDS = 120
    thief = Client(headers={"accept-language": "ru", "user-agent": FIREFOX})
    thief.get(LOGIN)
    for _try in range(TRIES_MAX + 1):
        answer = type_password(thief, person)
    assert "Слишком много неверных попыток. Попробуйте снова через 2 минуты." in said(answer)


def test_after_its_time_the_lock_is_over(person: User, settings: Settings) -> None:
    settings.GUESSES_LOCKED_SECONDS = 5
    device = known(person)
    for _try in range(TRIES_MAX + 3):
        type_password(device, person)
    assert not signs_in(device, person)
    _wait_for(lambda: signs_in(device, person))


def _wait_for(happens: Callable[[], bool]) -> None:
    """Within half a minute."""
    until = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_of_a_hundred_parallel_guesses_five_are_looked_at_and_one_lock_is_the_first() -> None:
    """Each counts before it is looked at, however late that is."""
    guess = Guess((Limit("browser", "x"),))

    def locked(_number: int) -> Locked | None:
        try:
            guess.count()
        except Locked as found:
            return found
        return None

    with ThreadPoolExecutor(max_workers=20) as threads:
        locks = [each for each in threads.map(locked, range(100)) if each is not None]
    assert len(locks) == 100 - TRIES_MAX
    assert [each.is_first for each in locks].count(True) == 1
    assert {each.minutes for each in locks} == {15}


def test_without_the_cache_nobody_signs_in_and_it_says_so(person: User, settings: Settings) -> None:
    device = known(person)
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere?db=0"}
    }
    with pytest.raises(CannotCount):
        Guess((Limit("browser", "x"),)).count()
    assert "We cannot check that it is you at the moment." in said(type_password(device, person, PASSWORD))


# --- the cookie that tells strangers apart ---


def test_the_sign_in_pages_name_a_browser_for_a_day_out_of_reach_of_scripts() -> None:
    client = Client()
    client.get("/")
    assert BROWSER not in client.cookies
    client.get(LOGIN)
    cookie = client.cookies[BROWSER]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert int(cookie["max-age"]) == 24 * 3600
    client.get("/account/password/reset/")
    assert client.cookies[BROWSER].value == cookie.value


def test_it_opens_nothing(person: User) -> None:
    owner, other = known(person), stranger()
    assert signs_in(owner, person)
    other.cookies[BROWSER] = owner.cookies[BROWSER].value
    assert other.get("/dashboard/").status_code == 302
    assert type_password(other, person, PASSWORD)["Location"] == CODE
