"""Two networks, a clean cache, and a signed-in browser-less client for each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.payouts.people import staff
from tests.support.factors import sign_in

SignedIn = Callable[..., tuple[Client, User]]


@pytest.fixture(autouse=True)
def _networks(networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return networks


@pytest.fixture(autouse=True)
def _clean_cache() -> None:
    cache.clear()


@pytest.fixture
def signed_in() -> SignedIn:
    """`signed_in("support")` is a client of a new member of the staff with these roles, and who it is.

    `stepped_up`: who has proven just now that it is them.
    """

    def make(*roles: str, user: User | None = None, stepped_up: bool = False) -> tuple[Client, User]:
        person = user or staff(*roles)
        client = Client(headers={"accept-language": "en"})
        sign_in(client, person, stepped_up=stepped_up)
        return client, person

    return make
