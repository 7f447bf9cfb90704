"""Paying in tests: orders with evidence, the signer in this process under its own role, and what the chain shows."""

from __future__ import annotations

import io
import itertools
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from tests.support.approvers import PHRASE, evidence_of_number, introduce_number
from tests.support.chains import ACCOUNTS, LocalChain
from tests.support.databases import CommittedDatabase
from tests.support.sessions import ended_sessions
from treasury import broadcasts, failpoints, orders, signing
from treasury.chains import registry
from treasury.chains.addresses import checksummed
from treasury.keys.keystore import KeystoreFile
from treasury.models import Broadcast, PaymentOrder, Wallet
from treasury.opening import book_opening_balances

PASSPHRASE = "correct horse battery staple"
MICRO = 1_000_000
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_references = itertools.count(1)


@contextmanager
def as_role(url: str) -> Iterator[None]:
    """Django's connection is that of another database role while the block runs."""
    parts = urlsplit(url)
    settings = connections.settings["default"]
    own = {key: settings[key] for key in ("USER", "PASSWORD")}
    connections.close_all()
    settings |= {"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")}
    try:
        yield
    finally:
        connections.close_all()
        settings |= own


def new_address() -> str:
    """Somebody's address, never seen before."""
    return checksummed(os.urandom(20))


@dataclass
class Signer:
    """The signer, run in this process with its settings and under its database role."""

    url: str
    settings: Settings

    @contextmanager
    def role(self) -> Iterator[None]:
        with as_role(self.url):
            yield

    def sign(self, *, limit: int = 500) -> signing.SigningResult:
        with self.role():
            return signing.sign_broadcasts(limit=limit)


@dataclass
class Desk:
    """One network's payments, step by step. The hot wallet is known and funded."""

    chain: LocalChain
    signer: Signer
    code: str
    paid_to: list[tuple[str, int]] = field(default_factory=list)

    @staticmethod
    def new_address() -> str:
        """Somebody's address, never seen before."""
        return new_address()

    @property
    def wallet(self) -> Wallet:
        return Wallet.objects.get(network=self.code, role="hot")

    def request(
        self,
        amount_micro: int,
        to: str = "",
        *,
        approvers: Sequence[int] = (101,),
        required: int = 1,
        reference: str = "",
    ) -> orders.OrderRequest:
        """A request with honest evidence."""
        to, reference = to or self.new_address(), reference or f"withdrawal:{next(_references)}"
        digest = orders.approval_digest(
            reference=reference, revision=1, network=self.code, address=to, amount_micro=amount_micro
        )
        return orders.OrderRequest(
            reference=reference, network=self.code, address=to, amount_micro=amount_micro, revision=1,
            approvals_required=required,
            approvals=[self.approval(who, digest) for who in approvers],
        )  # fmt: skip

    def approval(self, approver_id: int, digest: str) -> orders.Approval:
        """The yes of somebody whom the signer knows."""
        introduce_number(approver_id, url=self.signer.url)
        return orders.Approval(
            approver_id,
            f"p{approver_id}@example.test",
            timezone.now(),
            1,
            digest,
            evidence_of_number(approver_id, digest),
        )

    def order(self, amount_micro: int = 5 * MICRO, to: str = "", **evidence: object) -> PaymentOrder:
        """Open one order."""
        return self.order_many([self.request(amount_micro, to, **evidence)])[0]  # type: ignore[arg-type]  # see request

    def order_many(self, requests: Sequence[orders.OrderRequest]) -> list[PaymentOrder]:
        with transaction.atomic():
            ids = orders.open_orders(requests)
        self.paid_to += [(request.address, request.amount_micro) for request in requests]
        return [PaymentOrder.objects.get(pk=pk) for pk in ids]

    def advance(self) -> None:
        broadcasts.advance_payments(self.code)

    def reserve_and_sign(self) -> None:
        broadcasts.reserve_broadcasts(self.code)
        self.signer.sign()

    def make_final(self) -> None:
        """Enough blocks on top of whatever is mined."""
        self.chain.mine(registry.network(self.code).confirmations + 1)

    def pay_all(self, *, advance: Callable[[], object] | None = None, seconds: float = 40.0) -> None:
        """Until no order is open. A busy node may strand a transaction, which is sent again after some seconds.

        `advance`: how the payments are taken further, if not once by this thread.
        """
        advance = advance or self.advance
        deadline = time.monotonic() + seconds
        for round_number in itertools.count(1):
            advance()
            self.signer.sign()
            advance()
            self.make_final()
            advance()
            if not PaymentOrder.objects.filter(network=self.code, state="open").exists():
                return
            if time.monotonic() > deadline:
                break
            if round_number > 5:
                time.sleep(0.3)
        raise AssertionError(f"still open: {list(PaymentOrder.objects.filter(state='open').values())}")

    def transfers_to(self, address: str) -> list[int]:
        """Amounts, in raw units, of every Transfer of the token to the address on the whole chain."""
        logs = self.chain.call(
            "eth_getLogs",
            {
                "fromBlock": "0x0", "toBlock": "latest", "address": self.chain.token,
                "topics": [TRANSFER, None, "0x" + address[2:].lower().zfill(64)],
            },
        )  # fmt: skip
        return [int(log["data"], 16) for log in logs]

    def assert_each_paid_once(self) -> None:
        """On the chain: exactly one transfer of the exact amount to each recipient ordered; and the books agree."""
        network = registry.network(self.code)
        for address, amount_micro in self.paid_to:
            assert self.transfers_to(address) == [network.micro_to_raw(amount_micro)]
        assert_ledger_clean()

    def attempts(self, order: PaymentOrder) -> list[Broadcast]:
        return list(Broadcast.objects.filter(order=order).order_by("attempt"))

    def state(self, order: PaymentOrder) -> str:
        return PaymentOrder.objects.get(pk=order.pk).state


