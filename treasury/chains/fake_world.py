"""The world behind `fake.FakeChain`: blocks, a pool of transactions, balances. In memory, deterministic, no Django."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from eth_hash.auto import keccak

from treasury.chains.addresses import checksummed
from treasury.chains.payloads import DecodedPayment

GENESIS_PARENT = "0x" + "0" * 64
TRANSFER_GAS = 46_000
NOOP_GAS = 21_000
REVERTED_GAS = 30_000


@dataclass(frozen=True, slots=True)
class Movement:
    """One Transfer log of any contract."""

    contract: str
    sender: str
    recipient: str
    amount_raw: int


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction: either signed bytes of ours (`payment`) or a stranger's, which is only its movements."""

    tx_hash: str
    sender: str
    movements: tuple[Movement, ...] = ()
    payment: DecodedPayment | None = None
    signed: bytes = b""

    @property
    def nonce(self) -> int:
        return self.payment.payload.nonce if self.payment else 0


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in its block. `movements` are what was logged: none if it reverted."""

    tx: Tx
    succeeded: bool
    gas_used: int
    price_wei: int
    first_log_index: int
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Balances and nonces after a block. Replaced, never changed, so that each block keeps its own."""

    nonces: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    native: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        return State(dict(self.nonces), dict(self.tokens), dict(self.native))


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    block_hash: str
    parent_hash: str
    timestamp: int
    mined: tuple[Mined, ...]
    state: State


