"""Every address of the staff site, asked for by every role with GET and POST, against the table in docs/roles.md."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import User
from accounts.roles import ROLES
from tests.payouts.people import PASSWORD, a_customer, staff
from tests.portal.admin.rows import everything
from tests.support.databases import CommittedDatabase
from tests.support.factors import give_app, sign_in

PAPER = Path(__file__).parents[3] / "docs" / "roles.md"
WHO = (*ROLES, "no role", "customer", "nobody")
CATCH_ALL = "(any other address)"


@pytest.fixture(autouse=True)
def _refusals_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand of them, whose tracebacks would take a quarter of the time."""
    caplog.set_level(logging.ERROR, logger="django.request")


def addresses() -> Iterator[tuple[str, str]]:
    """(name, route) of every address below /admin/."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                yield pattern.name or route, route

    return walk(list(admin.site.get_urls()), "")


def address_of(name: str, route: str, keys: dict[str, Any]) -> str:
    if route == "(?P<url>.*)$":
        return reverse("admin:index") + "nowhere/"
    if name == "app_list":
        return reverse("admin:app_list", args=["treasury"])
    if name == "view_on_site":
        return reverse("admin:view_on_site", args=[ContentType.objects.get_for_model(User).pk, 1])
    if "<slug:template>" in route:
        given = ["deposit_credited", "en", "light"][: route.count("<")]
        return reverse(f"admin:{name}", args=given)
    if "object_id" not in route:
        return reverse(f"admin:{name}") if name != route else f"/admin/{route}"
    prefix = max((prefix for prefix in keys if route.startswith(prefix.replace("_", "/", 1) + "/")), key=len)
    return "/admin/" + route.replace("<path:object_id>", str(keys[prefix]))


def shown_name(name: str, route: str) -> str:
    return CATCH_ALL if route == "(?P<url>.*)$" else name if name != route else re.sub(r"[<>]", "", route)


def got_in(answer: HttpResponse) -> bool:
    """Whether the person got in. Redirects to the sign-in, refused methods and "no such page" are no."""
    return answer.status_code == 200 or (answer.status_code in {301, 302} and "/login/" not in answer["Location"])


def in_words(seen: HttpResponse, done: HttpResponse) -> str:
    """`->`: the address only leads on, to a page that asks again."""
    if got_in(seen) and seen.status_code != 200:
        return "->"
    words = ["see"] * got_in(seen) + ["do"] * got_in(done)
    return ", ".join(words) or "-"


@pytest.fixture
def people(committed_db: CommittedDatabase) -> dict[str, Client]:
    found = {}
    for who in WHO:
        client = Client(headers={"accept-language": "en"})
        if who == "customer":
            client.force_login(a_customer())
        elif who != "nobody":
            sign_in(client, staff(*([] if who == "no role" else [who])))
        found[who] = client
    return found


def observed(people: dict[str, Client], keys: dict[str, Any]) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for name, route in addresses():
        address = address_of(name, route, keys)
        line = {}
        for who, client in people.items():
            seen = client.get(address, headers={"hx-request": "true"})
            # An empty form: whoever may do the deed is shown what is missing, and nothing is done.
            done = client.post(address, {"csrf": "x"}, headers={"hx-request": "true"})
            line[who] = in_words(seen, done)
            if name == "logout":
                _sign_in_again(client, who)
        table[shown_name(name, route)] = line
    return table


def _sign_in_again(client: Client, who: str) -> None:
    if who == "nobody":
        return
    roles = [who] if who in ROLES else []
    sign_in(client, a_customer() if who == "customer" else staff(*roles))


def written() -> dict[str, dict[str, str]]:
    """The table of docs/roles.md."""
    lines = [line for line in PAPER.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    table = {}
    for line in lines:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if len(cells) == len(WHO):
            table[name.strip("`")] = dict(zip(WHO, cells, strict=True))
    return table


def written_permissions() -> dict[str, set[str]]:
    """The roles' permissions, as docs/roles.md has them."""
    found: dict[str, set[str]] = {role: set() for role in ROLES}
    for line in PAPER.read_text(encoding="utf-8").splitlines():
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("| `") and len(cells) == len(ROLES):
            for role, cell in zip(ROLES, cells, strict=True):
                if cell == "yes":
                    found[role].add(name.strip("`"))
    return found


