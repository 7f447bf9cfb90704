"""Whose book it is, locked: changes of a book and requests for withdrawals come one after the other."""

from __future__ import annotations

from accounts.models import User, UserProfile


def locked_owner(customer_id: int) -> User:
    """The customer, with their profile, which is locked until the transaction ends."""
    return UserProfile.objects.select_for_update(of=("self",)).select_related("user").get(user_id=customer_id).user
