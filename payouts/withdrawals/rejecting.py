"""Staff say no: the money goes back, and the customer is told why."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.activity import Origin
from accounts.models import User
from accounts.second_factor import StepUp, verify_step_up
from payouts import emails
from payouts.models import WithdrawalNote, WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move

from .staff import REJECT, UNCLAIMED, permitted, require, said


def reject_withdrawal(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason_for_customer: str,
    note: str = "",
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Refuse the request for a reason that the customer reads; `note` is for the staff.

    Raises NotPermitted, StepUpFailed, ReasonMissing, WithdrawalNotFound, OwnRequest, StaleRevision, WrongState,
    ClaimedByAnother.
    """
    decider = permitted(actor, REJECT)
    told = said(reason_for_customer)
    verify_step_up(user=decider, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        require(row, revision=revision, states=(State.IN_REVIEW, State.ON_HOLD), actor=decider)
        if note.strip():
            WithdrawalNote.objects.create(withdrawal=row, author=decider, text=note.strip()[:2000])
        event = move(
            row,
            State.REJECTED,
            by=Party.STAFF,
            actor=decider,
            origin=origin,
            reason=told,
            decided_at=timezone.now(),
            hold_until=None,
            reason_for_customer=told[:500],
            **UNCLAIMED,
        )
        emails.tell_customer("rejected", row, event)
    return row
