"""A changed second factor and all that follows from it, in one commit: the hold on withdrawals, the audit, the mail.

allauth changes the factor in a commit of its own and tells of it afterwards; a process that dies between the two would
leave a factor that holds nothing and that nobody was told of. So what happened is read off the factors themselves,
before and after, inside the transaction around allauth's page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.models import Authenticator
from django.db import transaction

from . import activity, failpoints
from .holds import Kind, hold_withdrawals
from .models import User
from .outbox import queue_mail
from .profiles import ensure_profile
from .security_emails import where
from .settings_lock import require_unlocked

Factors = Mapping[int, Authenticator]
CODES = Authenticator.Type.RECOVERY_CODES


@contextmanager
def changing_factors(*, user_id: int, origin: activity.Origin) -> Iterator[None]:
    """Whatever becomes of this person's factors in the block is committed at its end, with what follows from it.

    Nobody locks the settings meanwhile. Raises SettingsLocked.
    """
    with transaction.atomic(durable=True):
        user = User.objects.get(pk=user_id)
        ensure_profile(user)
        require_unlocked(user_id)
        before = _factors(user_id)
        yield
        _follow(user, before, _factors(user_id), origin)
        failpoints.hit("before_factor_commit")
    failpoints.hit("after_factor_commit")


def _factors(user_id: int) -> Factors:
    return {factor.pk: factor for factor in Authenticator.objects.filter(user=user_id).order_by("pk")}


def _follow(user: User, before: Factors, after: Factors, origin: activity.Origin) -> None:
    added = [factor for pk, factor in after.items() if pk not in before]
    removed = [factor for pk, factor in before.items() if pk not in after]
    until = None
    if any(factor.type != CODES for factor in (*added, *removed)):
        until = hold_withdrawals(user_id=user.pk, kind=Kind.SECOND_FACTOR, actor=user, origin=origin)
    # Codes that come with the first factor, or go with the last, are part of that; by themselves they were made anew.
    if {factor.type for factor in added} == {CODES}:
        _codes_made(user, added[0], origin)
        removed, added = [factor for factor in removed if factor.type != CODES], []
    for deed, factors in (("added", added), ("removed", removed)):
        for factor in factors:
            _record(user, f"second_factor.{deed}", factor, origin)
            if factor.type != CODES:
                _tell(user, deed, factor, until, origin)


def _codes_made(user: User, codes: Authenticator, origin: activity.Origin) -> None:
    _record(user, "second_factor.recovery_codes_made", codes, origin)
    queue_mail(
        key=f"recovery_codes_created:{codes.pk}",
        template="recovery_codes_created",
        user=user,
        facts={"count": int(mfa_settings.RECOVERY_CODE_COUNT), **where(origin)},
    )


def _record(user: User, action: str, factor: Authenticator, origin: activity.Origin) -> None:
    """A changed factor holds withdrawals: a thief would add theirs. Recovery codes open no money and hold nothing."""
    activity.record(actor=user, action=action, target=user, facts={"kind": str(factor.type)}, origin=origin)


def _tell(user: User, deed: str, factor: Authenticator, until: datetime | None, origin: activity.Origin) -> None:
    queue_mail(
        key=f"second_factor_{deed}:{factor.pk}",
        template=f"second_factor_{deed}",
        user=user,
        facts={
            "kind": str(factor.type),
            "name": str(factor.data.get("name") or ""),
            "hold_until": until.isoformat() if until else "",
            **where(origin),
        },
    )
