"""Where blocks, receipts and the state are kept: in memory, and with a folder also in sqlite.

A block, its receipts and what it changed are written in one sqlite transaction. In WAL mode that outlives `kill -9`: at
most the block that was being written is lost.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devnet.tron import protocol
from devnet.tron.protocol import Message
from devnet.tron.state import TABLES, State, Undo

BLOCKS_IN_MEMORY = 1_000  # with a file; older ones are read back from it
BLOCKS_KEPT = 500_000  # with a file: some 17 days of 3 s
UNDO_KEPT = 1_000  # how many of the newest blocks can be looked behind or taken back

SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL,
                                   infos BLOB NOT NULL, undo BLOB);
CREATE TABLE IF NOT EXISTS transactions (txid BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transactions_number ON transactions (number);
CREATE TABLE IF NOT EXISTS state (name TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Mined:
    """One block with its receipts. `undo` leads back to the state before it."""

    number: int
    id: bytes
    time_ms: int
    message: Message
    infos: list[Message]
    undo: Undo = field(default_factory=dict)

    @property
    def hash8(self) -> bytes:
        """What a transaction names as its reference block's hash."""
        return self.id[8:16]


class Store:
    """The chain's blocks by number, id and transaction."""

    def __init__(self, folder: Path | None = None) -> None:
        self.blocks: dict[int, Mined] = {}
        self.numbers: dict[bytes, int] = {}  # block id -> number
        self.places: dict[bytes, int] = {}  # txid -> block number
        self.head = -1
        self.db: sqlite3.Connection | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(folder / "chain.sqlite", isolation_level=None)
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=OFF")  # a killed process loses nothing by it, a power cut may
            self.db.executescript(SCHEMA)

    def close(self) -> None:
        if self.db is not None:
            self.db.close()

    def saved(self) -> tuple[State, dict[str, Any]] | None:
        """The state and the facts of an earlier run, or None."""
        if self.db is None:
            return None
        (head,) = self.db.execute("SELECT max(number) FROM blocks").fetchone()
        if head is None:
            return None
        self.head = head
        tables: dict[str, dict[Any, Any]] = {name: {} for name in TABLES}
        for name, key, value in self.db.execute("SELECT name, key, value FROM state"):
            tables[name][pickle.loads(key)] = pickle.loads(value)  # noqa: S301  # our own file
        facts = {
            name: pickle.loads(value)  # noqa: S301  # our own file
            for name, value in self.db.execute("SELECT name, value FROM facts")
        }
        return State(tables), facts

    def remember(self, facts: Mapping[str, Any]) -> None:
        if self.db is not None:
            rows = [(name, pickle.dumps(value)) for name, value in facts.items()]
            self.db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def append(self, mined: Mined, state: State) -> None:
        self.blocks[mined.number] = mined
        self.numbers[mined.id] = mined.number
        for info in mined.infos:
            self.places[info.id] = mined.number
        self.head = mined.number
        if self.db is not None:
            with _Writing(self.db):
                self._write(mined)
                self._write_state(mined.undo, state)
            self._forget()
        elif (old := self.blocks.get(mined.number - UNDO_KEPT)) is not None:
            old.undo = {}

    def _write(self, mined: Mined) -> None:
        assert self.db is not None  # noqa: S101  # callers checked
        infos = pickle.dumps([info.SerializeToString() for info in mined.infos])
        body = mined.message.SerializeToString()
        row = (mined.number, mined.id, body, infos, pickle.dumps(mined.undo))
        self.db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)", row)
        self.db.executemany(
            "INSERT OR REPLACE INTO transactions VALUES (?, ?)", [(info.id, mined.number) for info in mined.infos]
        )

    def _write_state(self, changed: Iterable[tuple[str, Any]], state: State) -> None:
        assert self.db is not None  # noqa: S101  # callers checked
        for name, key in changed:
            value = state.get(name, key)
            if value is None:
                self.db.execute("DELETE FROM state WHERE name = ? AND key = ?", (name, pickle.dumps(key)))
            else:
                row = (name, pickle.dumps(key), pickle.dumps(value))
                self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", row)

    def amend(self, changed: Iterable[tuple[str, Any]], state: State) -> None:
        """After a control command changed the state beside the blocks."""
        if self.db is not None:
            with _Writing(self.db):
                self._write_state(changed, state)

    def drop_head(self, state: State) -> None:
        """Forgets the newest block, after the state has been taken back."""
        mined = self.by_number(self.head)
        assert mined is not None  # noqa: S101  # callers checked the depth
        self.blocks.pop(mined.number, None)
        self.numbers.pop(mined.id, None)
        for info in mined.infos:
            self.places.pop(info.id, None)
        self.head -= 1
        if self.db is not None:
            with _Writing(self.db):
                self.db.execute("DELETE FROM blocks WHERE number = ?", (mined.number,))
                self.db.execute("DELETE FROM transactions WHERE number = ?", (mined.number,))
                self._write_state(mined.undo, state)

    def _forget(self) -> None:
        """Keeps memory and file within bounds."""
        assert self.db is not None  # noqa: S101  # callers checked
        old = self.blocks.pop(self.head - BLOCKS_IN_MEMORY, None)
        if old is not None:
            self.numbers.pop(old.id, None)
            for info in old.infos:
                self.places.pop(info.id, None)
        if self.head % 100 == 0:
            self.db.execute(
                "UPDATE blocks SET undo = NULL WHERE number BETWEEN ? AND ?",
                (self.head - UNDO_KEPT - 200, self.head - UNDO_KEPT),
            )
            self.db.execute("DELETE FROM blocks WHERE number BETWEEN 1 AND ?", (self.head - BLOCKS_KEPT,))
            self.db.execute("DELETE FROM transactions WHERE number BETWEEN 1 AND ?", (self.head - BLOCKS_KEPT,))

    def by_number(self, number: int) -> Mined | None:
        if not 0 <= number <= self.head:
            return None
        found = self.blocks.get(number)
        if found is None and self.db is not None:
            row = self.db.execute("SELECT id, body, infos, undo FROM blocks WHERE number = ?", (number,)).fetchone()
            found = _read(number, row) if row else None
            if found is not None and number > self.head - BLOCKS_IN_MEMORY:  # after a restart
                self.blocks[number] = found
        return found

    def by_id(self, block_id: bytes) -> Mined | None:
        number = int.from_bytes(block_id[:8])
        found = self.by_number(number)
        return found if found is not None and found.id == block_id else None

    def place_of(self, txid: bytes) -> int | None:
        """The number of the block that holds a transaction."""
        number = self.places.get(txid)
        if number is None and self.db is not None:
            row = self.db.execute("SELECT number FROM transactions WHERE txid = ?", (txid,)).fetchone()
            number = row[0] if row else None
        return number

    def busy_numbers(self, *, ascending: bool) -> Iterator[int]:
        """The numbers of the blocks that hold transactions."""
        if self.db is None:
            yield from sorted(set(self.places.values()), reverse=not ascending)
            return
        order = "ASC" if ascending else "DESC"
        query = f"SELECT DISTINCT number FROM transactions ORDER BY number {order}"  # noqa: S608  # our own word
        for (number,) in self.db.execute(query):
            yield number


def _read(number: int, row: tuple[bytes, bytes, bytes, bytes | None]) -> Mined:
    block_id, body, infos, undo = row
    message = protocol.Block.FromString(body)
    return Mined(
        number=number,
        id=block_id,
        time_ms=message.block_header.raw_data.timestamp,
        message=message,
        infos=[protocol.TransactionInfo.FromString(each) for each in pickle.loads(infos)],  # noqa: S301  # our own file
        undo=pickle.loads(undo) if undo else {},  # noqa: S301  # our own file
    )


class _Writing:
    """One sqlite transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.db.execute("ROLLBACK" if kind else "COMMIT")
