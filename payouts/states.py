"""The states of a withdrawal and every way between them: one row per transition, and who may take it. Pure.

What is not in the table does not happen. `payouts/transitions.py` is the only writer of a request's state; it asks
here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    IN_REVIEW = "in_review"
    ON_HOLD = "on_hold"
    APPROVED = "approved"
    ORDERED = "ordered"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Party(StrEnum):
    CUSTOMER = "customer"  # whose money it is
    STAFF = "staff"  # with the permission that the operation names
    SYSTEM = "system"  # a process, on a fact it found


class Money(StrEnum):
    """What the ledger does in the same commit. At the request itself the funds were reserved."""

    STAYS_RESERVED = "stays_reserved"
    RELEASED = "released"  # back to what the customer may spend
    PAID = "paid"  # amount and fee leave the customer's account


@dataclass(frozen=True, slots=True)
class Transition:
    source: State
    target: State
    by: frozenset[Party]
    money: Money = Money.STAYS_RESERVED


def _row(source: State, target: State, *by: Party, money: Money = Money.STAYS_RESERVED) -> Transition:
    return Transition(source, target, frozenset(by), money)


INITIAL = State.REQUESTED

TABLE: tuple[Transition, ...] = (
    _row(State.REQUESTED, State.CONFIRMED, Party.CUSTOMER),
    _row(State.REQUESTED, State.EXPIRED, Party.SYSTEM, money=Money.RELEASED),
    _row(State.REQUESTED, State.CANCELLED, Party.CUSTOMER, money=Money.RELEASED),
    _row(State.CONFIRMED, State.IN_REVIEW, Party.SYSTEM),
    _row(State.CONFIRMED, State.CANCELLED, Party.CUSTOMER, money=Money.RELEASED),
    _row(State.IN_REVIEW, State.APPROVED, Party.STAFF),
    _row(State.IN_REVIEW, State.ON_HOLD, Party.STAFF),
    _row(State.IN_REVIEW, State.REJECTED, Party.STAFF, money=Money.RELEASED),
    _row(State.IN_REVIEW, State.CANCELLED, Party.CUSTOMER, money=Money.RELEASED),
    _row(State.ON_HOLD, State.IN_REVIEW, Party.STAFF, Party.SYSTEM),  # the system, when the hold's time is over
    _row(State.ON_HOLD, State.REJECTED, Party.STAFF, money=Money.RELEASED),
    _row(State.ON_HOLD, State.CANCELLED, Party.CUSTOMER, money=Money.RELEASED),
    _row(State.APPROVED, State.ORDERED, Party.SYSTEM),
    # Staff call it back before it is ordered, or the row is not what was approved. Its approvals are void either way.
    _row(State.APPROVED, State.ON_HOLD, Party.STAFF, Party.SYSTEM),
    _row(State.APPROVED, State.CANCELLED, Party.CUSTOMER, money=Money.RELEASED),
    _row(State.ORDERED, State.SENT, Party.SYSTEM),
    _row(State.ORDERED, State.FAILED, Party.SYSTEM),
    _row(State.SENT, State.PAID, Party.SYSTEM, money=Money.PAID),
    _row(State.SENT, State.FAILED, Party.SYSTEM),
    _row(State.FAILED, State.RETURNED, Party.STAFF, money=Money.RELEASED),
    # Sent anew: on the approvals it has, or, where the signer would not pay on those (any more), after new ones.
    _row(State.FAILED, State.APPROVED, Party.STAFF),
    _row(State.FAILED, State.IN_REVIEW, Party.STAFF),
)

_BY_PAIR: dict[tuple[State, State], Transition] = {(row.source, row.target): row for row in TABLE}
_SOURCES = frozenset(row.source for row in TABLE)

FINAL: frozenset[State] = frozenset(state for state in State if state not in _SOURCES)
CANCELLABLE: frozenset[State] = frozenset(row.source for row in TABLE if row.target is State.CANCELLED)
HOLDS_MONEY: frozenset[State] = frozenset(_SOURCES)
"""States in which the request's amount and fee are reserved."""


class TransitionRefused(Exception):
    """There is no such row in the table, or not for this party."""

    def __init__(self, source: str, target: str, party: str) -> None:
        super().__init__(f"{party} may not take a withdrawal from {source} to {target}")
        self.source = source
        self.target = target
        self.party = party


def transition(source: str, target: str, party: str) -> Transition:
    """The row that lets `party` take a withdrawal from `source` to `target`. Raises TransitionRefused."""
    try:
        row = _BY_PAIR[State(source), State(target)]
        if Party(party) in row.by:
            return row
    except (KeyError, ValueError):
        pass
    raise TransitionRefused(source, target, party)
