"""What may be paid, to where, and how many people must say yes. Pure: facts in, decision out, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from treasury.approvals import approval_digest
from treasury.chains.addresses import parse_address
from treasury.chains.errors import InvalidAddress


class Refusal(StrEnum):
    """Why a withdrawal is refused; each is one typed error in `payouts/errors.py`."""

    INACTIVE = "inactive"
    FROZEN = "frozen"
    HELD = "held"
    NETWORK_HALTED = "network_halted"
    BAD_ADDRESS = "bad_address"
    OWN_ADDRESS = "own_address"
    TOKEN_CONTRACT = "token_contract"  # noqa: S105  # an address, no secret
    NOT_SAVED = "not_saved"
    NOT_CONFIRMED = "not_confirmed"
    ADDRESS_ON_HOLD = "address_on_hold"
    LOOK_ALIKE = "look_alike"
    NOT_POSITIVE = "not_positive"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    NOT_ENOUGH_MONEY = "not_enough_money"


class Saved(StrEnum):
    """What the customer's address book says of a recipient."""

    NO = "no"
    UNCONFIRMED = "unconfirmed"
    ON_HOLD = "on_hold"  # confirmed, but its first hours are not over
    ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFacts:
    """Everything the decision rests on. Amounts in micro-USDT; `address` as the customer typed it.

    `own_addresses` and `token_contracts` are canonical addresses of the network's family: of the former it is enough
    to give those that equal the recipient. `held_until` is the end of a hold that still runs, `active_from` when a
    saved recipient can be paid to. `resembles` is another address of this customer that the recipient is like at both
    ends and yet is not, "" when there is none or the recipient is known.
    """

    customer_active: bool
    frozen: bool
    held_until: datetime | None
    only_saved: bool
    saved: Saved
    active_from: datetime | None
    resembles: str
    resemblance_accepted: bool
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
    held_until: datetime | None
    active_from: datetime | None
    resembles: str

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


def saved_as(state: str, active_from: datetime | None, now: datetime) -> Saved:
    """What a live entry of the address book is worth now; `state` is "" when there is none."""
    match state:
        case "pending":
            return Saved.UNCONFIRMED
        case "confirmed":
            return Saved.ACTIVE if active_from is not None and active_from <= now else Saved.ON_HOLD
        case _:
            return Saved.NO


def only_saved(any_address_from: datetime | None, now: datetime, *, settings_locked: bool = False) -> bool:
    """Whether the customer is paid to saved addresses only: unless they chose otherwise, and the choice has aged.

    While their settings are locked nothing else is paid to, whatever they chose before.
    """
    return settings_locked or any_address_from is None or any_address_from > now


ENDS = 4


def ends_of(address: str) -> tuple[str, str]:
    """What people look at to recognise an address: the first and the last characters that differ between addresses."""
    rest = address.removeprefix("0x") if address.startswith("0x") else address.removeprefix("T")
    return rest[:ENDS].casefold(), rest[-ENDS:].casefold()


def looks_alike(one: str, other: str) -> bool:
    """Whether two canonical addresses are easily taken for each other, and are not the same."""
    return one != other and one[:1] == other[:1] and ends_of(one) == ends_of(other)


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
        held_until=facts.held_until,
        active_from=facts.active_from,
        resembles=facts.resembles,
    )


def _who(facts: WithdrawalFacts) -> Iterable[Refusal]:
    if not facts.customer_active:
        yield Refusal.INACTIVE
    if facts.frozen:
        yield Refusal.FROZEN
    if facts.held_until is not None:
        yield Refusal.HELD
    if facts.network_halted:
        yield Refusal.NETWORK_HALTED


def _where(facts: WithdrawalFacts, address: str) -> Iterable[Refusal]:
    if not address:
        yield Refusal.BAD_ADDRESS
        return
    if address in facts.own_addresses:
        yield Refusal.OWN_ADDRESS
    if address in facts.token_contracts:
        yield Refusal.TOKEN_CONTRACT
    if facts.only_saved and facts.saved is not Saved.ACTIVE:
        yield _NOT_USABLE[facts.saved]
    if facts.resembles and not facts.resemblance_accepted:
        yield Refusal.LOOK_ALIKE


_NOT_USABLE = {
    Saved.NO: Refusal.NOT_SAVED,
    Saved.UNCONFIRMED: Refusal.NOT_CONFIRMED,
    Saved.ON_HOLD: Refusal.ADDRESS_ON_HOLD,
}


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
    """One recorded approval; `proven` if it has evidence of a second factor that the signer knows, and will check.

    `revoked`: not proven because that factor is one that the signer knew once.
    """

    approver_id: int
    revision: int
    digest: str
    proven: bool
    revoked: bool = False


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
    UNPROVEN = "unproven"  # an approval without evidence, or by a factor that the signer never knew
    REVOKED = "revoked"  # an approval by a second factor that the signer knew once
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
    if not all(approval.proven or approval.revoked for approval in given):
        return EvidenceFault.UNPROVEN
    if any(approval.revoked for approval in given):
        return EvidenceFault.REVOKED
    if len({approval.approver_id for approval in given}) < required:
        return EvidenceFault.TOO_FEW
    if facts.reserved_micro != facts.amount_micro + facts.fee_micro:
        return EvidenceFault.NOT_RESERVED
    return None
