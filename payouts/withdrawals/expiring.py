"""What time does to requests: unconfirmed ones give the money back, holds end."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from payouts import emails
from payouts.models import WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import move_many

BATCH = 500


def expire_withdrawals(*, limit: int = BATCH) -> int:
    """Close requests that nobody confirmed in time and give the money back; returns how many."""
    with transaction.atomic(durable=True):
        rows = list(
            WithdrawalRequest.objects.select_for_update(skip_locked=True)
            .filter(state=State.REQUESTED, confirm_by__lt=timezone.now())
            .order_by("confirm_by")[:limit]
        )
        events = move_many(rows, State.EXPIRED, by=Party.SYSTEM, process="expiry", reason="not confirmed in time")
        emails.tell_customers("expired", zip(rows, events, strict=True))
    return len(rows)


def release_due_holds(*, limit: int = BATCH) -> int:
    """Take requests whose hold is over back to review; returns how many. They still need their approvals."""
    with transaction.atomic(durable=True):
        rows = list(
            WithdrawalRequest.objects.select_for_update(skip_locked=True)
            .filter(state=State.ON_HOLD, hold_until__lte=timezone.now())
            .order_by("hold_until")[:limit]
        )
        move_many(
            rows,
            State.IN_REVIEW,
            by=Party.SYSTEM,
            process="holds",
            reason="the hold is over",
            hold_until=None,
            reason_for_customer="",
        )
    return len(rows)
