"""The page of the phrase in our mails."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User, UserProfile
from tests.portal.pages.conftest import browser_of
from tests.support.factors import code_of, person_of

PATH = "/security/phrase/"


def kept(user: User) -> str:
    return UserProfile.objects.get(user=user).anti_phishing_phrase


def send(client: Client, phrase: str, *, code: str | None = None, **more: str) -> tuple[int, str]:
    given = {"phrase": phrase, "code": code_of(person_of(client)) if code is None else code}
    answer = client.post(PATH, given | more, follow=True)
    return answer.status_code, answer.content.decode()


def test_a_customer_sets_changes_and_removes_it(client: Client, customer: User) -> None:
    assert "You have no phrase yet." in client.get(PATH).content.decode()
    status, page = send(client, "heron at noon")
    assert (status, kept(customer)) == (200, "heron at noon")
    assert "From now on our mails show your phrase." in page
    assert 'value="heron at noon"' in page
    send(client, "another phrase")
    assert kept(customer) == "another phrase"
    _status, page = send(client, "another phrase", remove="1")
    assert kept(customer) == ""
    assert "The phrase is removed from our mails." in page


@pytest.mark.parametrize("phrase", ["", "   ", "abc", "x" * 60, "a\u202eb c d", "https://evil.example"])
def test_what_cannot_be_a_phrase_is_refused_on_the_page(client: Client, customer: User, phrase: str) -> None:
    status, page = send(client, phrase)
    assert (status, kept(customer)) == (422, "")
    assert 'aria-invalid="true"' in page


def test_a_wrong_code_is_said_and_changes_nothing(client: Client, customer: User) -> None:
    status, page = send(client, "heron at noon", code="000000")
    assert (status, kept(customer)) == (422, "")
    assert "The code is not right" in page


def test_html_in_it_is_text_on_the_page(client: Client) -> None:
    _status, page = send(client, "<b>heron</b> \"'&")
    assert "<b>heron" not in page
    assert "&lt;b&gt;heron" in page


def test_it_is_not_kept_by_browsers_or_proxies(client: Client) -> None:
    assert "no-store" in client.get(PATH)["Cache-Control"]


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert getattr(client, method)(PATH).status_code == 405


def test_a_visitor_is_sent_to_sign_in(committed_db: object) -> None:
    assert browser_of().get(PATH)["Location"] == f"/account/login/?next={PATH}"


def test_a_form_from_elsewhere_is_refused(customer: User) -> None:
    answer = browser_of(customer, enforce_csrf_checks=True).post(PATH, {"phrase": "heron at noon"})
    assert (answer.status_code, kept(customer)) == (403, "")
