"""A pool of signed addresses, customers who have one, and a network that is followed without any worker."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from tests.support.chains import ACCOUNTS, LocalChain
from tests.support.databases import CommittedDatabase
from tests.support.rpc_proxy import RpcProxy
from treasury import ledger, pool_signatures
from treasury.addresses import deposit_address_for
from treasury.chains import registry
from treasury.chains.addresses import checksummed, tron_address
from treasury.deposits import following
from treasury.models import Alarm, Deposit, DepositAddress

_numbers = itertools.count(1)


@dataclass
class Pool:
    """The signer's part, played by the test: it adds signed addresses as the signer's role."""

    url: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> str:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def add(self, count: int = 1, *, family: str = "evm") -> list[str]:
        """New free addresses."""
        form = tron_address if family == "tron" else checksummed
        added = [form(os.urandom(20)) for _ in range(count)]
        with psycopg.connect(self.url) as connection:
            for address in added:
                index = next(_numbers)
                message = pool_signatures.pool_message(family=family, derivation_index=index, address=address)
                connection.execute(
                    "INSERT INTO treasury_depositaddress (family, address, derivation_index, signature, created_at)"
                    " VALUES (%s, %s, %s, %s, now())",
                    [family, address, index, self.key.sign(message)],
                )
        return added


@pytest.fixture
def pool(committed_db: CommittedDatabase, settings: Settings) -> Pool:
    pool = Pool(committed_db.signer_url)
    settings.ADDRESS_POOL_PUBLIC_KEY = pool.public_key
    return pool


@dataclass(frozen=True)
class Depositor:
    """A customer with a deposit address."""

    user: User
    address: str

    @property
    def available(self) -> int:
        return ledger.balance(f"customer:{self.user.pk}:available")

    @property
    def owed(self) -> int:
        return ledger.balance(f"receivable:reorg:{self.user.pk}")

    @property
    def is_frozen(self) -> bool:
        return User.objects.get(pk=self.user.pk).profile.withdrawals_frozen_at is not None

    def spend(self, amount_micro: int) -> None:
        """A withdrawal, as far as the ledger is concerned."""
        ledger.post(
            ledger.Posting(
                key=f"test:spend:{next(_numbers)}",
                debit=f"customer:{self.user.pk}:available",
                credit="asset:arbitrum:hot",
                amount=amount_micro,
                kind="test_spend",
            )
        )


@dataclass
class Depositors:
    pool: Pool

    def new(self, family: str = "evm") -> Depositor:
        self.pool.add(family=family)
        user = User.objects.create_user(f"customer{next(_numbers)}@example.com", "a password 1")
        return Depositor(user, deposit_address_for(customer_id=user.pk, family=family))


@pytest.fixture
def depositors(pool: Pool) -> Iterator[Depositors]:
    following.forget_verified()
    yield Depositors(pool)
    following.forget_verified()


@pytest.fixture
def anna(depositors: Depositors) -> Depositor:
    return depositors.new()


@pytest.fixture
def boris(depositors: Depositors) -> Depositor:
    return depositors.new()


@pytest.fixture
def arbitrum(networks: dict[str, Any], anvil_arbitrum: LocalChain) -> LocalChain:
    """A local Arbitrum whose first account has tokens to deposit."""
    anvil_arbitrum.mint(ACCOUNTS[0], 10**9 * 10**6)
    return anvil_arbitrum


@pytest.fixture
def bsc(networks: dict[str, Any], anvil_bsc: LocalChain) -> LocalChain:
    """A local BNB Smart Chain whose first account has tokens to deposit."""
    anvil_bsc.mint(ACCOUNTS[0], 10**9 * 10**18)
    return anvil_bsc


@pytest.fixture
def proxy(arbitrum: LocalChain, networks: dict[str, Any], rpc_proxy: Callable[[str], RpcProxy]) -> RpcProxy:
    """Between the watcher and the chain."""
    between = rpc_proxy(arbitrum.url)
    networks["arbitrum"]["rpc_urls"] = [between.url]
    registry.reset()
    return between


def transfer_of(chain: LocalChain, holder: str, to: str, amount_raw: int, *, token: str = "") -> str:
    """A transfer by one of the node's own accounts; returns the hash, mined or not."""
    data = "0xa9059cbb" + to[2:].lower().zfill(64) + f"{amount_raw:064x}"
    call = {"from": holder, "to": token or chain.token, "data": data, "gas": hex(200_000), "gasPrice": hex(2 * 10**9)}
    return str(chain.call("eth_sendTransaction", call))


def raw_transaction(chain: LocalChain, tx_hash: str) -> str:
    """The signed bytes, to put a transaction into another block."""
    return str(chain.call("eth_getRawTransactionByHash", tx_hash))


def receipt_of(chain: LocalChain, tx_hash: str) -> dict[str, Any]:
    return dict(chain.call("eth_getTransactionReceipt", tx_hash))


def alarms() -> set[str]:
    """Keys of the open alarms, without what comes after the first colon."""
    return {key.split(":")[0] for key in Alarm.objects.filter(resolved_at=None).values_list("key", flat=True)}


def follow(code: str = "arbitrum") -> None:
    """What the worker does every two seconds."""
    following.follow_network(code)


def finalize(chain: LocalChain) -> None:
    """Mine until whatever is in a block now is final."""
    chain.mine(registry.network(chain.code).confirmations + 1)


def settle(chain: LocalChain) -> None:
    """Let everything that was sent be final and booked."""
    finalize(chain)
    follow(chain.code)


def only_deposit() -> Deposit:
    return Deposit.objects.select_related("deposit_address").get()


def retire(address: str) -> None:
    DepositAddress.objects.filter(address=address).update(retired_at="2026-01-01T00:00:00Z")


def check_books() -> None:
    """Every balance can be derived again from its transfers."""
    said = StringIO()
    try:
        call_command("check_ledger", stdout=said)
    except SystemExit:
        pytest.fail(said.getvalue())


@pytest.fixture(autouse=True)
def books_are_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test of a committed database."""
    uses_database = "committed_db" in request.fixturenames
    if uses_database:
        request.getfixturevalue("committed_db")
    yield
    if uses_database:
        check_books()
