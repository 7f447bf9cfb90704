"""Withdrawals wait for a while after a change that a thief would make first: of password, e-mail or second factors.
So they do after a freeze by a person, which may have stopped a thief whose waiting times ran on (`freezes`).

Holds are rows that never change; of several that run the one that ends last counts. Nobody shortens one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import activity
from .models import User, UserProfile, WithdrawalHold

Kind = WithdrawalHold.Kind
LENGTHEN = "accounts.freeze_customer"
LONGEST_DAYS = 90


class HoldError(Exception):
    """Base of what stops a hold from being made. `message` may be shown."""

    message: str | Promise = _("This hold is not possible.")

    def __str__(self) -> str:
        return str(self.message)


class HoldNotLonger(HoldError):
    message = _("A hold can only be lengthened: choose a later time, in the future.")


class HoldTooLong(HoldError):
    message = _("A hold lasts 90 days at most. Freeze the withdrawals instead.")


class HoldNotPermitted(HoldError):
    message = _("You may not hold the withdrawals of a customer.")


def hold_withdrawals(
    *,
    user_id: int,
    kind: str,
    seconds: int | None = None,
    reason: str = "",
    actor: User | None = None,
    origin: activity.Origin | None = None,
    process: str = "",
) -> datetime | None:
    """No withdrawal of this person is requested, confirmed, approved or ordered for `seconds` from now.

    `seconds` is WITHDRAWAL_HOLD_SECONDS when it is not given. Joins the caller's transaction: call it in the commit
    of the change. Returns when this hold ends, None if the operator's setting is no time at all.
    """
    length = settings.WITHDRAWAL_HOLD_SECONDS if seconds is None else seconds
    if length <= 0:
        return None
    now = timezone.now()
    with transaction.atomic():
        _wait_for_requests(user_id)
        return _hold(
            user_id=user_id,
            kind=kind,
            until=now + timedelta(seconds=length),
            reason=reason,
            actor=actor,
            origin=origin,
            process=process,
        )


def lengthen_hold(
    *, user_id: int, until: datetime, reason: str, actor: User, origin: activity.Origin | None = None
) -> datetime:
    """Support has the withdrawals of this person wait until `until`, whether a hold runs now or not.

    Raises HoldNotPermitted, HoldNotLonger for a time that is past or before the end of the hold that runs, HoldTooLong.
    """
    person = User.objects.filter(pk=actor.pk, is_active=True, is_staff=True).first()
    if person is None or not person.has_perm(LENGTHEN):
        raise HoldNotPermitted
    now = timezone.now()
    if until > now + timedelta(days=LONGEST_DAYS):
        raise HoldTooLong
    with transaction.atomic():
        _wait_for_requests(user_id)
        if until <= (held_until(user_id) or now):
            raise HoldNotLonger
        return _hold(
            user_id=user_id, kind=Kind.SUPPORT, until=until, reason=reason, actor=person, origin=origin, process=""
        )


def _wait_for_requests(user_id: int) -> None:
    """A request or confirmation that is being made ends first, and what comes after it sees the hold."""
    UserProfile.objects.get_or_create(user_id=user_id)
    UserProfile.objects.select_for_update(of=("self",)).get(user_id=user_id)


def _hold(
    *,
    user_id: int,
    kind: str,
    until: datetime,
    reason: str,
    actor: User | None,
    origin: activity.Origin | None,
    process: str,
) -> datetime:
    WithdrawalHold.objects.create(
        user_id=user_id,
        kind=Kind(kind),
        held_from=timezone.now(),
        held_until=until,
        reason=reason[:200],
        actor=actor,
    )
    activity.record(
        actor=actor,
        action="withdrawals.held",
        target=("accounts.user", str(user_id)),
        facts={"kind": str(kind), "until": until.isoformat(), "reason": reason},
        origin=origin,
        process=process,
    )
    return until


# --- reading --------------------------------------------------------------------------------------------------------


def running_holds() -> QuerySet[WithdrawalHold]:
    """Every hold that runs now, of everybody."""
    return WithdrawalHold.objects.filter(held_until__gt=timezone.now())


def running_hold(user_id: int) -> WithdrawalHold | None:
    """The hold of this person that ends last, if one runs."""
    return running_holds().filter(user_id=user_id).order_by("-held_until").first()


def held_until(user_id: int) -> datetime | None:
    """When this person's withdrawals go on; None when nothing holds them."""
    return running_holds().filter(user_id=user_id).aggregate(until=Max("held_until"))["until"]


def held_among(user_ids: Iterable[int]) -> dict[int, datetime]:
    """Which of these people are held, and until when; one query."""
    rows = running_holds().filter(user_id__in=set(user_ids)).values_list("user_id").annotate(Max("held_until"))
    return dict(rows)
