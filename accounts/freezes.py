"""Stop a customer's withdrawals, and let them go again. Both are audited; the first reason stays until the thaw.

The customer freezes by themselves, at once, from the page or from a mail. Only support lets the money go again, with a
reason, and two of them: whoever can talk one person on the telephone into it has not talked two. The waiting times of
what a thief began before the freeze (a new address, say) run on during it; so where a person froze, withdrawals wait a
day more, for the owner to look.
"""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import activity, devices, sessions
from .holds import held_until, hold_withdrawals
from .models import User, UserProfile, WithdrawalHold
from .outbox import queue_mail
from .security_emails import where

BY_OWNER = "frozen by the customer"
BY_LINK = "frozen by the link in a mail"


class ThawRefused(Exception):
    """The thaw is not possible; `message` is for the person who asked."""

    message = _("The withdrawals of this customer are not frozen.")


class AnotherPersonNeeded(ThawRefused):
    message = _("You have asked for this. Another person has to confirm it.")


def freeze_withdrawals(
    *,
    user_id: int,
    reason: str,
    actor: User | None = None,
    process: str = "",
    origin: activity.Origin | None = None,
) -> bool:
    """No withdrawal of this customer is requested, confirmed, approved or sent from now on.

    By a person (`actor`), it is because somebody else may be in there: sessions end and devices are forgotten too. A
    process freezes because of money, and leaves the customer signed in. Joins the caller's transaction. Returns False
    when they were frozen already; a thaw that was asked for is off.
    """
    with transaction.atomic():
        by = "support" if actor else "system"
        changed = _freeze(user_id, reason, by=by, actor=actor, process=process, origin=origin)
        if actor is not None:
            _shut_out(user_id)
    return changed


def freeze_account(*, user_id: int, origin: activity.Origin | None = None) -> bool:
    """The owner's own brake: withdrawals stop, every session ends, every device is forgotten.

    Returns False when withdrawals were frozen already; the rest is done all the same.
    """
    with transaction.atomic():
        owner = User.objects.get(pk=user_id)
        changed = _freeze(user_id, BY_OWNER, by="customer", actor=owner, origin=origin)
        _shut_out(user_id)
    return changed


def freeze_by_link(*, user_id: int, about: str, origin: activity.Origin | None = None) -> bool:
    """The same by "This wasn't me" in the mail `about`. All that is known of who pressed it is that they read the mail.

    Returns False when withdrawals were frozen already; the rest is done all the same.
    """
    with transaction.atomic():
        changed = _freeze(user_id, BY_LINK, by="customer", process="not-me-link", about=about, origin=origin)
        _shut_out(user_id)
    return changed


def _shut_out(user_id: int) -> None:
    UserProfile.objects.filter(user_id=user_id).update(frozen_by_person=True)
    sessions.end_sessions(user_id=user_id, by="frozen")
    devices.revoke_all_devices(user_id=user_id)


def ask_to_thaw(*, user_id: int, reason: str, actor: User, origin: activity.Origin | None = None) -> bool:
    """Let withdrawals of this customer go on: the first person asks, a second one confirms.

    Returns True once they go on, False when the second person is still to come.
    Raises ThawRefused when nothing is frozen, AnotherPersonNeeded for the same person twice.
    """
    with transaction.atomic():
        profile = UserProfile.objects.select_for_update().filter(user_id=user_id).first()
        if profile is None or profile.withdrawals_frozen_at is None:
            raise ThawRefused
        if profile.thaw_asked_by_id == actor.pk:
            raise AnotherPersonNeeded
        target = ("accounts.user", str(user_id))
        if profile.thaw_asked_by_id is None:
            UserProfile.objects.filter(pk=profile.pk).update(
                thaw_asked_by=actor, thaw_asked_at=timezone.now(), thaw_reason=reason[:200]
            )
            activity.record(
                actor=actor, action="withdrawals.thaw_asked", target=target, facts={"reason": reason}, origin=origin
            )
            return False
        _thaw(profile, reason, actor, origin)
    return True


def _freeze(
    user_id: int,
    reason: str,
    *,
    by: str,
    actor: User | None = None,
    process: str = "",
    about: str = "",
    origin: activity.Origin | None = None,
) -> bool:
    with transaction.atomic():
        UserProfile.objects.get_or_create(user_id=user_id)  # no row to freeze would be no freeze
        UserProfile.objects.filter(user_id=user_id).update(**NOT_ASKED)
        changed = UserProfile.objects.filter(user_id=user_id, withdrawals_frozen_at=None).update(
            withdrawals_frozen_at=timezone.now(), withdrawals_frozen_reason=reason[:200]
        )
        activity.record(
            actor=actor,
            action="withdrawals.frozen",
            target=("accounts.user", str(user_id)),
            facts={"reason": reason, "already_frozen": not changed} | ({"about": about} if about else {}),
            process=process,
            origin=origin,
        )
        if changed:
            queue_mail(
                key=f"account_frozen:{user_id}:{uuid4().hex}",
                template="account_frozen",
                user=User.objects.get(pk=user_id),
                facts={"by": by, **where(origin if by == "customer" else None)},
            )
    return bool(changed)


NOT_ASKED: dict[str, object] = {"thaw_asked_by": None, "thaw_asked_at": None, "thaw_reason": ""}


def _thaw(profile: UserProfile, reason: str, actor: User, origin: activity.Origin | None) -> None:
    UserProfile.objects.filter(pk=profile.pk).update(
        withdrawals_frozen_at=None, withdrawals_frozen_reason="", frozen_by_person=False, **NOT_ASKED
    )
    if profile.frozen_by_person:
        hold_withdrawals(user_id=profile.user_id, kind=WithdrawalHold.Kind.UNFROZEN, actor=actor, origin=origin)
    until = held_until(profile.user_id)  # another hold may run longer
    activity.record(
        actor=actor,
        action="withdrawals.unfrozen",
        target=("accounts.user", str(profile.user_id)),
        facts={"reason": reason, "asked_by": profile.thaw_asked_by_id, "asked_reason": profile.thaw_reason},
        origin=origin,
    )
    queue_mail(
        key=f"account_unfrozen:{profile.user_id}:{uuid4().hex}",
        template="account_unfrozen",
        user=User.objects.get(pk=profile.user_id),
        facts={**where(None), "hold_until": until.isoformat() if until else ""},
    )
