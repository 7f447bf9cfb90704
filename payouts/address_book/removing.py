"""An address leaves the book: at once when the customer says so, by itself when it was never confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.models import User
from payouts import emails, errors
from payouts.known_addresses import LIVE
from payouts.models import SavedAddress

from .owners import locked_owner

State = SavedAddress.State
BATCH = 500


def remove_address(*, customer_id: int, entry_id: UUID, origin: Origin | None = None) -> SavedAddress:
    """Take the address out of the book; from now on nothing is asked for or confirmed to it.

    It needs no step-up, also while the settings are locked: less can be done with a smaller book. Raises
    SavedAddressNotFound, also for somebody else's and for one that is gone already.
    """
    with transaction.atomic(durable=True):
        owner = locked_owner(customer_id)
        entry = (
            SavedAddress.objects.select_for_update()
            .filter(public_id=entry_id, customer_id=customer_id, state__in=LIVE)
            .first()
        )
        if entry is None:
            raise errors.SavedAddressNotFound
        close([entry], State.REMOVED, actor=owner, origin=origin)
        emails.tell_of_address("removed", entry, origin)
    return entry


def expire_addresses(*, limit: int = BATCH) -> int:
    """Close entries that nobody confirmed in time; returns how many."""
    with transaction.atomic(durable=True):
        rows = list(
            SavedAddress.objects.select_for_update(skip_locked=True)
            .filter(state=State.PENDING, confirm_by__lt=timezone.now())
            .order_by("confirm_by")[:limit]
        )
        close(rows, State.EXPIRED, actor=None, process="expiry")
    return len(rows)


def close(
    rows: Sequence[SavedAddress],
    state: State,
    *,
    actor: User | None,
    origin: Origin | None = None,
    process: str = "",
) -> None:
    """Close the locked entries, with a line in the audit for each."""
    now = timezone.now()
    SavedAddress.objects.filter(pk__in=[entry.pk for entry in rows]).update(state=state, closed_at=now)
    for entry in rows:
        entry.state, entry.closed_at = state, now
    activity.record_many(
        activity.Entry(
            action=f"address.{state}",
            target=entry,
            facts={"network": entry.network, "address": entry.address, "label": entry.label},
            actor=actor,
            origin=origin,
            process=process,
        )
        for entry in rows
    )
