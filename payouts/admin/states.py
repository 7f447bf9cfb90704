"""The states in the staff's words: the model's own labels speak to the customer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from payouts.models import WithdrawalRequest

State = WithdrawalRequest.State

WORDS: dict[str, Any] = {
    State.REQUESTED: _("Waiting for the customer"),
    State.CONFIRMED: _("Confirmed by the customer"),
    State.RETURNED: _("Returned to the customer"),
}


def staff_state(state: str) -> str:
    """What staff call `state`."""
    return str(WORDS.get(state) or dict(State.choices).get(state, state))


def staff_states() -> list[tuple[str, str]]:
    """Every state, for a filter."""
    return [(state, staff_state(state)) for state in State.values]
