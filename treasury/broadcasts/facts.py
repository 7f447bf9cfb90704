"""What the chain says about orders under way, and what follows from it. The deciding is pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from treasury.chains.network import Network
from treasury.chains.payloads import decode_transfer_calldata
from treasury.chains.ports import Receipt, TransactionInfo

PAYMENT = "payment"
MAY_BE_MINED = ("refused", "signed", "sent", "mined", "replaced")
"""States in which bytes may exist somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One broadcast of an order."""

    broadcast_id: int
    attempt: int
    purpose: str
    state: str
    tx_hash: str | None
    block_hash: str
    why: str  # the signer's refusal or the node's last answer
    expiration_ms: int | None = None  # where bytes die by themselves
    sent_at: datetime | None = None  # the last time; noted before anything leaves

    def may_be_mined(self, now: datetime, chain_time: int, block_seconds: float) -> bool:
        """Whether there can be news of bytes that expire: they left a block ago, or were mined, or it is past their
        expiration (`chain_time`, seconds), when the nodes are asked even about what never left, as a proof."""
        if self.state == "mined" or self.expiration_ms is None or self.expiration_ms <= chain_time * 1000:
            return True
        return self.sent_at is not None and self.sent_at + timedelta(seconds=block_seconds) <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An open order that has a nonce, with all of its attempts, first to last."""

    order_id: int
    reference: str
    address: str
    amount_micro: int
    nonce: int
    attempts: tuple[Attempt, ...]

    @property
    def hashes(self) -> frozenset[str]:
        return frozenset(each.tx_hash for each in self.attempts if each.tx_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """Answers of the chain, all read before anything is written.

    `receipts`: of every hash that was asked about and is mined. `asked`: every hash that was asked about.
    `final_hashes`: heights up to `final_number` that matter, with the hash of the canonical block there. `at_nonce`:
    what is proven to be final at a nonce where none of our hashes has a receipt. `unproven`: why what a node showed at
    a nonce is no such proof. `disputed`: hashes of which the nodes tell different things. `dead`: hashes that are
    proven never to be in a block, because they expired.
    """

    receipts: Mapping[str, Receipt]
    asked: frozenset[str]
    final_number: int
    final_hashes: Mapping[int, str]
    at_nonce: Mapping[int, TransactionInfo]
    unproven: Mapping[int, str] = field(default_factory=dict)
    disputed: Collection[str] = frozenset()
    dead: Collection[str] = frozenset()


class Fate(StrEnum):
    NOTHING = "nothing"  # as before
    MINED = "mined"  # in a block that is not final yet
    UNMINED = "unmined"  # was in a block, is in none now: the same bytes are sent again
    PAID = "paid"  # final, and the Transfer is there
    REVERTED = "reverted"  # final, nothing moved
    FILLED = "filled"  # a no-op of ours is final: the payment can never be mined
    EXPIRED = "expired"  # proven dead by its expiration: the payment takes another attempt
    FOREIGN = "foreign"  # a transaction that is not ours is final at the nonce
    SUSPECT = "suspect"  # final, and not what it should be: a person has to look


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an order. `attempt` is the one it is about; `reason` says why the order is dead or suspect."""

    fate: Fate
    attempt: Attempt | None = None
    receipt: Receipt | None = None
    reason: str = ""

    def inclusion(self) -> tuple[Attempt, Receipt]:
        """The mined attempt and its receipt. Raises RuntimeError where the fate is of nothing mined."""
        if self.attempt is None or self.receipt is None:
            raise RuntimeError(f"{self.fate} without a receipt")
        return self.attempt, self.receipt


def judge(order: UnderWay, facts: ChainFacts, network: Network, wallet_address: str) -> Verdict:
    """What the facts mean for one order. Without proof nothing is dead, and nothing is paid before it is final."""
    if risen := _risen(order, facts):
        return risen
    for attempt in reversed(order.attempts):
        receipt = facts.receipts.get(attempt.tx_hash) if attempt.tx_hash else None
        if receipt is None:
            continue
        if receipt.block_number > facts.final_number:
            return Verdict(Fate.MINED, attempt, receipt)
        if facts.final_hashes.get(receipt.block_number) != receipt.block_hash:
            continue  # from a block that is not the chain's: an endpoint on a fork, or a reorg between two questions
        if receipt.tx_hash in facts.disputed:
            return Verdict(Fate.NOTHING)  # one of the nodes is wrong: whoever asks again hears them agree
        return _final(order, attempt, receipt, network, wallet_address)
    if order.nonce in facts.unproven:
        return Verdict(Fate.SUSPECT, reason=facts.unproven[order.nonce])
    foreign = facts.at_nonce.get(order.nonce)
    if foreign is not None and foreign.tx_hash not in order.hashes:
        return Verdict(Fate.NOTHING) if foreign.tx_hash in facts.disputed else _foreign(order, foreign, network)
    return _silent(order, facts)


def _silent(order: UnderWay, facts: ChainFacts) -> Verdict:
    """Nothing of the order is in a block."""
    expired = next((each for each in order.attempts if each.tx_hash in facts.dead and each.state != "dead"), None)
    if expired is not None:
        return Verdict(Fate.EXPIRED, expired)
    was_mined = next((each for each in order.attempts if each.state == "mined"), None)
    if was_mined is not None and was_mined.tx_hash in facts.asked and was_mined.tx_hash not in facts.receipts:
        return Verdict(Fate.UNMINED, was_mined)
    return Verdict(Fate.NOTHING)


def _risen(order: UnderWay, facts: ChainFacts) -> Verdict | None:
    """A receipt of what was proven dead: some node lied or lies, and a second payment may be on its way."""
    for attempt in order.attempts:
        if attempt.state == "dead" and attempt.tx_hash and attempt.tx_hash in facts.receipts:
            return Verdict(Fate.SUSPECT, attempt, reason=f"{attempt.tx_hash} was proven dead, and is in a block now.")
    return None


def _final(order: UnderWay, attempt: Attempt, receipt: Receipt, network: Network, wallet_address: str) -> Verdict:
    if attempt.purpose != PAYMENT:
        return Verdict(Fate.FILLED, attempt, receipt, _why_filled(order))
    if not receipt.succeeded:
        how = f" ({receipt.failure})" if receipt.failure else ""
        return Verdict(Fate.REVERTED, attempt, receipt, f"The transaction {receipt.tx_hash} was reverted{how}.")
    amount_raw = network.micro_to_raw(order.amount_micro)
    ours = [each for each in receipt.transfers if each.sender == wallet_address]
    if [(each.recipient, each.amount_raw) for each in ours] == [(order.address, amount_raw)]:
        return Verdict(Fate.PAID, attempt, receipt)
    return Verdict(
        Fate.SUSPECT, attempt, receipt, f"{receipt.tx_hash} succeeded without the Transfer that was ordered."
    )


def _foreign(order: UnderWay, foreign: TransactionInfo, network: Network) -> Verdict:
    pays = decode_transfer_calldata(foreign.data) if foreign.to == network.token_contract else None
    if pays == (order.address, network.micro_to_raw(order.amount_micro)):
        return Verdict(
            Fate.SUSPECT,
            reason=f"{foreign.tx_hash}, which this database does not know, makes the same payment with the same nonce."
            " Was the database restored from an older copy?",
        )
    return Verdict(Fate.FOREIGN, reason=f"Another transaction, {foreign.tx_hash}, is final at its nonce.")


def _why_filled(order: UnderWay) -> str:
    refused: Sequence[str] = [
        each.why for each in order.attempts if each.purpose == PAYMENT and each.state == "refused"
    ]
    return f"Never sent: {refused[0]}" if refused and refused[0] else "Its nonce was filled with a no-op."