def assert_ledger_clean() -> None:
    """Every balance is what its transfers make it."""
    call_command("check_ledger", verbosity=0, stdout=io.StringIO())


@pytest.fixture(scope="session")
def keystore_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keystore whose passphrase is quickly tried; of the same phrase for all tests."""
    path = tmp_path_factory.mktemp("keys") / "keystore.json"
    KeystoreFile(path).create(PASSPHRASE, phrase=PHRASE, scrypt_n=2**4)
    return path


@pytest.fixture
def signer(committed_db: CommittedDatabase, keystore_file: Path, settings: Settings, tmp_path: Path) -> Signer:
    """The signer's settings and role; the pool's public key is its own."""
    settings.SIGNER_KEYSTORE_FILE = str(keystore_file)
    settings.SIGNER_PASSPHRASE = PASSPHRASE
    settings.SIGNER_MEMORY_FILE = str(tmp_path / "signed.json")  # the keystore is of all tests, the database of one
    settings.SIGNER_PAYMENT_CAP_MICRO = 50_000 * MICRO
    settings.SIGNER_DAILY_CAP_MICRO = 500_000 * MICRO
    settings.SIGNER_DESTINATION_DAILY_CAP_MICRO = 100_000 * MICRO
    settings.SIGNER_FOUR_EYES_FROM_MICRO = 1_000 * MICRO
    settings.SIGNER_ADDRESS_POOL_BATCH = 20
    settings.ADDRESS_POOL_PUBLIC_KEY = KeystoreFile(keystore_file).pool_public_key()
    return Signer(committed_db.signer_url, settings)


def _desk(chain: LocalChain, signer: Signer) -> Desk:
    with signer.role():
        signing.ensure_wallets()
    desk = Desk(chain=chain, signer=signer, code=chain.code)
    amount_raw = registry.network(chain.code).micro_to_raw(1_000_000 * MICRO)
    # mint(address,uint256) without web3, whose import takes longer than all the rest of this
    data = "0x40c10f19" + desk.wallet.address[2:].lower().zfill(64) + f"{amount_raw:064x}"
    chain.call("eth_sendTransaction", {"from": ACCOUNTS[0], "to": chain.token, "data": data, "gasPrice": hex(10**9)})
    chain.give_gas(desk.wallet.address, 100 * 10**18)
    book_opening_balances(network=chain.code)
    return desk


@pytest.fixture
def desk(anvil_arbitrum: LocalChain, networks: object, signer: Signer) -> Desk:
    """Payments on a new local Arbitrum."""
    return _desk(anvil_arbitrum, signer)


@pytest.fixture
def bsc_desk(anvil_bsc: LocalChain, networks: object, signer: Signer) -> Desk:
    """Payments on a new local BNB Smart Chain."""
    return _desk(anvil_bsc, signer)


def run_until_killed_or_done(action: Callable[[], object], *, faults: str = "") -> bool:
    """Run `action` in a process of its own, with these failpoints armed; True if SIGKILL ended it.

    A fork of this one, because starting Python and Django anew takes seconds; its connections are its own. Returns
    when the server has noticed that the process is gone, and freed its locks: what comes next would rightly pass by.
    """
    with ended_sessions():
        connections.close_all()
        return _run_fork(action, faults)


def _run_fork(action: Callable[[], object], faults: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses none of the parent's threads
        child = multiprocessing.get_context("fork").Process(target=_run_armed, args=(action, faults))
        child.start()
    child.join(60)
    if child.is_alive():
        child.kill()
        raise AssertionError("the process hangs")
    assert child.exitcode in (0, -signal.SIGKILL), f"the process ended with {child.exitcode}"
    return child.exitcode == -signal.SIGKILL


def _run_armed(action: Callable[[], object], faults: str) -> None:
    registry.reset()  # sockets of the parent
    django_settings.FAILPOINTS = faults
    failpoints.reset_passes()
    action()
    connections.close_all()
