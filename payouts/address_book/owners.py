"""Whose book it is, locked: changes of a book and requests for withdrawals come one after the other."""

from __future__ import annotations

from accounts.models import User, UserProfile
from payouts import errors


def locked_owner(customer_id: int) -> User:
    """The customer, with their profile, which is locked until the transaction ends."""
    return UserProfile.objects.select_for_update(of=("self",)).select_related("user").get(user_id=customer_id).user


def require_going(owner: User) -> None:
    """Return if the account is open and nobody froze its withdrawals. Raises CustomerInactive, WithdrawalsFrozen.

    Whoever froze them may have reasons not to trust who is there: no waiting time begins meanwhile.
    """
    if not owner.is_active:
        raise errors.CustomerInactive
    if owner.profile.withdrawals_frozen_at is not None:
        raise errors.WithdrawalsFrozen
