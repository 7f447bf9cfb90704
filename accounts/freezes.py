"""Stop a customer's withdrawals, and let them go again. Both are audited; the first reason stays until the thaw."""

from django.db import transaction
from django.utils import timezone

from . import activity
from .models import User, UserProfile


def freeze_withdrawals(*, user_id: int, reason: str, actor: User | None = None, process: str = "") -> bool:
    """No withdrawal of this customer is requested, confirmed, approved or sent from now on.

    Joins the caller's transaction. Returns False when they were frozen already.
    """
    with transaction.atomic():
        UserProfile.objects.get_or_create(user_id=user_id)  # no row to freeze would be no freeze
        changed = UserProfile.objects.filter(user_id=user_id, withdrawals_frozen_at=None).update(
            withdrawals_frozen_at=timezone.now(), withdrawals_frozen_reason=reason[:200]
        )
        activity.record(
            actor=actor,
            action="withdrawals.frozen",
            target=("accounts.user", str(user_id)),
            facts={"reason": reason, "already_frozen": not changed},
            process=process,
        )
    return bool(changed)


def unfreeze_withdrawals(*, user_id: int, reason: str = "", actor: User | None = None, process: str = "") -> bool:
    """Withdrawals of this customer go on. Returns False when they were not frozen."""
    with transaction.atomic():
        changed = UserProfile.objects.filter(user_id=user_id, withdrawals_frozen_at__isnull=False).update(
            withdrawals_frozen_at=None, withdrawals_frozen_reason=""
        )
        if changed:
            activity.record(
                actor=actor,
                action="withdrawals.unfrozen",
                target=("accounts.user", str(user_id)),
                facts={"reason": reason},
                process=process,
            )
    return bool(changed)
