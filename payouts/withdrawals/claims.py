"""Who on the staff is looking at a request, and what they tell each other about it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.models import User
from payouts import errors
from payouts.models import WithdrawalNote, WithdrawalRequest
from payouts.states import State
from payouts.transitions import locked

from .staff import REVIEW, UNCLAIMED, permitted, require_unclaimed, said

CLAIM_SECONDS: int = settings.WITHDRAWAL_CLAIM_SECONDS
CLAIMABLE = (State.IN_REVIEW, State.ON_HOLD)


def claim_withdrawal(*, withdrawal_id: int, actor: User, origin: Origin | None = None) -> WithdrawalRequest:
    """Nobody else decides on the request for ten minutes; claiming one's own again starts them anew.

    Raises NotPermitted, WithdrawalNotFound, OwnRequest, WrongState, ClaimedByAnother.
    """
    reviewer = permitted(actor, REVIEW)
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        if row.customer_id == reviewer.pk:
            raise errors.OwnRequest
        if row.state not in CLAIMABLE:
            raise errors.WrongState(row.state)
        require_unclaimed(row, reviewer)
        row.claimed_by = reviewer
        row.claimed_until = timezone.now() + timedelta(seconds=settings.WITHDRAWAL_CLAIM_SECONDS)
        row.save(update_fields=["claimed_by", "claimed_until"])
        activity.record(actor=reviewer, action="withdrawal.claimed", target=row, origin=origin)
    return row


def release_claim(*, withdrawal_id: int, actor: User, origin: Origin | None = None) -> WithdrawalRequest:
    """Give one's claim up, if there is one. Raises NotPermitted, WithdrawalNotFound, ClaimedByAnother."""
    reviewer = permitted(actor, REVIEW)
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        require_unclaimed(row, reviewer)
        if row.claimed_by_id is not None:
            WithdrawalRequest.objects.filter(pk=row.pk).update(**UNCLAIMED)
            row.claimed_by, row.claimed_until = None, None
            activity.record(actor=reviewer, action="withdrawal.claim_released", target=row, origin=origin)
    return row


def add_note(*, withdrawal_id: int, actor: User, text: str, origin: Origin | None = None) -> WithdrawalNote:
    """A note among staff. Raises NotPermitted, WithdrawalNotFound, ReasonMissing for an empty one."""
    author = permitted(actor, REVIEW)
    written = said(text)[:2000]
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        note = WithdrawalNote.objects.create(withdrawal=row, author=author, text=written)
        activity.record(
            actor=author, action="withdrawal.note_added", target=row, facts={"note": note.pk}, origin=origin
        )
    return note
