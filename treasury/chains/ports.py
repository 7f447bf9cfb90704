"""What the rest of the treasury may ask of a chain: the contract that every adapter and the fake keep.

`ChainAdapter` is what all families share: reading deposits, sending bytes, learning what became of them, health. What
decides *which* bytes make a payment differs: `NonceChain` (EVM: one transaction per nonce) and `ExpiringChain` (TRON:
no nonce; a transaction dies by its expiration).

Pure: imports neither Django nor an SDK. `tests/contracts/` runs one suite over every implementation.

Forms used everywhere:

* transaction and block hashes: `str`, 64 lower-case hex digits, on EVM networks with "0x" in front;
* addresses: `str` in the network's canonical form (EVM: EIP-55 checksummed, TRON: base58check), as
  `addresses.parse_address` returns it; only `AddressFilter` sees raw forms, for speed;
* token amounts: `int` in the token's raw unit (`amount_raw`; 10^-6 or 10^-18), see `Network.raw_to_micro`;
* native amounts and fees: `int` in the smallest unit of the native coin (wei, sun): `_native`, or by that unit's name.

Every method may raise the typed errors of `errors.py`. No method holds a lock or a transaction; none may be called
within a database transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from treasury.chains.addresses import family_of, raw_account
from treasury.chains.errors import ChainError

type BlockTag = Literal["latest", "pending", "finalized"] | int
"""A height, or the node's view: `finalized` means final by the *network's policy* (tag or depth), not just the tag."""


# --- blocks and deposits --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block. `timestamp` is in seconds since the epoch, as the chain has it."""

    number: int
    block_hash: str
    parent_hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One Transfer log of *the* token contract.

    `ordinal` is the log's position (from 0) among all Transfer logs of the token within its transaction, ours or not,
    value 0 included. `log_index` is its position among all logs, as the network counts them: on EVM networks in the
    block, so that it changes when the transaction is mined again, on TRON in the transaction.

    The ordinal is only as good as the node's list of logs: a node that drops a log shifts the ordinals behind it.
    Before money is credited compare with `PaymentSender.receipts`, whose transfers come from the whole receipt.
    """

    tx_hash: str
    ordinal: int
    log_index: int
    block_number: int
    block_hash: str
    contract: str
    sender: str
    recipient: str
    amount_raw: int


@dataclass(frozen=True, slots=True)
class ForeignTransfer:
    """A Transfer log of some other contract than the token: a look-alike, or simply another coin. Never credited."""

    tx_hash: str
    log_index: int
    block_number: int
    block_hash: str
    contract: str
    sender: str
    recipient: str
    amount_raw: int


RECIPIENT_DIGITS = 40
"""Hex digits of a recipient, as an AddressFilter is given them."""


class AddressFilter(Protocol):
    """Which recipients may be ours. May say yes too often (a bitmap does), never no to an address of ours."""

    def pick(self, recipients: bytes) -> Sequence[int]:
        """Positions of the recipients that may be ours, ascending.

        `recipients`: 40 lower-case hex digits each, as ASCII bytes, without "0x", one after the other. Called once per
        range with all of the range's recipients (50,000 and more), so implementations work on all of them at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class ScannedRange:
    """One range, read completely from one endpoint which had every block of it, with what others show beside it.

    `before` is the block in front of `first_block` as *that endpoint* sees it (None if `first_block` is 0), `last` the
    last block of the range. Compare `before.block_hash` with the cursor's: if they differ the chain reorganised (or the
    endpoint is on another fork) and nothing of this range may be stored before the cursor was rewound.
    """

    first_block: int
    last: BlockRef
    before: BlockRef | None
    transfers: tuple[Transfer, ...]
    logs_seen: int