class World:
    """A chain with a pool. `token` is its one token contract; `base_fee_wei` holds for blocks to come."""

    def __init__(self, *, token: str, base_fee_wei: int, block_seconds: int = 1) -> None:
        self.token = token
        self.base_fee_wei = base_fee_wei
        self.blocked: set[str] = set()
        self.pool: dict[tuple[str, int], Tx] = {}
        self._block_seconds = block_seconds
        self._strangers: list[Tx] = []
        self._counter = 0
        self.blocks: list[Block] = []
        self._append(())

    # --- making things happen ---

    def give(self, address: str, *, token_raw: int = 0, native_wei: int = 0) -> None:
        """Balances out of nowhere, at once, without a block."""
        states = {id(block.state): block.state for block in self.blocks}  # empty blocks share their parent's
        for held in states.values():
            held.tokens[address] = held.tokens.get(address, 0) + token_raw
            held.native[address] = held.native.get(address, 0) + native_wei

    def submit_stranger(self, movements: Iterable[Movement]) -> str:
        """A stranger's transaction with these logs, in one transaction; in the next block."""
        tx = Tx(tx_hash=self._hash(b"stranger"), sender=self._address(b"stranger"), movements=tuple(movements))
        self._strangers.append(tx)
        return tx.tx_hash

    def mine(self, blocks: int = 1) -> Block:
        """Mine; everything that can run goes into the first of them."""
        for _ in range(blocks):
            self._append(self._executable())
        return self.blocks[-1]

    def reorg(self, depth: int, *, remine: Sequence[str] = (), shifted_logs: int = 0) -> Block:
        """Replace the last `depth` blocks by `depth` others and one more.

        Strangers' transactions of the replaced blocks vanish, except those in `remine`, which stand in the first new
        block behind `shifted_logs` logs of others. Signed ones go back to the pool and are mined there, too.
        """
        if not 0 < depth < len(self.blocks):
            raise ValueError("a reorg never reaches the first block")
        replaced = self.blocks[-depth:]
        del self.blocks[-depth:]
        again = [mined.tx for block in replaced for mined in block.mined]
        for tx in again:
            if tx.payment is not None:
                self.pool.setdefault((tx.sender, tx.nonce), tx)
        if shifted_logs:
            stranger = self._address(b"shift")
            self.submit_stranger([Movement(self.token, stranger, stranger, 1)] * shifted_logs)
        self._strangers += [tx for tx in again if tx.tx_hash in remine]
        return self.mine(depth + 1)

    def forget(self, tx_hash: str) -> None:
        """A node drops a transaction from its pool."""
        self.pool = {slot: tx for slot, tx in self.pool.items() if tx.tx_hash != tx_hash}

    # --- looking ---

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def find(self, tx_hash: str) -> tuple[Block, Mined] | None:
        for block in reversed(self.blocks):
            for mined in block.mined:
                if mined.tx.tx_hash == tx_hash:
                    return block, mined
        return None

    def pending(self, tx_hash: str) -> Tx | None:
        return next((tx for tx in self.pool.values() if tx.tx_hash == tx_hash), None)

    def revert_reason(self, tx_sender: str, recipient: str, amount_raw: int, state: State) -> str:
        """Why the token refuses this transfer, "" if it does not."""
        if tx_sender in self.blocked:
            return "TetherToken: from is blocked"
        if state.tokens.get(tx_sender, 0) < amount_raw:
            return "ERC20: transfer amount exceeds balance"
        return "TetherToken: transfer to the zero address or the token" if recipient == self.token else ""

    # --- inside ---

    def _executable(self) -> list[Tx]:
        """Strangers first, then the pool: per sender in order of nonces, as far as fees and balances allow."""
        found, self._strangers = self._strangers, []
        nonces = dict(self.head.state.nonces)
        native = dict(self.head.state.native)
        for (sender, nonce), tx in sorted(self.pool.items(), key=lambda item: item[0]):
            if tx.payment is None or nonce != nonces.get(sender, 0):
                continue
            payload = tx.payment.payload
            cost = payload.worst_fee_wei + payload.value_wei
            if payload.max_fee_wei < self.base_fee_wei or native.get(sender, 0) < cost:
                continue
            nonces[sender] = nonce + 1
            native[sender] = native.get(sender, 0) - cost
            found.append(tx)
        for tx in found:
            self.pool.pop((tx.sender, tx.nonce), None)
        return found

    def _append(self, txs: Sequence[Tx]) -> None:
        number = len(self.blocks)
        parent = self.blocks[-1] if self.blocks else None
        before = parent.state if parent else State()
        state = before.copy() if txs or parent is None else before
        mined: list[Mined] = []
        log_index = 0
        for tx in txs:
            done = replace(self._execute(tx, state), first_log_index=log_index)
            log_index += len(done.movements)
            mined.append(done)
        self.blocks.append(
            Block(
                number=number,
                block_hash=self._hash(b"block", *(tx.tx_hash.encode() for tx in txs)),
                parent_hash=parent.block_hash if parent else GENESIS_PARENT,
                timestamp=(parent.timestamp if parent else 1_800_000_000) + self._block_seconds,
                mined=tuple(mined),
                state=state,
            )
        )

    def _execute(self, tx: Tx, state: State) -> Mined:
        if tx.payment is None:
            for move in tx.movements:
                if move.contract == self.token:
                    state.tokens[move.recipient] = state.tokens.get(move.recipient, 0) + move.amount_raw
            return Mined(tx, True, TRANSFER_GAS, self.base_fee_wei, 0, tx.movements)
        payload = tx.payment.payload
        price = min(payload.max_fee_wei, self.base_fee_wei + payload.max_priority_fee_wei)
        succeeded, gas, movements = self._run(tx.payment, state)
        state.nonces[tx.sender] = payload.nonce + 1
        state.native[tx.sender] = state.native.get(tx.sender, 0) - gas * price
        return Mined(tx, succeeded, gas, price, 0, movements)

    def _run(self, payment: DecodedPayment, state: State) -> tuple[bool, int, tuple[Movement, ...]]:
        payload = payment.payload
        if payment.recipient is None or payment.amount_raw is None or payload.to != self.token:
            state.native[payment.sender] = state.native.get(payment.sender, 0) - payload.value_wei
            state.native[payload.to] = state.native.get(payload.to, 0) + payload.value_wei
            return True, NOOP_GAS, ()
        if self.revert_reason(payment.sender, payment.recipient, payment.amount_raw, state):
            return False, REVERTED_GAS, ()
        state.tokens[payment.sender] -= payment.amount_raw
        state.tokens[payment.recipient] = state.tokens.get(payment.recipient, 0) + payment.amount_raw
        return True, TRANSFER_GAS, (Movement(self.token, payment.sender, payment.recipient, payment.amount_raw),)

    def _hash(self, *parts: bytes) -> str:
        self._counter += 1
        return "0x" + keccak(b"|".join((str(self._counter).encode(), *parts))).hex()

    def _address(self, name: bytes) -> str:
        return checksummed(keccak(name)[12:])
