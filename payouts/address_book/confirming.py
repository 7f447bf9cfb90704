"""The customer opens the link in the mail and presses the button: the address is theirs, and its first hours begin."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.settings_lock import require_unlocked
from payouts import emails, errors
from payouts.links import AddressConfirmation, read_address_token
from payouts.models import SavedAddress

from .owners import locked_owner, require_going
from .removing import close

State = SavedAddress.State


def address_of_link(*, token: str, customer_id: int) -> SavedAddress:
    """The entry that the link confirms, for the page with the button. Changes nothing.

    Raises AddressLinkInvalid, AddressLinkExpired, AddressConfirmedAlready, AddressRemovedAlready.
    """
    said = _read(token, customer_id)
    entry = _open(SavedAddress.objects.filter(pk=said.entry_id, customer_id=customer_id).first())
    if said.expired or _is_late(entry):
        raise errors.AddressLinkExpired
    return entry


def confirm_address(*, token: str, customer_id: int, origin: Origin | None = None) -> SavedAddress:
    """Confirm the entry of the link `token`, as the customer who is signed in. It can be paid to after its hold.

    A link that comes too late closes the entry. Raises AddressLinkInvalid, AddressLinkExpired, AddressConfirmedAlready,
    AddressRemovedAlready, SettingsLocked, CustomerInactive, WithdrawalsFrozen.
    """
    said = _read(token, customer_id)
    with transaction.atomic(durable=True):
        owner = locked_owner(customer_id)
        require_unlocked(customer_id)
        require_going(owner)
        entry = _open(
            SavedAddress.objects.select_for_update().filter(pk=said.entry_id, customer_id=customer_id).first()
        )
        late = said.expired or _is_late(entry)
        if late:
            close([entry], State.EXPIRED, actor=None, process="confirmation")
        else:
            now = timezone.now()
            entry.state, entry.confirmed_at = State.CONFIRMED, now
            entry.active_from = now + timedelta(seconds=max(settings.ADDRESS_HOLD_SECONDS, 0))
            entry.save(update_fields=["state", "confirmed_at", "active_from"])
            activity.record(
                actor=owner,
                action="address.confirmed",
                target=entry,
                facts={
                    "network": entry.network,
                    "address": entry.address,
                    "active_from": entry.active_from.isoformat(),
                },
                origin=origin,
            )
            emails.tell_of_address("added", entry, origin)
    if late:
        raise errors.AddressLinkExpired
    return entry


def _read(token: str, customer_id: int) -> AddressConfirmation:
    said = read_address_token(token)
    if said is None or said.customer_id != customer_id:
        raise errors.AddressLinkInvalid
    return said


def _open(entry: SavedAddress | None) -> SavedAddress:
    """The entry, if it waits for its confirmation; otherwise raise what tells the customer why it does not."""
    if entry is None:
        raise errors.AddressLinkInvalid
    match entry.state:
        case State.PENDING:
            return entry
        case State.CONFIRMED:
            raise errors.AddressConfirmedAlready
        case State.EXPIRED:
            raise errors.AddressLinkExpired
        case _:
            raise errors.AddressRemovedAlready


def _is_late(entry: SavedAddress) -> bool:
    return timezone.now() > entry.confirm_by