class DepositSource(Protocol):
    """Reading a network for the watcher."""

    def head(self) -> BlockRef:
        """The newest block of a healthy endpoint."""
        ...

    def finalized(self) -> BlockRef:
        """The newest block that is final by the network's policy: the node's tag, or `confirmations` below the head.

        With depth 5 the block at head - 5 is final, that is: it has five blocks on top of it.
        """
        ...

    def block(self, number: int) -> BlockRef | None:
        """The canonical block at this height, None if the chain is not that high."""
        ...

    def transfers(self, first_block: int, last_block: int, wanted: AddressFilter) -> ScannedRange:
        """Transfers of the token in the inclusive range whose recipient `wanted` picks, in chain order.

        Raises RangeRefused (halve it), BlockNotAvailable (no endpoint has `last_block`, or not all of its receipts),
        ReorgInFlight (ask again). The number of requests does not depend on the number of addresses.
        """
        ...

    def scan(self, first_block: int, last_block: int, wanted: AddressFilter) -> Iterator[ScannedRange]:
        """The same over any length: consecutive ranges of at most `scan_max_blocks`, halved where the node refuses.

        Lazy: nothing is read until the next range is asked for, so commit each range (with the cursor) before taking
        the next. Raises RangeRefused only if a single block is refused; what was yielded before stays valid.
        """
        ...

    def foreign_transfers(
        self, first_block: int, last_block: int, recipients: Sequence[str]
    ) -> tuple[ForeignTransfer, ...]:
        """ERC-20-shaped Transfers of any contract *other than* the token to one of `recipients`, chain order.

        For look-alike tokens. At most `MAX_FOREIGN_RECIPIENTS` recipients; bounded like `transfers`, not complete by
        contract: a node may drop logs, and nothing is ever credited from this.
        """
        ...

    def token_balance(self, address: str) -> int:
        """Raw token units that the address holds at the head."""
        ...


MAX_FOREIGN_RECIPIENTS = 500


