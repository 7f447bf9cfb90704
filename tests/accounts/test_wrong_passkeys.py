"""Passkeys that were not accepted: at the sign-in, in place of the password, and of somebody who is signed in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.guesses import TRIES_MAX
from accounts.models import ActivityLog, LoginHistory, User
from accounts.second_factor import StepUp, WrongPasskey, passkeys, verify_step_up
from tests.payouts.people import PASSWORD, a_customer
from tests.support.factors import known_browser
from tests.support.passkeys import Passkey

pytestmark = pytest.mark.django_db
AUTHENTICATE, LOGIN, AGAIN = (
    "/account/2fa/authenticate/",
    "/account/2fa/webauthn/login/",
    "/account/2fa/reauthenticate/",
)
ANSWERS_ODD = ["", "{", "[]", "null", "1", '"x"', "{}", '{"id": 1}', '{"response": {"userHandle": 5}}', "{" * 50]


@pytest.fixture
def person() -> User:
    """Has a passkey and no app."""
    user = a_customer()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def passkey(person: User) -> Passkey:
    return enrolled(person)


def enrolled(user: User) -> Passkey:
    made = Passkey()
    made.enrol(user)
    return made


def after_the_password(person: User) -> Client:
    client, cookie = Client(headers={"accept-language": "en"}), known_browser(person)
    client.cookies[cookie["name"]] = cookie["value"]
    answer = client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    assert answer["Location"] == AUTHENTICATE
    return client


def asked(client: Client, address: str = AUTHENTICATE) -> dict[str, Any]:
    """What the page asks the passkey."""
    if address == LOGIN:
        return dict(client.get(LOGIN, headers={"x-requested-with": "XMLHttpRequest"}).json()["request_options"])
    return dict(client.get(address).context["js_data"]["request_options"])


def as_sent(options: dict[str, Any]) -> dict[str, Any]:
    """With its bytes as the page's JSON has them."""
    return json.loads(json.dumps(options, default=dict))


def answer(client: Client, address: str, credential: dict[str, Any] | str) -> str:
    """Where the answer leads; "" if it leads nowhere."""
    given = credential if isinstance(credential, str) else json.dumps(credential)
    return str(client.post(address, {"credential": given}).headers.get("Location", ""))


def tries() -> list[tuple[str, str]]:
    return list(LoginHistory.objects.order_by("id").values_list("result", "method"))


def test_a_right_passkey_after_the_password_signs_in(person: User, passkey: Passkey) -> None:
    client = after_the_password(person)
    assert answer(client, AUTHENTICATE, passkey.answer(as_sent(asked(client)))) == "/dashboard/"
    assert tries() == [("success", "password+passkey")]


def test_a_wrong_one_after_the_password_is_in_the_history_and_the_audit(person: User, passkey: Passkey) -> None:
    client = after_the_password(person)
    assert answer(client, AUTHENTICATE, passkey.answer(as_sent(asked(client)), wrong=True)) == ""
    assert tries() == [("wrong_passkey", "password+passkey")]
    entry = ActivityLog.objects.get(action="second_factor.failed")
    assert (entry.actor, entry.facts) == (person, {"kind": "webauthn"})
    assert LoginHistory.objects.get().get_result_display() == "Wrong passkey"


def test_an_answer_to_another_challenge_is_wrong(person: User, passkey: Passkey) -> None:
    client = after_the_password(person)
    old = passkey.answer(as_sent(asked(client)))
    asked(client)
    assert answer(client, AUTHENTICATE, old) == ""
    assert tries() == [("wrong_passkey", "password+passkey")]


def test_somebody_elses_passkey_is_wrong(person: User, passkey: Passkey) -> None:
    other = enrolled(a_customer())
    client = after_the_password(person)
    assert answer(client, AUTHENTICATE, other.answer(as_sent(asked(client)))) == ""
    assert tries() == [("wrong_passkey", "password+passkey")]


def test_a_right_one_in_place_of_the_password_signs_in(person: User, passkey: Passkey) -> None:
    client = Client()
    assert answer(client, LOGIN, passkey.answer(as_sent(asked(client, LOGIN)))) == "/dashboard/"
    assert tries() == [("success", "passkey")]


def test_a_wrong_one_in_place_of_the_password_is_in_the_history_of_whose_it_says_it_is(
    person: User, passkey: Passkey
) -> None:
    client = Client()
    assert answer(client, LOGIN, passkey.answer(as_sent(asked(client, LOGIN)), wrong=True)) == "/account/login/"
    assert tries() == [("wrong_passkey", "passkey")]
    entry = ActivityLog.objects.get(action="account.sign_in_failed")
    assert (entry.actor, entry.target_id) == (None, str(person.pk))


def test_wrong_ones_lock_the_browser_and_nobody_elses(person: User, passkey: Passkey) -> None:
    guessing, other = Client(headers={"accept-language": "en"}), Client()
    guessing.get("/account/login/")
    for _try in range(TRIES_MAX + 2):
        answer(guessing, LOGIN, passkey.answer(as_sent(asked(guessing, LOGIN)), wrong=True))
    assert tries() == [("wrong_passkey", "passkey")] * TRIES_MAX + [("throttled", "")]
    right = passkey.answer(as_sent(asked(guessing, LOGIN)))
    assert answer(guessing, LOGIN, right) == "/account/login/"
    assert "Too many wrong tries. Try again in 15 minutes." in guessing.get("/account/login/").content.decode()
    other.get("/account/login/")
    assert answer(other, LOGIN, passkey.answer(as_sent(asked(other, LOGIN)))) == "/dashboard/"


def test_a_wrong_one_of_who_is_signed_in_is_told_apart(person: User, passkey: Passkey) -> None:
    client = Client()
    client.force_login(person)
    address = reverse("mfa_reauthenticate_webauthn")
    before = tries()
    answer(client, address, passkey.answer(as_sent(asked(client, address)), wrong=True))
    assert tries() == [*before, ("wrong_passkey", "confirmation+passkey")]
    assert ActivityLog.objects.get(action="second_factor.failed").facts == {"kind": "webauthn"}


def test_a_wrong_one_in_a_step_up_is_in_the_history_and_the_audit(person: User, passkey: Passkey) -> None:
    begun = passkeys.begin(person)
    assert begun is not None
    options, state = begun
    wrong = StepUp(assertion=passkey.answer(as_sent(options), wrong=True), challenge=state)
    with pytest.raises(WrongPasskey):
        verify_step_up(user=person, credential=wrong)
    assert tries() == [("wrong_passkey", "confirmation+passkey")]
    assert ActivityLog.objects.get(action="step_up.failed").facts == {"method": "passkey"}
    right = StepUp(assertion=passkey.answer(as_sent(options)), challenge=state)
    assert verify_step_up(user=person, credential=right).method == "webauthn"


@pytest.mark.parametrize("odd", ANSWERS_ODD)
def test_what_is_no_answer_at_all_lets_nobody_in_and_breaks_nothing(person: User, passkey: Passkey, odd: str) -> None:
    client = after_the_password(person)
    asked(client)
    assert answer(client, AUTHENTICATE, odd) == ""
    cache.clear()
    stranger = Client()
    asked(stranger, LOGIN)
    assert answer(stranger, LOGIN, odd) == "/account/login/"
    assert not LoginHistory.objects.filter(result="success").exists()
