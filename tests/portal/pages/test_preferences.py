"""Language and colours: kept, and never a way to another site."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.portal.pages.conftest import browser_of


def test_a_chosen_language_stays_and_the_mails_follow(client: Client, customer: User) -> None:
    answer = client.post("/language/", {"language": "ru", "next": "/settings/", "from": "settings"}, follow=True)
    assert '<html lang="ru"' in answer.content.decode()
    assert "Теперь пишем по-русски" in answer.content.decode()
    customer.profile.refresh_from_db()
    assert customer.profile.language == "ru"


def test_a_visitor_may_choose_a_language_too(committed_db: object) -> None:
    client = browser_of(language="ru")
    answer = client.post("/language/", {"language": "en", "next": "/help/"}, follow=True)
    assert '<html lang="en"' in answer.content.decode()


def test_an_unknown_language_changes_nothing(client: Client, customer: User) -> None:
    before = customer.profile.language
    assert client.post("/language/", {"language": "xx"}).status_code == 302
    customer.profile.refresh_from_db()
    assert customer.profile.language == before
    assert "django_language" not in client.cookies


@pytest.mark.parametrize(("chosen", "shown"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')])
def test_chosen_colours_stay(client: Client, chosen: str, shown: str) -> None:
    answer = client.post("/theme/", {"theme": chosen, "next": "/dashboard/"}, follow=True)
    assert shown in answer.content.decode()
    answer = client.post("/theme/", {"theme": "device", "next": "/dashboard/"}, follow=True)
    assert "data-theme=" not in answer.content.decode().split("<body")[0]


def test_a_made_up_theme_in_the_cookie_is_ignored(client: Client) -> None:
    client.cookies["theme"] = 'x" onload="alert(1)'
    assert "alert" not in client.get("/dashboard/").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
@pytest.mark.parametrize("path", ["/language/", "/theme/"])
def test_no_form_leads_to_another_site(client: Client, path: str, target: str) -> None:
    answer = client.post(path, {"language": "en", "theme": "dark", "next": target})
    assert answer["Location"] == "/"


@pytest.mark.parametrize("path", ["/language/", "/theme/"])
def test_preferences_never_change_by_a_link(client: Client, path: str) -> None:
    assert client.get(path, {"language": "ru", "theme": "dark"}).status_code == 405
