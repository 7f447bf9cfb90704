"""A session that an attacker began, and had the victim go on with: worth nothing once the victim is in."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session

from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD
from tests.support.factors import code_of, known_browser

pytestmark = pytest.mark.django_db
COOKIE = settings.SESSION_COOKIE_NAME


def test_the_session_has_another_key_after_the_sign_in_and_the_old_one_opens_nothing() -> None:
    person = a_person()
    known = known_browser(person)
    attacker, victim = client_of(), client_of()
    attacker.post("/account/login/", {"login": person.email, "password": "not it"})
    attacker.get("/account/login/")
    session = attacker.session
    session["began"] = "with the attacker"
    session.save()
    victim.cookies[COOKIE] = fixed = str(session.session_key)
    victim.cookies[known["name"]] = known["value"]
    assert victim.post("/account/login/", {"login": person.email, "password": PASSWORD}).status_code == 302
    between = victim.cookies[COOKIE].value
    for key in {fixed, between}:
        attacker.cookies[COOKIE] = key
        assert attacker.get("/dashboard/").status_code == 302, "the password alone opens nothing"
    assert victim.post("/account/2fa/authenticate/", {"code": code_of(person)})["Location"] == "/dashboard/"
    assert victim.get("/dashboard/").status_code == 200
    after = victim.cookies[COOKIE].value
    assert after not in {fixed, between}
    for key in {fixed, between}:
        attacker.cookies[COOKIE] = key
        assert attacker.get("/dashboard/").status_code == 302
        assert not Session.objects.filter(session_key=key).exists()


@pytest.mark.parametrize("key", ["abcdefghijklmnopqrstuvwxyz012345", "short", "x" * 500, "a'; --", "%00", "../../x"])
def test_a_key_that_the_browser_brings_along_is_not_taken_over(key: str) -> None:
    person = a_person()
    known = known_browser(person)
    client = client_of()
    client.cookies[COOKIE] = key
    client.cookies[known["name"]] = known["value"]
    assert client.get("/account/login/").status_code == 200
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    assert client.cookies[COOKIE].value != key
    client.post("/account/2fa/authenticate/", {"code": code_of(person)})
    assert client.get("/dashboard/").status_code == 200
    assert not Session.objects.filter(session_key=key[:40]).exists()


def test_a_session_that_was_signed_out_stays_out() -> None:
    person = a_person()
    client, thief = client_of(person), client_of()
    thief.cookies[COOKIE] = client.cookies[COOKIE].value
    assert thief.get("/dashboard/").status_code == 200
    client.post("/account/logout/")
    assert thief.get("/dashboard/").status_code == 302
