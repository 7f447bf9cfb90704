"""A payment that is proven dead: staff give the money back, or have it paid anew."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.activity import Origin
from accounts.models import User
from accounts.second_factor import StepUp, verify_step_up
from accounts.wake import wake
from payouts import emails, errors
from payouts.models import WithdrawalApproval, WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move
from treasury.alarms import resolve_alarm
from treasury.orders import order_results

from .facts import doubts_about
from .reviewing import START_TASK
from .staff import RESOLVE, UNCLAIMED, permitted, require, said


def return_withdrawal(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason: str,
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Give amount and fee of a failed payment back to the customer, who reads `reason`.

    Raises NotPermitted, StepUpFailed, ReasonMissing, WithdrawalNotFound, OwnRequest, StaleRevision, WrongState,
    PaymentNotDead.
    """
    decider, told = permitted(actor, RESOLVE), said(reason)
    verify_step_up(user=decider, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        row = _failed(withdrawal_id, revision, decider)
        event = move(
            row,
            State.RETURNED,
            by=Party.STAFF,
            actor=decider,
            origin=origin,
            reason=told,
            reason_for_customer=told[:500],
        )
        emails.tell_customer("returned", row, event)
        resolve_alarm(key=failure_alarm(row), actor_label=decider.email)
    return row


def retry_withdrawal(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason: str,
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Have a failed payment paid by a new order, on the approvals it has: they cover the same address and amount.

    Where the signer would surely refuse one of them, because it does not know that second factor (any more), they are
    void and the request is back in review: see its state afterwards. Raises as `return_withdrawal`.
    """
    decider, told = permitted(actor, RESOLVE), said(reason)
    verify_step_up(user=decider, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        row = _failed(withdrawal_id, revision, decider)
        again: dict[str, Any] = {"decided_at": timezone.now()}
        if void := must_be_approved_anew(row):
            again = {"decided_at": None, "revision": row.revision + 1, **UNCLAIMED}
        move(
            row,
            State.IN_REVIEW if void else State.APPROVED,
            by=Party.STAFF,
            actor=decider,
            origin=origin,
            reason=told,
            facts={"approvals_voided": void},
            tx_hash="",
            **again,
        )
        resolve_alarm(key=failure_alarm(row), actor_label=decider.email)
        if not void:
            wake(START_TASK)
    return row


def must_be_approved_anew(row: WithdrawalRequest) -> bool:
    """Whether the signer does not know a factor that the request was approved with: it would refuse a new payment."""
    return bool(doubts_about(WithdrawalApproval.objects.filter(withdrawal=row, revision=row.revision)))


def failure_alarm(row: WithdrawalRequest) -> str:
    """The key of the alarm that is open while `row` waits for a decision."""
    return f"withdrawal-failed:{row.pk}"


def _failed(withdrawal_id: int, revision: int, decider: User) -> WithdrawalRequest:
    """The locked request, whose newest order is dead: asked again, because money moves on the answer."""
    row = locked(withdrawal_id)
    require(row, revision=revision, states=(State.FAILED,), actor=decider)
    result = order_results([row.reference]).get(row.reference)
    if result is None or not result.is_dead:
        raise errors.PaymentNotDead
    return row
