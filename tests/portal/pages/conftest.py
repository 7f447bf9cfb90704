"""A customer's browser without the browser, and something for the pages to show."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from tests.payouts.people import USDT, a_customer
from tests.support.databases import CommittedDatabase
from tests.support.factors import sign_in
from tests.support.watching import Pool
from treasury.addresses import deposit_address_for
from treasury.models import Deposit, DepositAddress, NetworkState

HEAD = 10_000
SignedIn = Callable[..., Client]
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _networks(networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return networks


@pytest.fixture(autouse=True)
def _clean_cache() -> None:
    cache.clear()


@pytest.fixture
def pool(committed_db: CommittedDatabase, settings: Settings) -> Pool:
    """The signer's pool, with nothing in it."""
    pool = Pool(committed_db.signer_url)
    settings.ADDRESS_POOL_PUBLIC_KEY = pool.public_key
    return pool


@pytest.fixture
def customer(pool: Pool) -> User:
    """Has 1,000 USDT and an address."""
    user = a_customer(micro=1000 * USDT)
    pool.add(3)
    deposit_address_for(customer_id=user.pk, family="evm")
    return user


def browser_of(user: User | None = None, *, language: str = "en", **options: Any) -> Client:
    """What `user` sees; a visitor's view without one."""
    client = Client(headers={"accept-language": language}, **options)
    if user is not None:
        sign_in(client, user)
    return client


@pytest.fixture
def client(customer: User) -> Client:
    """The customer, signed in, reading English."""
    return browser_of(customer)


def heads_at(number: int) -> None:
    """Both chains have this height."""
    for code in ("arbitrum", "bsc"):
        NetworkState.objects.update_or_create(
            network=code,
            defaults={
                "scanned_number": number, "scanned_hash": "0x" + "1" * 64, "head_number": number,
                "head_seen_at": timezone.now(), "finalized_number": number - 3,
            },
        )  # fmt: skip


def a_deposit(user: User, *, micro: int = 100 * USDT, network: str = "arbitrum", **fields: Any) -> Deposit:
    """A transfer to the customer's address, as the watcher would have stored it."""
    at = timezone.now()
    given: dict[str, Any] = {
        "network": network,
        "tx_hash": "0x" + secrets.token_hex(32),
        "ordinal": 0,
        "block_number": HEAD,
        "block_hash": "0x" + "2" * 64,
        "log_index": next(_numbers),
        "deposit_address": DepositAddress.objects.get(customer=user),
        "sender": "0x" + "3" * 40,
        "amount_raw": micro,
        "amount_micro": micro,
        "state": "seen",
    }
    given |= fields
    if given["state"] == "credited":
        given |= {"confirmed_at": at, "credited_at": at}
    return Deposit.objects.create(**given)
