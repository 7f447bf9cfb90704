"""Giving each customer a deposit address of the pool, and never showing one that the signer did not sign."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from treasury import pool_signatures
from treasury.alarms import raise_alarm
from treasury.models import Alarm, DepositAddress

CANDIDATES = 5
"""Free rows looked at in one call: a few changed ones among them don't stop the others from being given out."""


class AddressError(Exception):
    """Base: no deposit address can be shown. `message` is for the customer."""

    message = _("A deposit address cannot be shown at the moment.")


class NoAddressAvailable(AddressError):
    """The pool has no free address of this family: the signer is away or behind."""

    message = _("No deposit address is available at the moment. Please try again in a few minutes.")


class AddressNotAuthentic(AddressError):
    """The row's signature does not verify: it was changed, or was not made by our signer. Never show it."""

    message = _("This deposit address could not be verified and is not shown. Please contact support.")


def deposit_address_for(*, customer_id: int, family: str) -> str:
    """The customer's deposit address on every network of `family`; assigned from the pool at the first call.

    The signature is checked at every call, so a row changed in the database is never shown.
    Raises NoAddressAvailable, AddressNotAuthentic (which also raises a critical alarm).
    """
    row = _assigned(customer_id, family) or _assign(customer_id, family)
    _require_authentic(row)
    return row.address


def _assigned(customer_id: int, family: str) -> DepositAddress | None:
    return DepositAddress.objects.filter(customer_id=customer_id, family=family, retired_at=None).first()


def _assign(customer_id: int, family: str) -> DepositAddress:
    try:
        with transaction.atomic():
            candidates = list(
                DepositAddress.objects.select_for_update(skip_locked=True)
                .filter(family=family, customer=None, retired_at=None)
                .order_by("id")[:CANDIDATES]
            )
            row = next((row for row in candidates if pool_signatures.verify(row)), None)
            if row is not None:
                row.customer_id = customer_id
                row.assigned_at = timezone.now()
                row.save(update_fields=["customer", "assigned_at"])
                return row
    except IntegrityError:  # this customer's other request was first
        row = _assigned(customer_id, family)
        if row is not None:
            return row
        raise
    if candidates:
        _require_authentic(candidates[0])
    raise NoAddressAvailable


def _require_authentic(row: DepositAddress) -> None:
    if pool_signatures.verify(row):
        return
    raise_alarm(
        key=f"address_not_authentic:{row.pk}",
        severity=Alarm.Severity.CRITICAL,
        message="A deposit address in the database does not carry the signer's signature. It is not shown to anybody.",
        facts={"deposit_address_id": row.pk, "family": row.family, "address": row.address},
    )
    raise AddressNotAuthentic
