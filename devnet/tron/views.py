"""What a question sees: the pending state, the solid one, or any other height that the node pretends to stand at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devnet.tron.accounts import Reader
from devnet.tron.actuators import Head
from devnet.tron.chain import Chain, with_result
from devnet.tron.protocol import Message
from devnet.tron.store import Mined


@dataclass(frozen=True)
class View:
    """`number` is the newest block that can be seen; `pending` adds the waiting transactions."""

    chain: Chain
    number: int
    pending: bool

    @property
    def state(self) -> Reader:
        return self.chain.state if self.pending else self.chain.at(self.number)

    def keys(self, table: str) -> list[Any]:
        """Every key of one of the state's tables."""
        return list(self.chain.state.tables[table] if self.pending else self.chain.at(self.number).keys(table))

    @property
    def newest(self) -> Mined:
        found = self.chain.store.by_number(self.number)
        assert found is not None  # noqa: S101  # it is not above the head
        return found

    @property
    def solid_number(self) -> int:
        return max(0, self.number - self.chain.settings.solid_lag) if self.pending else self.number

    @property
    def head(self) -> Head:
        return Head(self.number, self.newest.time_ms)

    def block(self, number: int) -> Mined | None:
        return self.chain.store.by_number(number) if 0 <= number <= self.number else None

    def block_by_id(self, block_id: bytes) -> Mined | None:
        found = self.chain.store.by_id(block_id)
        return found if found is not None and found.number <= self.number else None

    def transaction(self, txid: bytes) -> Message | None:
        """From a block, or with `pending` from the pool."""
        mined = self._holding(txid)
        if mined is not None:
            for info, message in zip(mined.infos, mined.message.transactions, strict=True):
                if info.id == txid:
                    return message
        pooled = self.chain.pool.get(txid) if self.pending else None
        return with_result(pooled.tx, pooled.done) if pooled else None

    def info(self, txid: bytes) -> Message | None:
        """Its receipt; there is none before it is in a block."""
        mined = self._holding(txid)
        return next((info for info in mined.infos if info.id == txid), None) if mined is not None else None

    def _holding(self, txid: bytes) -> Mined | None:
        number = self.chain.store.place_of(txid)
        return self.block(number) if number is not None else None
