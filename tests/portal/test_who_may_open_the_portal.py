"""Every address of the portal, asked for with GET and POST by everybody there is, against the table in docs/roles.md.

The owner is the customer whose withdrawal, address, session, device and factor the address names; another customer and
the staff must not even learn that they exist.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.account import urls as account_urls
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa import urls as mfa_urls
from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from accounts.links import not_me_url
from accounts.models import TrustedDevice, User, UserSession
from payouts.links import address_token, confirmation_token
from portal.views import urls as portal_urls
from tests.payouts.people import USDT, a_customer, add, ask, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import known_browser, sign_in

PAPER = Path(__file__).parents[2] / "docs" / "roles.md"
WHO = ("nobody", "owner", "another customer", "staff")
SIGN_IN = "/account/login/"
OF_THE_OWNER = (
    "withdrawal", "withdrawal_live", "withdrawal_cancel", "withdrawal_confirm", "end_session", "revoke_device",
    "rename_device", "address_confirm", "address_remove", "mfa_remove_webauthn", "mfa_edit_webauthn",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _networks(networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return networks


@pytest.fixture(autouse=True)
def _refusals_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="django.request")


def names() -> list[str]:
    """Of every page that is not staff's or content's."""

    def walk(patterns: list[Any]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name

    return list(dict.fromkeys(walk([*portal_urls.urlpatterns, *account_urls.urlpatterns, *mfa_urls.urlpatterns])))


@dataclass
class Things:
    """What one customer has that addresses name."""

    owner: User

    def __post_init__(self) -> None:
        EmailAddress.objects.create(user=self.owner, email=self.owner.email, verified=True, primary=True)
        self.withdrawal = ask(self.owner)
        self.entry = add(self.owner)
        known_browser(self.owner)
        client = Client()
        sign_in(client, self.owner)
        self.session = UserSession.objects.filter(user=self.owner).latest("id")
        self.device = TrustedDevice.objects.get(user=self.owner)

    def arguments(self) -> dict[str, Callable[[], list[Any]]]:
        row, entry = self.withdrawal, self.entry
        unproven = EmailAddress(user=self.owner, email="new@example.com")
        uid = user_pk_to_url_str(self.owner)
        return {
            "deposit_network": lambda: ["arbitrum"],
            "withdrawal": lambda: [row.public_id],
            "withdrawal_live": lambda: [row.public_id],
            "withdrawal_cancel": lambda: [row.public_id],
            "withdrawal_confirm": lambda: [confirmation_token(row)],
            "end_session": lambda: [self.session.pk],
            "revoke_device": lambda: [self.device.pk],
            "rename_device": lambda: [self.device.pk],
            "not_me": lambda: [not_me_url(user_id=self.owner.pk, about="x").rstrip("/").rpartition("/")[2]],
            "address_confirm": lambda: [address_token(entry)],
            "address_remove": lambda: [entry.public_id],
            "settings_unlock_confirm": lambda: ["made-up"],
            "account_confirm_email": lambda: [EmailConfirmationHMAC(unproven).key],
            "account_reset_password_from_key": lambda: [uid, default_token_generator.make_token(self.owner)],
            "mfa_remove_webauthn": self.key,
            "mfa_edit_webauthn": self.key,
        }

    def key(self) -> list[Any]:
        """A passkey's row, of which these pages read the name only."""
        return [Authenticator.objects.create(user=self.owner, type="webauthn", data={"name": "Key"}).pk]

    def address(self, name: str) -> str:
        given = self.arguments().get(name, list)()
        return reverse(name, args=given)


def verdict(answer: HttpResponse, word: str) -> str:
    """`word` for a page, "->" for a way on to another page, "" for a refusal or the sign-in."""
    if answer.status_code in {301, 302}:
        return "" if answer["Location"].startswith(SIGN_IN) else "->"
    return word if answer.status_code in {200, 204, 422} else ""


def observed(name: str) -> dict[str, str]:
    """What everybody gets there; the owner's POST comes last, because it may change what the others would meet."""
    things = Things(a_customer(micro=1000 * USDT))
    people = {"nobody": None, "owner": things.owner, "another customer": a_customer(), "staff": staff("support")}
    address, line, clients = things.address(name), {}, {}
    for who, person in people.items():
        clients[who] = client = Client(headers={"accept-language": "en"})
        if person is not None:
            sign_in(client, person, stepped_up=True)
        line[who] = verdict(client.get(address), "see")
    for who in ("nobody", "another customer", "staff", "owner"):
        cache.clear()  # the tries of one are not another's
        done = verdict(clients[who].post(address), "do")
        if line[who] != "->":  # a form that was sent leads on to what became of it
            done = done.replace("->", "do")
        line[who] = ", ".join(dict.fromkeys(part for part in (line[who], done) if part)) or "-"
        for method in ("put", "patch", "delete", "options"):
            assert getattr(clients[who], method)(address).status_code < 500, (name, who, method)
    return line


def written() -> dict[str, dict[str, str]]:
    """The table of docs/roles.md."""
    text = PAPER.read_text(encoding="utf-8").partition("## Every address of the portal")[2]
    table = {}
    for found in re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE):
        cells = [cell.strip() for cell in found[1].split("|")]
        table[found[0]] = dict(zip(WHO, cells, strict=True))
    return table


def test_everybody_gets_exactly_what_the_table_promises(committed_db: CommittedDatabase) -> None:
    found = {name: observed(name) for name in names()}
    paper = written()
    lines = "\n".join(f"| `{name}` | {' | '.join(line.values())} |" for name, line in found.items())
    assert found == paper, f"docs/roles.md should say:\n{lines}"
    for name in OF_THE_OWNER:  # whatever the paper says
        assert {found[name][who] for who in ("nobody", "another customer", "staff")} == {"-"}, name
