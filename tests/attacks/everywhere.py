"""Every address of the site, with a person who may open it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from tests.payouts.people import USDT, a_customer, staff
from tests.portal.admin.rows import everything
from tests.portal.admin.test_who_may_open_what import address_of
from tests.portal.admin.test_who_may_open_what import addresses as staff_addresses
from tests.portal.test_who_may_open_the_portal import Things
from tests.portal.test_who_may_open_the_portal import names as portal_names
from tests.support.databases import CommittedDatabase
from tests.support.factors import sign_in

CONTENT = ("/cms/", "/cms/pages/", "/cms/account/", "/cms/users/", "/cms/reports/site-history/")


def a_person(**fields: Any) -> User:
    """A customer whose mailbox is proven."""
    user = a_customer(**fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def client_of(user: User | None = None, **options: Any) -> Client:
    """A browser in which that person has signed in, with a code of a moment ago."""
    client = Client(headers={"accept-language": "en"}, **options)
    if user is not None:
        sign_in(client, user, stepped_up=True)
    return client


def an_editor() -> User:
    """A colleague with every role there is, who edits the content too."""
    person = staff("support", "finance", "treasurer", "admin")
    person.user_permissions.set(Permission.objects.filter(content_type__app_label__startswith="wagtail"))
    return person


def of_the_portal() -> tuple[User, list[str]]:
    """A customer, and every address of the portal and of the account's pages, naming what that customer has."""
    things = Things(a_customer(micro=1000 * USDT))
    addresses = [things.address(name) for name in portal_names()]
    things.owner.authenticator_set.filter(type="webauthn").delete()  # of no make: no page can ask for it
    return things.owner, addresses


def of_the_staff(database: CommittedDatabase) -> tuple[User, list[str]]:
    """A colleague with every role, and every address of the staff site, naming a row of everything."""
    keys = everything(database)
    return an_editor(), [address_of(name, route, keys) for name, route in staff_addresses()]


def of_the_content() -> list[str]:
    """Wagtail's pages, as far as they need no number."""
    return [*CONTENT, reverse("wagtailadmin_login")]


def every_view(patterns: list[Any] | None = None, route: str = "") -> Iterator[tuple[str, Any]]:
    """(route, view) of all that the site answers."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_view(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here, pattern.callback