def as_markdown(table: dict[str, dict[str, str]]) -> str:
    head = "| address | " + " | ".join(WHO) + " |\n|---|" + "---|" * len(WHO)
    return "\n".join([head, *(f"| `{name}` | " + " | ".join(line.values()) + " |" for name, line in table.items())])


def row_counts() -> dict[str, int]:
    """How many rows each table has; the audit, sessions, sign-ins and people grow by looking, the rest must not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        counts = {}
        for table in tables:
            grows = {"django_session", "accounts_activitylog", "accounts_loginhistory", "treasury_approverkey"}
            if table in grows or table.startswith(("accounts_user", "accounts_pastpassword", "account_", "mfa_")):
                continue
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            (counts[table],) = cursor.fetchone()
    return counts


def test_every_role_gets_exactly_the_pages_that_the_table_promises(
    people: dict[str, Client], committed_db: CommittedDatabase
) -> None:
    keys = everything(committed_db)
    before = row_counts()
    found = observed(people, keys)
    assert row_counts() == before, "looking around changed something"
    assert found == written(), "docs/roles.md should hold this table:\n" + as_markdown(found)


def test_the_permissions_are_as_written() -> None:
    assert written_permissions() == {role: set(names) for role, names in ROLES.items()}


def test_nobody_outside_the_staff_gets_in_anywhere(people: dict[str, Client], committed_db: CommittedDatabase) -> None:
    table = written()
    assert {name for name, line in table.items() if line["customer"] != "-"} <= {"logout"}
    assert {name for name, line in table.items() if line["nobody"] != "-"} <= {"logout"}


def test_no_role_finds_an_add_or_delete_form_but_for_staff() -> None:
    table = written()
    open_forms = {
        name
        for name, line in table.items()
        if name.endswith(("_add", "_delete")) and any(line[role] != "-" for role in ROLES)
    }
    assert open_forms == {"accounts_staffuser_add"}


def test_every_page_belongs_to_a_model_we_made_a_page_for() -> None:
    assert {model._meta.label for model in admin.site._registry if model is not Group} == {
        "accounts.ActivityLog", "accounts.Customer", "accounts.LoginHistory", "accounts.OutgoingMail",
        "accounts.StaffUser",
        "payouts.WithdrawalRequest", "treasury.Alarm", "treasury.Broadcast", "treasury.Deposit",
        "treasury.DepositAddress", "treasury.ForeignTransfer", "treasury.LedgerAccount", "treasury.LedgerTransfer",
        "treasury.NetworkState", "treasury.PaymentOrder", "treasury.SigningRecord", "treasury.Wallet",
    }  # fmt: skip


@pytest.mark.parametrize("has_factor", [True, False])
def test_without_the_second_step_no_page_opens_whatever_the_role(
    committed_db: CommittedDatabase, has_factor: bool
) -> None:
    """As with the password alone, or with a recovery code: Unfold's pages and Wagtail's."""
    keys = everything(committed_db)
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    if has_factor:
        give_app(root)
    client = Client()
    sign_in(client, root, verified=False)
    for name, route in addresses():
        if name in {"login", "logout", "jsi18n"}:
            continue
        for method in (client.get, client.post):
            answer = method(address_of(name, route, keys))
            assert (answer.status_code, answer["Location"]) == (302, "/security/"), (name, method)
    for address in ("/cms/", "/cms/pages/", "/cms/pages/add/cms/helppage/1/", "/cms/images/", "/cms/reports/locked/"):
        assert client.get(address)["Location"] == "/security/", address
    assert client.get("/admin/login/")["Location"] == "/security/"
    assert client.get("/security/").status_code == 200


def test_a_superuser_cannot_edit_money_either(committed_db: CommittedDatabase) -> None:
    keys = everything(committed_db)
    client = Client()
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    give_app(root)
    sign_in(client, root)
    for prefix, key in keys.items():
        if prefix == "accounts_staffuser":
            continue
        assert client.get(reverse(f"admin:{prefix}_add")).status_code == 403
        assert client.post(reverse(f"admin:{prefix}_delete", args=[key]), {"post": "yes"}).status_code == 403
        assert client.post(reverse(f"admin:{prefix}_change", args=[key]), {"amount_micro": 1}).status_code == 403
