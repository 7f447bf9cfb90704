"""The secrets in the mails that ask for a confirmation, each bound to its purpose and its customer.

They are made when the mail is rendered and stored nowhere. A withdrawal's is bound to the request and its revision, and
good for an hour at most, a new address's to its entry, for a day; the rows' own `confirm_by` decide too. Each is good
for one use, because its row moves on.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from .models import SavedAddress, WithdrawalRequest

PURPOSE = "payouts.withdrawal.confirm:v1"
ADDRESS_PURPOSE = "payouts.address.confirm:v1"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a token says. `expired`: its hour is over; everything else about it holds."""

    withdrawal_id: int
    customer_id: int
    revision: int
    expired: bool


def confirmation_token(row: WithdrawalRequest) -> str:
    """The token for `row` as it is now."""
    return signing.dumps([row.pk, row.customer_id, row.revision], salt=PURPOSE)


def read_token(token: str) -> Confirmation | None:
    """What `token` says, or None for one that we did not make."""
    try:
        pk, customer_id, revision = signing.loads(token, salt=PURPOSE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Confirmation(
        int(pk),
        int(customer_id),
        int(revision),
        expired=_is_too_old(token, PURPOSE, settings.WITHDRAWAL_CONFIRMATION_SECONDS),
    )


@dataclass(frozen=True, slots=True)
class AddressConfirmation:
    """What the token of a new address says."""

    entry_id: int
    customer_id: int
    expired: bool


def address_token(entry: SavedAddress) -> str:
    """The token that confirms `entry`."""
    return signing.dumps([entry.pk, entry.customer_id], salt=ADDRESS_PURPOSE)


def read_address_token(token: str) -> AddressConfirmation | None:
    """What `token` says, or None for one that we did not make."""
    try:
        pk, customer_id = signing.loads(token, salt=ADDRESS_PURPOSE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return AddressConfirmation(
        int(pk),
        int(customer_id),
        expired=_is_too_old(token, ADDRESS_PURPOSE, settings.ADDRESS_CONFIRMATION_SECONDS),
    )


def _is_too_old(token: str, purpose: str, seconds: int) -> bool:
    try:
        signing.loads(token, salt=purpose, max_age=seconds)
    except signing.SignatureExpired:
        return True
    return False
