"""Codes that are guessed, or used a second time, on the pages that ask for them."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import mailed_codes
from accounts.models import LoginHistory, MailedCode, User
from payouts.models import WithdrawalRequest
from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD, RECIPIENT, USDT
from tests.portal.pages.test_withdrawal_pages import KEY
from tests.support.factors import code_of, known_browser, sign_in

pytestmark = pytest.mark.django_db
WISH = {"network": "arbitrum", "address": RECIPIENT, "amount": "40", "key": KEY}
SECOND_STEP = "/account/2fa/authenticate/"


@pytest.fixture(autouse=True)
def _limits_of_the_product(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}


def before_the_second_step(user: User) -> Client:
    """A known browser in which the password was right."""
    client, known = client_of(), known_browser(user)
    client.cookies[known["name"]] = known["value"]
    answer = client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == SECOND_STEP
    return client


def is_in(client: Client) -> bool:
    return client.get("/dashboard/").status_code == 200


def test_the_code_of_a_sign_in_is_good_for_nothing_else() -> None:
    user = a_person(micro=500 * USDT)
    client, code = before_the_second_step(user), code_of(user)
    client.post(SECOND_STEP, {"code": code})
    assert is_in(client)
    answer = client.post("/withdraw/", WISH | {"code": code})
    assert answer.status_code == 422
    assert "The code is not right, or was used already" in answer.content.decode()
    assert not WithdrawalRequest.objects.exists()
    thief = before_the_second_step(user)
    thief.post(SECOND_STEP, {"code": code})
    assert not is_in(thief)


def test_the_code_of_a_withdrawal_signs_nobody_in() -> None:
    user = a_person(micro=500 * USDT)
    client, code = client_of(), code_of(user)
    sign_in(client, user)
    assert client.post("/withdraw/", WISH | {"code": code}).status_code == 302
    thief = before_the_second_step(user)
    thief.post(SECOND_STEP, {"code": code})
    assert not is_in(thief)


def test_of_a_hundred_codes_at_the_sign_in_five_are_looked_at_and_then_not_even_the_right_one() -> None:
    user = a_person()
    client = before_the_second_step(user)
    for number in range(100):
        client.post(SECOND_STEP, {"code": f"{number:06}"}, REMOTE_ADDR=f"192.0.2.{number}")
    assert LoginHistory.objects.filter(user=user, result="wrong_code").count() == 5
    client.post(SECOND_STEP, {"code": code_of(user)}, REMOTE_ADDR="192.0.2.200")
    assert not is_in(client)
    client.post("/account/logout/")
    client.post("/account/login/", {"login": user.email, "password": PASSWORD}, REMOTE_ADDR="192.0.2.201")
    client.post(SECOND_STEP, {"code": code_of(user)}, REMOTE_ADDR="192.0.2.201")
    assert not is_in(client), "beginning anew gives no new tries"


def test_of_a_hundred_codes_for_a_withdrawal_five_are_looked_at_and_then_not_even_the_right_one() -> None:
    user = a_person(micro=500 * USDT)
    client = client_of()
    sign_in(client, user)
    said = [client.post("/withdraw/", WISH | {"code": f"{number:06}"}).content.decode() for number in range(100)]
    assert ["Too many wrong tries" in text for text in said] == [False] * 5 + [True] * 95
    answer = client.post("/withdraw/", WISH | {"code": code_of(user)})
    assert answer.status_code == 422
    assert not WithdrawalRequest.objects.exists()


def test_of_a_hundred_mailed_codes_five_are_looked_at_and_then_not_even_the_right_one() -> None:
    user, client = a_person(), client_of()
    answer = client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == "/account/login/code/confirm/"
    right = mailed_codes.code_to_mail(str(MailedCode.objects.get(user=user).pk), purpose=mailed_codes.DEVICE)
    for number in range(100):
        client.post("/account/login/code/confirm/", {"code": f"{number:08}"}, REMOTE_ADDR=f"192.0.2.{number}")
    assert LoginHistory.objects.filter(user=user, result="wrong_code").count() <= 5
    client.post("/account/login/code/confirm/", {"code": right})
    assert client.get(SECOND_STEP).status_code == 302, "the second step is not reached"
    assert not is_in(client)
