"""What every decision of the staff checks before it acts."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import User
from payouts import errors
from payouts.models import WithdrawalRequest
from payouts.states import State

REVIEW = "payouts.review_withdrawalrequest"
APPROVE = "payouts.approve_withdrawalrequest"
HOLD = "payouts.hold_withdrawalrequest"
REJECT = "payouts.reject_withdrawalrequest"
RESOLVE = "payouts.resolve_failed_withdrawalrequest"


def permitted(actor: User, permission: str) -> User:
    """`actor` as the database knows them now. Raises NotPermitted unless they are staff who may do this."""
    person = User.objects.filter(pk=actor.pk, is_active=True, is_staff=True).first()
    if person is None or not person.has_perm(permission):
        raise errors.NotPermitted
    return person


def require(row: WithdrawalRequest, *, revision: int, states: tuple[State, ...], actor: User) -> None:
    """Raise unless the locked `row` is what `actor` saw, where it can be decided on, and free to be.

    Raises StaleRevision, WrongState, OwnRequest, ClaimedByAnother.
    """
    if row.customer_id == actor.pk:
        raise errors.OwnRequest
    if row.revision != revision:
        raise errors.StaleRevision
    if row.state not in states:
        raise errors.WrongState(row.state)
    require_unclaimed(row, actor)


def require_unclaimed(row: WithdrawalRequest, actor: User) -> None:
    """Raise ClaimedByAnother while a colleague's lease runs."""
    if row.claimed_until is None or row.claimed_until <= timezone.now() or row.claimed_by_id in (None, actor.pk):
        return
    raise errors.ClaimedByAnother(User.objects.values_list("email", flat=True).get(pk=row.claimed_by_id))


def said(reason: str) -> str:
    """The reason, trimmed. Raises ReasonMissing for an empty one."""
    trimmed = reason.strip()
    if not trimmed:
        raise errors.ReasonMissing
    return trimmed


UNCLAIMED: dict[str, Any] = {"claimed_by": None, "claimed_until": None}
"""What a decision leaves behind: the next step is anybody's again."""
