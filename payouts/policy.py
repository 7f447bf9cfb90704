"""What may be paid, to where, and how many people must say yes. Pure: facts in, decision out, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from treasury.approvals import approval_digest
from treasury.chains.addresses import parse_address
from treasury.chains.errors import InvalidAddress


class Refusal(StrEnum):
    """Why a withdrawal is refused; each is one typed error in `payouts/errors.py`."""

    INACTIVE = "inactive"
    FROZEN = "frozen"
    NETWORK_HALTED = "network_halted"
    BAD_ADDRESS = "bad_address"
    OWN_ADDRESS = "own_address"
    TOKEN_CONTRACT = "token_contract"  # noqa: S105  # an address, no secret
    NOT_POSITIVE = "not_positive"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    NOT_ENOUGH_MONEY = "not_enough_money"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFacts:
    """Everything the decision rests on. Amounts in micro-USDT; `address` as the customer typed it.

    `own_addresses` and `token_contracts` are canonical addresses of the network's family: of the former it is enough
    to give those that equal the recipient.
    """

    customer_active: bool
    frozen: bool
    network_halted: bool
    family: str
    address: str
    own_addresses: frozenset[str]
    token_contracts: frozenset[str]
    amount_micro: int
    fee_micro: int
    minimum_micro: int
    maximum_micro: int
    available_micro: int
    four_eyes_from_micro: int


@dataclass(frozen=True, slots=True)
class Decision:
    """`refusals` in the order in which people should hear them; none means yes. `address` is canonical, or ""."""

    refusals: tuple[Refusal, ...]
    address: str
    address_fault: InvalidAddress | None
    approvals_required: int

    @property
    def allowed(self) -> bool:
        return not self.refusals


def read_address(family: str, address: str) -> str | InvalidAddress:
    """The canonical form of what the customer typed, or what is wrong with it."""
    try:
        return parse_address(family, address)
    except InvalidAddress as fault:
        return fault


def approvals_required(amount_micro: int, four_eyes_from_micro: int) -> int:
    """How many different people must approve a payment of this size: two from the threshold on."""
    return 2 if amount_micro >= four_eyes_from_micro else 1


def decide_withdrawal(facts: WithdrawalFacts) -> Decision:
    """Whether this customer may be paid this amount at this address."""
    read = read_address(facts.family, facts.address)
    address = read if isinstance(read, str) else ""
    found = [*_who(facts), *_where(facts, address), *_how_much(facts)]
    return Decision(
        refusals=tuple(found),
        address=address,
        address_fault=read if isinstance(read, InvalidAddress) else None,
        approvals_required=approvals_required(facts.amount_micro, facts.four_eyes_from_micro),
    )


def _who(facts: WithdrawalFacts) -> Iterable[Refusal]:
    if not facts.customer_active:
        yield Refusal.INACTIVE
    if facts.frozen:
        yield Refusal.FROZEN
    if facts.network_halted:
        yield Refusal.NETWORK_HALTED


def _where(facts: WithdrawalFacts, address: str) -> Iterable[Refusal]:
    if not address:
        yield Refusal.BAD_ADDRESS
    if address in facts.own_addresses:
        yield Refusal.OWN_ADDRESS
    if address in facts.token_contracts:
        yield Refusal.TOKEN_CONTRACT


def _how_much(facts: WithdrawalFacts) -> Iterable[Refusal]:
    if facts.amount_micro <= 0:
        yield Refusal.NOT_POSITIVE
        return
    if facts.amount_micro < facts.minimum_micro:
        yield Refusal.BELOW_MINIMUM
    if facts.amount_micro > facts.maximum_micro:
        yield Refusal.ABOVE_MAXIMUM
    if facts.amount_micro + facts.fee_micro > facts.available_micro:
        yield Refusal.NOT_ENOUGH_MONEY


# --- is what is about to be paid what people approved? --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yes:
    """One recorded approval."""

    approver_id: int
    revision: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """A request as its row reads now, beside what was recorded about it in rows that never change.

    `reserved_micro`: what the ledger holds back for it, None if nothing was ever reserved.
    """

    reference: str
    customer_id: int
    network: str
    address: str
    amount_micro: int
    fee_micro: int
    revision: int
    approvals_required: int
    four_eyes_from_micro: int
    approvals: tuple[Yes, ...]
    reserved_micro: int | None


class EvidenceFault(StrEnum):
    """Why an approved row must not be paid."""

    CHANGED = "changed"  # address, network or amount are not what was approved
    TOO_FEW = "too_few"  # approvals of this revision
    OWN_APPROVAL = "own_approval"  # the customer approved it
    NOT_RESERVED = "not_reserved"  # the ledger holds back nothing, or another sum


def digest_of(facts: PaymentFacts) -> str:
    """What an approval of exactly this payment must have signed."""
    return approval_digest(
        reference=facts.reference,
        revision=facts.revision,
        network=facts.network,
        address=facts.address,
        amount_micro=facts.amount_micro,
    )


def evidence_fault(facts: PaymentFacts) -> EvidenceFault | None:
    """What is wrong with the evidence for this payment, or None: then, and only then, it may be ordered."""
    given = [approval for approval in facts.approvals if approval.revision == facts.revision]
    required = max(facts.approvals_required, approvals_required(facts.amount_micro, facts.four_eyes_from_micro))
    if any(approval.digest != digest_of(facts) for approval in given):
        return EvidenceFault.CHANGED
    if any(approval.approver_id == facts.customer_id for approval in given):
        return EvidenceFault.OWN_APPROVAL
    if len({approval.approver_id for approval in given}) < required:
        return EvidenceFault.TOO_FEW
    if facts.reserved_micro != facts.amount_micro + facts.fee_micro:
        return EvidenceFault.NOT_RESERVED
    return None
