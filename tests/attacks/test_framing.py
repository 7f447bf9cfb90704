"""A page of ours inside a page of somebody else's: no browser shows it there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from portal import urls
from tests.attacks.everywhere import an_editor, client_of, of_the_content, of_the_portal, of_the_staff
from tests.support.databases import CommittedDatabase


def framed_by(answer: Any) -> tuple[str, str]:
    """Who may frame it, as new browsers read it and as old ones do."""
    policy = answer.headers.get("Content-Security-Policy", "")
    found = re.search(r"frame-ancestors ([^;]*)", policy)
    return (found[1] if found else "anybody"), answer.headers.get("X-Frame-Options", "anybody")


def test_no_page_of_the_portal_can_be_framed(committed_db: CommittedDatabase) -> None:
    owner, addresses = of_the_portal()
    for client in (client_of(owner), client_of()):
        for address in [*addresses, "/", "/help/", "/help/faq/", "/nowhere/", "/livez"]:
            assert framed_by(client.get(address)) == ("'none'", "DENY"), address


def test_no_page_of_the_staff_site_can_be_framed_but_a_mail_in_its_gallery(committed_db: CommittedDatabase) -> None:
    person, addresses = of_the_staff(committed_db)
    client = client_of(person)
    framed = set()
    for address in addresses:
        who = framed_by(client.get(address, headers={"hx-request": "true"}))
        if address == "/admin/logout/":
            client = client_of(person)
        if who not in {("'none'", "DENY"), ("'none'", "SAMEORIGIN")}:  # the lists' own word, for old browsers
            framed.add((address, who))
    assert framed == {("/admin/accounts/outgoingmail/gallery/deposit_credited/en/light/", ("'self'", "SAMEORIGIN"))}


def test_the_editors_pages_are_framed_by_themselves_alone(committed_db: CommittedDatabase) -> None:
    """Wagtail's previews are frames."""
    client = client_of(an_editor())
    for address in of_the_content():
        new, old = framed_by(client.get(address))
        assert (new, old) == ("'self'", "DENY"), address


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("as if something was wrong")


class BrokenUrls:
    urlpatterns = [path("broken/", broken), *urls.urlpatterns]


@pytest.mark.django_db
def test_no_page_that_tells_of_an_error_can_be_framed(settings: Settings) -> None:
    settings.ROOT_URLCONF = BrokenUrls
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    pages = {
        400: strict.get("/", headers={"host": "evil.example"}),
        403: strict.post("/language/"),
        404: strict.get("/nowhere/"),
        405: strict.get("/theme/"),
        410: strict.get("/security/not-me/made-up/"),
        500: strict.get("/broken/"),
    }
    assert {number: answer.status_code for number, answer in pages.items()} == {each: each for each in pages}
    assert {number: framed_by(answer) for number, answer in pages.items()} == dict.fromkeys(pages, ("'none'", "DENY"))
