"""The chain: its state, the pool of waiting transactions, and what puts them into blocks.

framework/src/main/java/org/tron/core/db/Manager.java of java-tron: a broadcast transaction is executed on top of the
pending state at once, and again when its block is made.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from devnet.tron.actuators import Head
from devnet.tron.blocks import make_block, witnesses
from devnet.tron.contracts import RESULT_NUMBERS
from devnet.tron.errors import DupTransactionError, Refused, TaposError, TransactionExistsError
from devnet.tron.execution import Executed, execute
from devnet.tron.genesis import DEFAULT_SEED, make_genesis
from devnet.tron.machine import Block
from devnet.tron.protocol import Message
from devnet.tron.state import Earlier, State, Undo
from devnet.tron.store import UNDO_KEPT, Mined, Store
from devnet.tron.transactions import Tx, check_common, check_signature, check_signature_sizes

SOLID_LAG = 18  # the newest block that more than two thirds of 27 witnesses have built on
RECENT = 65_536  # how many blocks a reference block can lie behind: two bytes of its number

AfterReorg = Literal["pool", "drop", "shuffle"]


@dataclass(frozen=True)
class Settings:
    """`block_ms` 0: blocks are made only when asked for. `name` makes a network of its own."""

    block_ms: int = 3_000
    solid_lag: int = SOLID_LAG
    seed: str = DEFAULT_SEED
    name: str = "exchequer-local"
    remembers_ids: bool = False  # node.rpc.trxCacheEnable: refuse an id that was broadcast here, even if it failed


@dataclass
class Pooled:
    tx: Tx
    done: Executed


@dataclass
class Chain:
    """One chain. Not for several threads."""

    settings: Settings
    store: Store
    state: State = field(init=False)
    head: Mined = field(init=False)
    pool: dict[bytes, Pooled] = field(default_factory=dict)
    offset_ms: int = 0  # the chain's clock minus this machine's
    holding: bool = False  # transactions are taken but not put into blocks
    held: set[bytes] = field(default_factory=set)
    fork: int = 0  # how many reorgs there were: other witnesses sign then
    known_ids: set[bytes] = field(default_factory=set)
    last_timestamp: int = 0
    automine: bool = False  # each transaction gets a block of its own at once
    busy: tuple[str, str] | None = None  # code and text of what every broadcast is answered with
    busy_count: int | None = None  # how many more; None: until it is switched off
    listeners: list[Callable[[Mined], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        saved = self.store.saved()
        if saved is None:
            self.state, genesis = make_genesis(self.settings.seed, self.settings.name)
            genesis.undo = {(name, key): None for name, rows in self.state.tables.items() for key in rows}
            self.store.append(genesis, self.state)
            self.store.remember({"name": self.settings.name, "seed": self.settings.seed})
            self.head = genesis
            self._start_pending()
            self.mine()
        else:
            self.state, facts = saved
            self.settings = replace(self.settings, name=facts["name"], seed=facts["seed"])
            self.offset_ms, self.fork = facts.get("offset_ms", 0), facts.get("fork", 0)
            head = self.store.by_number(self.store.head)
            assert head is not None  # noqa: S101  # the store said so
            self.head = head
            self._start_pending()

    # --- time

    def now_ms(self) -> int:
        """The chain's clock."""
        return int(time.time() * 1000) + self.offset_ms

    def next_timestamp(self) -> int:
        """For the node's own transactions, in ms: two equal ones within a millisecond have to differ."""
        self.last_timestamp = max(self.last_timestamp + 1, self.now_ms())
        return self.last_timestamp

    def travel(self, ms: int) -> None:
        """Sets the chain's clock forward; blocks from now on bear the later time."""
        self.offset_ms += ms
        self.store.remember({"offset_ms": self.offset_ms})

    # --- reading

    @property
    def solid_number(self) -> int:
        return max(0, self.head.number - self.settings.solid_lag)

    @property
    def genesis_id(self) -> bytes:
        genesis = self.store.by_number(0)
        assert genesis is not None  # noqa: S101  # never forgotten
        return genesis.id

    def at(self, number: int) -> Earlier:
        """The state after block `number`, one of the newest."""
        if self.head.number - number >= UNDO_KEPT:
            raise ValueError(f"what was before block {number + UNDO_KEPT} is forgotten")
        undos: list[Undo] = []
        for later in range(number + 1, self.head.number + 1):
            mined = self.store.by_number(later)
            assert mined is not None  # noqa: S101  # they are all there up to the head
            undos.append(mined.undo)
        return Earlier(self.state, [*undos, *self.state.scopes])

    def head_facts(self) -> Head:
        return Head(self.head.number, self.head.time_ms)

    def next_block(self, time_ms: int | None = None) -> Block:
        """What the next block will say of itself."""
        number = self.head.number + 1
        return Block(
            number=number,
            time_ms=time_ms if time_ms is not None else max(self.now_ms(), self.head.time_ms + 1),
            witness=self._witness(number).address,
            chain_id=self.genesis_id,
            id_of=self._id_of,
        )

    def _id_of(self, number: int) -> bytes:
        mined = self.store.by_number(number)
        return mined.id if mined is not None else bytes(32)

    def _witness(self, number: int) -> Any:
        keys = witnesses(self.settings.seed)
        return keys[(number + self.fork) % len(keys)]

    # --- taking transactions

    def is_busy(self) -> tuple[str, str] | None:
        """Code and text of the answer to a broadcast that the node was told to refuse."""
        found = self.busy
        if found is not None and self.busy_count is not None:
            self.busy_count -= 1
            if self.busy_count <= 0:
                self.busy = self.busy_count = None
        return found

    def broadcast(self, message: Message) -> Tx:
        """Checks and executes a transaction on the pending state, and pools it. Raises `Refused`."""
        check_signature_sizes(message)
        tx = Tx.of(message)
        if self.settings.remembers_ids:
            if tx.txid in self.known_ids:
                raise TransactionExistsError("Transaction already exists.")
            self.known_ids.add(tx.txid)
        check_signature(tx)
        self._push(tx)
        if self.automine:
            self.mine()
        return tx

    def _push(self, tx: Tx) -> None:
        self._check_reference(tx)
        check_common(tx, self.head.time_ms)
        if tx.txid in self.pool or self.store.place_of(tx.txid) is not None:
            raise DupTransactionError(f"dup trans, {tx.txid.hex()}")
        block = self.next_block()
        done = self._attempt(tx, self.head_facts(), block)
        self.pool[tx.txid] = Pooled(tx, done)

    def _attempt(self, tx: Tx, head: Head, block: Block) -> Executed:
        """Executes; a refusal leaves no trace."""
        depth = self.state.begin()
        try:
            done = execute(self.state, tx, head, block)
        except BaseException:
            self.state.rollback_to(depth)
            raise
        self.state.commit()
        return done

    def _check_reference(self, tx: Tx) -> None:
        """TAPOS: the newest block with these two bytes of number must have this hash."""
        low, wanted = bytes(tx.raw.ref_block_bytes), bytes(tx.raw.ref_block_hash)
        number = self.head.number - (self.head.number - int.from_bytes(low)) % RECENT
        mined = self.store.by_number(number) if len(low) == 2 and number >= 0 else None
        if mined is None or mined.hash8 != wanted:
            raise TaposError(
                f"Tapos failed, different block hash, {low.hex()}, {wanted.hex()} , "
                f"solid block {self.solid_number} head block {self.head.number}"
            )

    def _start_pending(self) -> None:
        self.state.begin()

    def _renew_pending(self) -> None:
        """Executes what still waits on top of the new head; what no longer fits is gone, as in java-tron."""
        waiting = [each.tx for each in self.pool.values()]
        self.pool = {}
        self._start_pending()
        for tx in waiting:
            try:
                self._push(tx)
            except Refused:
                self.held.discard(tx.txid)

    def drop_from_pool(self, txids: Iterable[bytes] | None = None) -> list[bytes]:
        """Forgets waiting transactions, all of them by default; returns which."""
        chosen = [each for each in (list(self.pool) if txids is None else txids) if each in self.pool]
        for txid in chosen:
            del self.pool[txid]
            self.held.discard(txid)
        self.state.rollback()
        self._renew_pending()
        return chosen

    # --- making blocks

    def mine(self, *, seconds: float | None = None, only: Sequence[bytes] | None = None) -> Mined:
        """The next block, of what waits. `seconds` after the last one, or now.

        `only`: these transactions, in this order, and no others.
        """
        time_ms = None if seconds is None else self.head.time_ms + max(1, round(seconds * 1000))
        block = self.next_block(time_ms)
        if seconds is not None and block.time_ms > self.now_ms():
            self.travel(block.time_ms - self.now_ms())
        chosen = self._chosen(only)
        self.state.rollback()
        self.state.begin()
        included, infos = self._include(chosen, block)
        mined = make_block(
            number=block.number,
            parent=self.head.id,
            time_ms=block.time_ms,
            witness=self._witness(block.number),
            transactions=included,
            infos=infos,
        )
        mined.undo = self.state.commit()
        self.store.append(mined, self.state)
        self.head = mined
        self._renew_pending()
        for each in self.listeners:
            each(mined)
        return mined

    def _chosen(self, only: Sequence[bytes] | None) -> list[Tx]:
        if only is not None:
            return [self.pool[txid].tx for txid in only if txid in self.pool]
        if self.holding:
            return []
        return [each.tx for txid, each in self.pool.items() if txid not in self.held]

    def _include(self, chosen: Sequence[Tx], block: Block) -> tuple[list[Message], list[Message]]:
        """Executes the chosen ones for good. What is refused now leaves the pool without a trace."""
        messages, infos = [], []
        head = self.head_facts()
        for tx in chosen:
            del self.pool[tx.txid]
            try:
                check_common(tx, head.time_ms)
                done = self._attempt(tx, head, block)
            except Refused:
                continue
            except Exception:  # noqa: BLE001  # a bug of this node must not end its chain
                traceback.print_exc()
                continue
            messages.append(with_result(tx, done))
            infos.append(done.info)
        return messages, infos

    # --- what control commands do

    def amend(self, changes: Mapping[tuple[str, Any], Any]) -> None:
        """Changes the state as if it had always been so: no reorg takes it back. Waiting transactions run anew."""
        self.state.rollback()
        for (table, key), value in changes.items():
            self.state.put(table, key, value)
        self.store.amend(changes, self.state)
        self._renew_pending()

    def reorg(self, depth: int, *, then: AfterReorg = "pool", blocks: int | None = None, seed: int = 0) -> list[bytes]:
        """Takes back `depth` blocks and puts `blocks` others (one more by default) in their place.

        Their transactions wait in the pool again, are forgotten, or are put into the first new block in another order.
        Returns the transactions of the blocks that were taken back.
        """
        most = min(self.head.number, UNDO_KEPT) - 1
        if not 0 < depth <= most:
            raise ValueError(f"depth {depth}: only the {most} newest blocks can be taken back")
        taken = self._take_back(depth)
        self.fork += 1
        self.store.remember({"fork": self.fork})
        waiting = {tx.txid: tx for tx in taken} if then != "drop" else {}
        waiting |= {txid: each.tx for txid, each in self.pool.items()}
        self.pool = {}
        self._start_pending()
        for tx in waiting.values():
            try:
                self._push(tx)
            except Refused:
                continue
        order = [tx.txid for tx in taken]
        random.Random(seed).shuffle(order)  # noqa: S311  # not a secret
        if order == [tx.txid for tx in taken]:
            order.reverse()
        for index in range(blocks if blocks is not None else depth + 1):
            self.mine(only=order if then == "shuffle" and index == 0 else [])
        return [tx.txid for tx in taken]

    def _take_back(self, depth: int) -> list[Tx]:
        """Undoes blocks; returns their transactions, oldest first."""
        self.state.rollback()
        taken: list[Tx] = []
        for _ in range(depth):
            mined = self.head
            self.state.take_back(mined.undo)
            self.store.drop_head(self.state)
            taken[:0] = [Tx.of(_copy(each)) for each in mined.message.transactions]
            before = self.store.by_number(mined.number - 1)
            assert before is not None  # noqa: S101  # depth was checked
            self.head = before
        return taken


def with_result(tx: Tx, done: Executed) -> Message:
    """The transaction as blocks and `gettransactionbyid` show it."""
    shown = _copy(tx.message)
    shown.ret.add(contractRet=RESULT_NUMBERS[done.result])
    return shown


def _copy(message: Message) -> Message:
    made = type(message)()
    made.CopyFrom(message)
    return made
