"""Staff stop a request to look closer, and let it go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.activity import Origin
from accounts.models import User
from accounts.second_factor import StepUp, verify_step_up
from payouts import emails, errors
from payouts.models import WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move

from .staff import HOLD, UNCLAIMED, permitted, require, said


def hold_withdrawal(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason: str,
    until: datetime | None = None,
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Put a request on hold, for a `reason` that the customer reads, `until` then at the latest (None: until released).

    An approved one can be called back like this until its payment is ordered; its approvals are void then.

    Raises NotPermitted, StepUpFailed, ReasonMissing, HoldInThePast, WithdrawalNotFound, OwnRequest, StaleRevision,
    WrongState, ClaimedByAnother.
    """
    holder = permitted(actor, HOLD)
    told = said(reason)
    if until is not None and until <= timezone.now():
        raise errors.HoldInThePast
    verify_step_up(user=holder, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        require(row, revision=revision, states=(State.IN_REVIEW, State.APPROVED), actor=holder)
        voided: dict[str, Any] = {}
        if row.state == State.APPROVED:
            voided = {"revision": row.revision + 1, "decided_at": None}
        event = move(
            row,
            State.ON_HOLD,
            by=Party.STAFF,
            actor=holder,
            origin=origin,
            reason=told,
            facts={"until": until.isoformat() if until else None, "approvals_voided": bool(voided)},
            hold_until=until,
            reason_for_customer=told[:500],
            **UNCLAIMED,
            **voided,
        )
        emails.tell_customer("held", row, event)
    return row


def release_hold(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason: str = "",
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Back to review, where it still needs its approvals.

    Raises NotPermitted, StepUpFailed, WithdrawalNotFound, OwnRequest, StaleRevision, WrongState, ClaimedByAnother.
    """
    holder = permitted(actor, HOLD)
    verify_step_up(user=holder, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        require(row, revision=revision, states=(State.ON_HOLD,), actor=holder)
        move(
            row,
            State.IN_REVIEW,
            by=Party.STAFF,
            actor=holder,
            origin=origin,
            reason=reason.strip(),
            hold_until=None,
            reason_for_customer="",
            **UNCLAIMED,
        )
    return row
