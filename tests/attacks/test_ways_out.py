"""A link of ours that leads to somebody else's page: there is none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import PASSWORD, staff
from tests.support.factors import code_of, known_browser

pytestmark = pytest.mark.django_db
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    " https://evil.example",
    "\thttps://evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
]


def stays(answer: Any) -> bool:
    """Whether a browser that follows the answer is still on our site."""
    if answer.status_code not in {301, 302}:
        return answer.status_code < 500
    where = answer["Location"]
    parts = urlsplit(where)
    return where.startswith("/") and not where.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme


def signed_out(target: str) -> dict[str, Any]:
    person = a_person()
    known = known_browser(person)
    client = client_of()
    client.cookies[known["name"]] = known["value"]
    given = {"login": person.email, "password": PASSWORD, "next": target}
    first = client.post("/account/login/", given, query_params={"next": target})
    second = client.post(
        "/account/2fa/authenticate/", {"code": code_of(person), "next": target}, query_params={"next": target}
    )
    assert second.status_code == 302
    new = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD, "next": target}
    return {
        "login": first,
        "second factor": second,
        "signed in already": client.get("/account/login/", {"next": target}),
        "sign-up": client_of().post("/account/signup/", new, query_params={"next": target}),
        "reset": client_of().post("/account/password/reset/", {"email": person.email, "next": target}),
        "logout of nobody": client_of().get("/account/logout/", {"next": target}),
        "staff sign-in": client_of().get("/admin/login/", {"next": target}),
        "editors' sign-in": client_of().get("/cms/login/", {"next": target}),
        "language of a visitor": client_of().post("/i18n/setlang/", {"language": "en", "next": target}),
    }


def signed_in(target: str) -> dict[str, Any]:
    def somebody() -> Client:
        return client_of(a_person())

    person = a_person()
    asked = client_of()
    asked.force_login(person)
    plain = a_person()
    plain.authenticator_set.all().delete()
    by_password = client_of()
    by_password.force_login(plain)
    given, query = {"next": target}, {"next": target}
    colleague = client_of(staff("support"))
    return {
        "logout": somebody().post("/account/logout/", given, query_params=query),
        "second factor again": asked.post(
            "/account/2fa/reauthenticate/", given | {"code": code_of(person)}, query_params=query
        ),
        "password again": by_password.post(
            "/account/reauthenticate/", given | {"password": PASSWORD}, query_params=query
        ),
        "language": somebody().post("/language/", given | {"language": "ru"}),
        "django's language": somebody().post("/i18n/setlang/", given | {"language": "ru"}, headers={"referer": target}),
        "theme": somebody().post("/theme/", given | {"theme": "dark"}),
        "staff sign-in": colleague.get("/admin/login/", query),
        "editors' sign-in": colleague.get("/cms/login/", query),
        "staff logout": colleague.post("/admin/logout/", given, query_params=query),
    }


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_next_leads_to_another_site(target: str) -> None:
    answers = signed_out(target) | signed_in(target)
    assert {name: answer.get("Location") for name, answer in answers.items() if not stays(answer)} == {}
    assert sum(answer.status_code == 302 for answer in answers.values()) > 12


def test_a_next_of_ours_is_followed() -> None:
    """The same requests do lead somewhere when they may: else the test above would see nothing."""
    answers = signed_out("/history/") | signed_in("/history/")
    followed = {name for name, answer in answers.items() if answer.get("Location", "").endswith("/history/")}
    assert followed >= {"second factor", "logout", "second factor again", "password again", "language", "theme"}
