"""A withdrawal's way as its customer sees it: what has happened, where it is, what is still to come. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payouts.states import FINAL, State

MAIN = (State.REQUESTED, State.CONFIRMED, State.IN_REVIEW, State.APPROVED, State.SENT, State.PAID)
LABELS: dict[State, str | Promise] = {
    State.REQUESTED: _("Created"),
    State.CONFIRMED: _("Confirmed by you"),
    State.IN_REVIEW: _("Review"),
    State.ON_HOLD: _("On hold"),
    State.APPROVED: _("Approved"),
    State.ORDERED: _("Being signed"),
    State.SENT: _("Sent to the network"),
    State.PAID: _("Completed"),
    State.FAILED: _("Not carried out by the network"),
    State.RETURNED: _("Returned to your balance"),
    State.EXPIRED: _("Expired: not confirmed in time"),
    State.CANCELLED: _("Cancelled"),
    State.REJECTED: _("Rejected"),
}
BAD = {State.FAILED, State.REJECTED}
PASSING = {State.ORDERED}  # of interest only while it lasts


class Event(Protocol):
    """A change of state; `payouts.models.WithdrawalEvent` is one."""

    to_state: str
    at: datetime


@dataclass(frozen=True)
class Step:
    """`kind`: done, now, todo, warn or bad."""

    kind: str
    state: str
    label: str | Promise
    at: datetime | None


def timeline_of(state: str, events: Sequence[Event]) -> list[Step]:
    """Steps in order. `events`: every change of state, oldest first."""
    current = State(state)
    shown = [event for event in events if State(event.to_state) not in PASSING or event is events[-1]]
    steps = [_step(event, is_last=event is shown[-1], current=current) for event in shown]
    if current in FINAL or current is State.FAILED:
        return steps
    return steps + [Step("todo", ahead, LABELS[ahead], None) for ahead in _ahead(current)]


def _step(event: Event, *, is_last: bool, current: State) -> Step:
    state = State(event.to_state)
    return Step(_kind(state, is_last=is_last, current=current), state, LABELS[state], event.at)


def _kind(state: State, *, is_last: bool, current: State) -> str:
    if state in BAD:
        return "bad"
    if state is State.ON_HOLD:
        return "warn"
    return "now" if is_last and current not in FINAL and state is not State.REQUESTED else "done"


def _ahead(current: State) -> list[State]:
    """The rest of the main way from here."""
    if current is State.ON_HOLD:
        return list(MAIN[MAIN.index(State.IN_REVIEW) :])
    place = State.APPROVED if current is State.ORDERED else current
    return list(MAIN[MAIN.index(place) + 1 :])
