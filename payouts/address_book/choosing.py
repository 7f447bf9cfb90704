"""The customer's choice: withdrawals to saved addresses only, which is how everybody begins, or to any address."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.models import User, UserProfile
from accounts.profiles import ensure_profile
from accounts.second_factor import StepUp, verify_step_up
from accounts.settings_lock import require_unlocked
from payouts import emails

from .owners import locked_owner, require_going


def allow_any_address(*, customer_id: int, step_up: StepUp, origin: Origin | None = None) -> datetime:
    """Withdrawals may go to addresses that are not saved; returns from when on, as long as a new address waits.

    Asked for again it changes nothing, so that nothing is begun anew. Raises StepUpFailed, SettingsLocked,
    CustomerInactive, WithdrawalsFrozen.
    """
    customer = User.objects.get(pk=customer_id)
    verify_step_up(user=customer, credential=step_up, origin=origin)
    ensure_profile(customer)
    with transaction.atomic(durable=True):
        owner = locked_owner(customer_id)
        require_unlocked(customer_id)
        require_going(owner)
        if owner.profile.any_address_from is not None:
            return owner.profile.any_address_from
        begins = timezone.now() + timedelta(seconds=max(settings.ADDRESS_HOLD_SECONDS, 0))
        UserProfile.objects.filter(user_id=customer_id).update(any_address_from=begins)
        activity.record(
            actor=owner,
            action="address_book.any_address_allowed",
            target=owner,
            facts={"from": begins.isoformat()},
            origin=origin,
        )
        emails.tell_of_any_address(owner, begins, origin)
    return begins


def allow_saved_addresses_only(*, customer_id: int, origin: Origin | None = None) -> bool:
    """Withdrawals go to saved addresses only, from now on. Returns False when they did already.

    Raises SettingsLocked.
    """
    ensure_profile(User.objects.get(pk=customer_id))
    with transaction.atomic(durable=True):
        owner = locked_owner(customer_id)
        require_unlocked(customer_id)
        if owner.profile.any_address_from is None:
            return False
        UserProfile.objects.filter(user_id=customer_id).update(any_address_from=None)
        activity.record(actor=owner, action="address_book.saved_only", target=owner, origin=origin)
    return True
