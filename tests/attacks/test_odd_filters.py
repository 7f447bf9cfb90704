"""Odd values in the addresses of lists and rows: an answer, never an error, and never a word of SQL to the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.admin import site
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.attacks.everywhere import a_person, an_editor, client_of
from tests.payouts.people import USDT, in_review
from tests.portal.admin.rows import everything
from tests.support.databases import CommittedDatabase

ODD = [
    "' OR 1=1 --",
    "1); DROP TABLE accounts_user; --",
    "\x00",
    "9" * 40,
    "-1",
    "9999-12-31",
    "0001-01-01",
    "%s%(x)s{0}",
    "NaN",
    "1e999",
    "\ud83d",
    "a" * 5000,
    "[]",
    "١",
]
PORTAL = {
    "/history/": ("kind", "before", "after", "page", "type", "state", "network"),
    "/security/sign-ins/": ("before", "page"),
    "/dashboard/": ("days",),
    "/withdraw/": ("saved",),
    "/withdraw/quote/": ("network", "amount", "address", "saved"),
    "/deposit/live/": ("network", "seen"),
    "/account/login/": ("next",),
}


@dataclass(frozen=True)
class Desk:
    """A colleague who may open every list, and a row in each."""

    person: User
    client: Client
    keys: dict[str, Any]

    def lists(self) -> Iterable[tuple[str, type[Model], set[str]]]:
        """(address, model, what its page filters by)."""
        by_name = {model._meta.label_lower.replace(".", "_"): model for model in site._registry}
        for name in self.keys:
            address = reverse(f"admin:{name}_changelist")
            yield address, by_name[name], self.parameters_of(address)

    def parameters_of(self, address: str) -> set[str]:
        """The names of the page's fields, and of the parameters in its links."""
        text = self.client.get(address).content.decode()
        fields = set(re.findall(r'<(?:input|select)[^>]*\sname="([\w-]+)"', text))
        links = {name for query in re.findall(r'href="\?([^"#]+)"', text) for name, _value in parse_qsl(query)}
        return (fields | links | {"q", "after", "before", "order"}) - {"csrfmiddlewaretoken", "language", "next"}

    def reading(self, address: str, model: type[Model], **given: str) -> str:
        """Reads a list as its page does, without drawing it: what broke, or nothing."""
        request = RequestFactory().get(address, as_bytes(given))
        request.user, request._messages = self.person, CookieStorage(RequestFactory().get("/"))
        try:
            list(site.get_model_admin(model).get_changelist_instance(request).result_list)
        except (IncorrectLookupParameters, SuspiciousOperation):
            return ""  # an answer: the list without its filters, or 400
        except Exception as error:  # noqa: BLE001  # whatever it is, the page would say 500
            return repr(error)
        return ""


def as_bytes(given: dict[str, str]) -> dict[str, bytes]:
    return {name: value.encode("utf-8", "surrogatepass") for name, value in given.items()}


@pytest.fixture
def desk(committed_db: CommittedDatabase) -> Desk:
    person = an_editor()
    return Desk(person, client_of(person, raise_request_exception=False), everything(committed_db))


def test_no_filter_of_a_staff_list_breaks_on_an_odd_value(desk: Desk) -> None:
    found, asked = [], 0
    for address, model, names in desk.lists():
        for name in sorted(names):
            asked += 1
            broke = {value[:20]: desk.reading(address, model, **{name: value}) for value in ODD}
            found += [(f"{address}?{name}=", value, error) for value, error in broke.items() if error]
    assert asked > 80
    assert found == []


def test_no_page_of_a_list_breaks_when_all_its_filters_are_odd(desk: Desk) -> None:
    found = []
    for address, _model, names in desk.lists():
        for value in (ODD[0], "\x00", "9999-12-31"):
            status = desk.client.get(address, as_bytes(dict.fromkeys(names, value))).status_code
            if status >= 500:
                found.append((address, value, status))
    assert found == []


def test_no_address_of_a_row_breaks_on_an_odd_key(desk: Desk) -> None:
    found = []
    for name in desk.keys:
        for key in ("0", "x", "9" * 40, "-1", "%27%20OR%201=1", "%00", "_2F"):
            status = desk.client.get(f"{reverse(f'admin:{name}_changelist')}{key}/change/").status_code
            if status not in {302, 400, 404}:
                found.append((name, key, status))
    assert found == []


@pytest.mark.django_db
def test_no_page_of_a_customer_breaks_on_an_odd_value() -> None:
    person = a_person(micro=500 * USDT)
    in_review(person)
    client, found = client_of(person, raise_request_exception=False), []
    for path, names in PORTAL.items():
        for name in names:
            for value in ODD:
                status = client.get(path, as_bytes({name: value})).status_code
                if status >= 500:
                    found.append((path, name, value[:20], status))
    assert found == []


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["%00", "'%20OR%201=1", "%FF", "..%2F..%2Fetc", "a" * 3000])
def test_no_address_that_is_none_breaks_anything(odd: str) -> None:
    client, found = client_of(a_person(), raise_request_exception=False), []
    for start in ("", "help/", "withdrawals/", "withdrawals/confirm/", "security/not-me/", "deposit/", "documents/1/"):
        status = client.get(f"/{start}{odd}/").status_code
        if status not in {400, 404, 410}:
            found.append((start, status))
    assert found == []


def test_what_is_typed_reaches_the_database_as_a_value(desk: Desk) -> None:
    """Statements are shown with their values put in; a quote that is not doubled there would have ended the text."""
    typed = "x' or '1'='1"
    with CaptureQueriesContext(connection) as queries:
        for address, model, names in desk.lists():
            for name in sorted(names):
                desk.reading(address, model, **{name: typed})
    seen = [str(query["sql"]) for query in queries]
    assert [sql for sql in seen if typed in sql] == []
    assert any(typed.replace("'", "''") in sql for sql in seen), "some were asked for by that value"