# --- payments -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees per gas in wei for a type-2 transaction. `base_fee_wei` is the newest block's, 0 where there is none."""

    max_fee_wei: int
    max_priority_fee_wei: int
    base_fee_wei: int


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call for `estimate_gas_many`. `data` is calldata."""

    sender: str
    to: str
    data: bytes = b""
    value_wei: int = 0


class SendVerdict(StrEnum):
    """What a node said to raw bytes."""

    ACCEPTED = "accepted"  # it is in the node's pool; not yet mined
    ALREADY_KNOWN = "already_known"  # the node holds these bytes, in its pool or mined
    NONCE_TOO_LOW = "nonce_too_low"  # something is mined at this nonce, perhaps these bytes: look the hash up
    NONCE_TOO_HIGH = "nonce_too_high"
    UNDERPRICED = "underpriced"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID = "invalid"  # no node ever takes these bytes
    REJECTED = "rejected"  # refused for a reason that is none of these; resend or replace, never assume dead
    NOT_SENT = "not_sent"  # provably did not leave: connection refused, rate limited, no healthy endpoint
    UNKNOWN = "unknown"  # may have arrived: look the hash up, resend the same bytes


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The fate of one `send_raw`. `tx_hash` is computed from the bytes, never taken from the node."""

    tx_hash: str
    verdict: SendVerdict
    error: ChainError | None = None

    @property
    def is_held_by_node(self) -> bool:
        """Whether the node said that it holds exactly these bytes."""
        return self.verdict in (SendVerdict.ACCEPTED, SendVerdict.ALREADY_KNOWN)

    @property
    def may_be_on_its_way(self) -> bool:
        """Whether the transaction may be in a pool or a block because of this or an earlier send."""
        return self.verdict not in (SendVerdict.NOT_SENT, SendVerdict.INVALID)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction's result. It is final only once its block is; compare `block_hash` with `block(number)`.

    `succeeded` says that the contract did not fail. That a payment was made is `succeeded` and the matching entry in
    `transfers` (all of the *token's* Transfers in this transaction, with their ordinals).
    `gas_used` is gas, with what an L2 charges for L1 data where the chain counts it so (Arbitrum); on TRON energy.
    `fee_native` is what the sender paid in the native coin for everything. `failure` is the chain's word for a failure.
    """

    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    fee_native: int
    transfers: tuple[Transfer, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class TransactionInfo:
    """A transaction that a node knows. `block_number` and `block_hash` are None while it is pending."""

    tx_hash: str
    nonce: int
    sender: str
    to: str | None
    value_wei: int
    data: bytes
    block_number: int | None
    block_hash: str | None

    @property
    def is_pending(self) -> bool:
        return self.block_number is None


class PaymentSender(Protocol):
    """Sending signed bytes, and learning what became of them."""

    def send_raw(self, signed: bytes) -> SendOutcome:
        """Hand signed bytes to a node. Never raises for what became of the bytes: see SendVerdict.

        Fails over to another endpoint only while the bytes provably did not leave. Sending the same bytes again is
        always harmless.
        """
        ...

    def send_raw_many(self, signed: Sequence[bytes]) -> list[SendOutcome]:
        """The same for many, in order, in as few round trips as the node's limits allow. One outcome per item."""
        ...

    def receipt(self, tx_hash: str) -> Receipt | None:
        """None: not mined as far as this node knows (it may be pending, unknown, or reorganised away)."""
        ...

    def receipts(self, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        """The same for many, in order, in as few round trips as possible."""
        ...

    def second_opinions(self, receipts: Sequence[Receipt], final: BlockRef) -> SecondOpinions:
        """What the other endpoints say of final transactions: no verdict may rest on those that it names.

        Asked are all endpoints that can be reached, but for those that a majority calls laggards. They have to agree
        with the receipts given on block, status and transfers. One with another block at the height of `final`
        contradicts them all, one that fails meanwhile has no say. Without a request where there is one endpoint only.
        """
        ...

    def native_balance(self, address: str) -> int:
        """Wei at the head."""
        ...

    def token_balance(self, address: str) -> int:
        """Raw token units at the head."""
        ...

    def is_blocked(self, address: str) -> bool:
        """Whether the token refuses transfers *from* this address. False where the token has no blocklist."""
        ...


class NonceSender(Protocol):
    """Building and proving a payment where a nonce makes it unique."""

    def suggest_fees(self) -> Fees:
        """Fees by the network's policy and cap. Raises FeesTooHigh if the cap is below what would be mined now."""
        ...

    def estimate_gas(self, sender: str, to: str, data: bytes, *, value_wei: int = 0) -> int:
        """A gas *limit*: the node's estimate plus the network's margin.

        Raises WouldRevert (with the contract's reason), InsufficientFunds, FeesTooHigh (above `gas_limit_max`).
        """
        ...

    def estimate_gas_many(self, calls: Sequence[CallRequest]) -> list[int | ChainError]:
        """The same for many calls in one round trip; an error stands in the place of its call."""
        ...

    def transaction_count(self, address: str, block: BlockTag) -> int:
        """Transactions of the address mined up to the block; `pending` counts the node's pool in (never rely on it)."""
        ...

    def transaction(self, tx_hash: str) -> TransactionInfo | None:
        """None: this node does not know it. That is no proof that it will not be mined."""
        ...

    def transactions(self, tx_hashes: Sequence[str]) -> list[TransactionInfo | None]:
        """The same for many, in order."""
        ...

    def raw_transaction(self, tx_hash: str) -> bytes | None:
        """Its signed bytes as a node gives them, None if it does not know or cannot show them.

        They prove something only once `signed.read_signed` has read them and their hash, signer and nonce fit.
        """
        ...

    def find_transaction_by_nonce(self, sender: str, nonce: int, *, from_block: int = 0) -> TransactionInfo | None:
        """The transaction that is *final* at this nonce, None if none is final there yet.

        The proof that a broadcast is DEAD: it is, if the result's hash is none of the hashes of its intent, and the
        bytes behind it (`raw_transaction`) are really signed by the sender. Until then it is one node's word.
        `from_block`: a height at which the nonce was not used yet (where the broadcast was reserved); it shortens the
        search and keeps it within a pruned node's history. Raises HistoryUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class TransferCost:
    """What a token transfer costs on TRON at most: to an address that holds none of the token yet.

    `energy` is the contract's whole use with its dynamic factor, `energy_price_sun` what a unit costs when burnt,
    `bandwidth_sun` what the transaction's bytes cost when no free or staked bandwidth covers them.
    """

    energy: int
    energy_price_sun: int
    bandwidth_sun: int

    @property
    def burnt_sun(self) -> int:
        """What the sender pays if nothing is staked or rented."""
        return self.energy * self.energy_price_sun + self.bandwidth_sun


class ExpiringSender(Protocol):
    """Building and proving a payment where only its expiration ends it."""

    def reference_block(self) -> BlockRef:
        """A final block for a transaction to refer to: whoever forks it away makes the transaction invalid."""
        ...

    def transfer_cost(self, sender: str, amount_raw: int, recipient: str = "") -> TransferCost:
        """Of a transfer of `amount_raw` by `sender` now; without a `recipient` to somebody who holds none of the token.

        Raises WouldRevert (the token is paused, the sender blocked or short of tokens), FeesTooHigh (a price above the
        settings' cap), MalformedAnswer (an estimate that cannot be).
        """
        ...

    def energy_left(self, address: str) -> int:
        """Energy that the address has staked or rented and not used: what need not be burnt."""
        ...

    def dead(self, expirations_ms: Mapping[str, int]) -> frozenset[str]:
        """Which of these transactions can never be in a block any more: hash to `expiration` in ms.

        One is dead if, on every endpoint that can be reached, a *solid* block's time is past its expiration and the
        solid chain has no such transaction. Nothing is dead while an endpoint that could tell does not answer.
        """
        ...

    def token_warnings(self, address: str) -> tuple[str, ...]:
        """What the token's owner has done that stops or changes payments of `address` (a wallet of ours).

        Of "deprecated" (its logic moved to another contract), "paused", "fee" (it keeps some of each transfer) and
        "blocked" (the wallet is on its blacklist).
        """
        ...

    def transfer_fee_raw(self, amount_raw: int) -> int:
        """What the token itself would keep of a transfer of `amount_raw` now; 0 as long as its fee is off."""
        ...


# --- start check and health -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the contract says of itself. `symbol` is for people: never match by it."""

    contract: str
    decimals: int
    symbol: str
    code_hash: str


class EndpointState(StrEnum):
    HEALTHY = "healthy"
    COOLING = "cooling"  # failed lately; tried again after `retry_in_seconds`
    LAGGING = "lagging"  # behind the others, or went backwards; used only if nothing better is left
    REFUSED = "refused"  # wrong chain id; never used again


@dataclass(frozen=True, slots=True)
class SecondOpinions:
    """Hashes of transactions that another endpoint tells otherwise, and of those that one does not have yet.

    The latter may be a node a moment behind, or a node that names a height that nobody else has: both wait.
    """

    contradicted: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    @property
    def waiting(self) -> frozenset[str]:
        return self.contradicted | self.unseen

    def for_a_person(self, receipts: Iterable[Receipt], final: BlockRef, *, max_lag_blocks: int) -> frozenset[str]:
        """The contradicted ones, and those that a node still lacks although it may lag by `max_lag_blocks` only."""
        return self.contradicted.union(
            each.tx_hash
            for each in receipts
            if each.tx_hash in self.unseen and each.block_number + max_lag_blocks < final.number
        )


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One endpoint as this process sees it. `url` is without credentials, query and path: safe to show."""

    url: str
    state: EndpointState
    head: int | None
    latency_ms: int | None
    failures_in_a_row: int
    retry_in_seconds: int
    last_error: str
    requests: int = 0
    errors: dict[str, int] = field(default_factory=dict)


class StartCheck(Protocol):
    def verify(self) -> TokenFacts:
        """Compare chain id, token code and decimals with the settings, on every endpoint that answers.

        Raises WrongChain or ContractMismatch (do not start this network), EndpointUnavailable (cannot tell now).
        """
        ...

    def endpoint_health(self) -> list[EndpointHealth]:
        """How each endpoint does, in order of the settings. Reads memory only: no request."""
        ...


class ChainAdapter(DepositSource, PaymentSender, StartCheck, Protocol):
    """What every network's adapter can: what `registry.adapter(code)` returns."""


class NonceChain(ChainAdapter, NonceSender, Protocol):
    """An EVM network: what `registry.nonce_chain(code)` returns."""


class ExpiringChain(ChainAdapter, ExpiringSender, Protocol):
    """TRON: what `registry.expiring_chain(code)` returns."""


# --- filters for tests and small sets -------------------------------------------------------------------------------


class ExactAddresses:
    """An AddressFilter over a set that fits in memory. The watcher's bitmap is in `treasury/address_filter.py`."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._wanted = frozenset(raw_account(family_of(each), each).hex().encode() for each in addresses)

    def pick(self, recipients: bytes) -> Sequence[int]:
        starts = range(0, len(recipients), RECIPIENT_DIGITS)
        return [
            position for position, at in enumerate(starts) if recipients[at : at + RECIPIENT_DIGITS] in self._wanted
        ]


class EveryAddress:
    """An AddressFilter that wants everything."""

    def pick(self, recipients: bytes) -> Sequence[int]:
        return range(len(recipients) // RECIPIENT_DIGITS)
