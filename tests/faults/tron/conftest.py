"""Deposits on the local TRON chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.tron import LocalTron
from tests.support.watching import Depositor, Depositors, depositors, pool
from treasury.chains import registry
from treasury.deposits import following

__all__ = ["depositors", "pool"]


@dataclass
class Watch:
    """A customer with an address on TRON, and the chain."""

    chain: LocalTron
    anna: Depositor

    def follow(self) -> None:
        """What the worker does every two seconds."""
        following.follow_network("tron")

    def settle(self) -> None:
        """Let everything that was sent be solid and booked."""
        self.chain.mine(19)
        self.follow()


@pytest.fixture
def watch(tron: LocalTron, networks: dict[str, object], depositors: Depositors) -> Iterator[Watch]:
    watch = Watch(tron, depositors.new("tron"))
    tron.mine(20)
    watch.follow()
    yield watch
    tron.control("clear_faults")
    registry.reset()
