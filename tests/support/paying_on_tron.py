"""The parts around a payment on the local TRON chain, as `paying` has them for EVM chains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.support.paying import Desk, Signer
from tests.support.tron import TRX, LocalTron
from treasury import broadcasts, signing
from treasury.chains import registry
from treasury.chains.addresses import tron_address
from treasury.chains.ports import EveryAddress
from treasury.models import Broadcast
from treasury.opening import book_opening_balances

MICRO = 1_000_000
SOLID_LAG = 18


@dataclass
class TronDesk(Desk):
    """Payments on TRON, step by step. The hot wallet is known and funded."""

    chain: LocalTron  # type: ignore[assignment]  # another node with the same few methods
    solid_lag: int = SOLID_LAG

    @staticmethod
    def new_address() -> str:
        return tron_address(os.urandom(20))

    def make_final(self) -> None:
        self.chain.mine(self.solid_lag + 1)

    def send(self) -> None:
        broadcasts.send_broadcasts(self.code)

    def confirm(self) -> int:
        return broadcasts.confirm_broadcasts(self.code)

    def transfers_to(self, address: str) -> list[int]:
        """Amounts, in raw units, of every Transfer of the token to the address on the whole chain."""
        chain = registry.adapter(self.code)
        ranges = chain.scan(1, chain.head().number, EveryAddress())
        return [each.amount_raw for found in ranges for each in found.transfers if each.recipient == address]

    def let_expire(self) -> None:
        """So much time passes on the chain that whatever is signed now is dead, and proven to be."""
        self.chain.control("travel", seconds=registry.network(self.code).expiration_seconds + 10)
        self.make_final()

    def sign_later(self) -> signing.SigningResult:
        """The signer, when its own clock has passed what expired, too."""
        ahead = timezone.now() + timedelta(seconds=registry.network(self.code).expiration_seconds + 120)
        with time_machine.travel(ahead, tick=True):
            return self.signer.sign()


def last_attempt(desk: Desk) -> Broadcast:
    """The newest broadcast of all."""
    return Broadcast.objects.order_by("-pk")[0]


@pytest.fixture
def solid_lag() -> int:
    """How many blocks behind the head the desk's chain is solid. A module may have another one."""
    return SOLID_LAG


@pytest.fixture
def tron_desk(
    tron: LocalTron, networks: dict[str, dict[str, Any]], signer: Signer, solid_lag: int
) -> Iterator[TronDesk]:
    """Payments on a new local TRON chain, two solid blocks old, whose blocks follow at once on what is sent."""
    networks["tron"]["block_seconds"] = 0.000_001
    if solid_lag != SOLID_LAG:
        tron.reset(solid_lag=solid_lag)
    with signer.role():
        signing.ensure_wallets()
    desk = TronDesk(chain=tron, signer=signer, code="tron", solid_lag=solid_lag)
    tron.fund(desk.wallet.address, 100_000 * TRX)
    tron.mint(desk.wallet.address, 1_000_000 * MICRO)
    tron.mine(solid_lag + 2)
    book_opening_balances(network="tron")
    yield desk
    tron.control("clear_faults")
