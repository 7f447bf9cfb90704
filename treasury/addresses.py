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
    forged: DepositAddress | None = None
    try:
        with transaction.atomic():
            for _ in range(CANDIDATES):
                row = _next_free(family, after_id=forged.pk if forged else 0)
                if row is None:
                    break
                if pool_signatures.verify(row):
                    row.customer_id = customer_id
                    row.assigned_at = timezone.now()
                    row.save(update_fields=["customer", "assigned_at"])
                    return row
                forged = row
    except IntegrityError:  # this customer's other request was first
        pass
    found = _assigned(customer_id, family)
    if found is not None:
        return found
    if forged is not None:
        _require_authentic(forged)
    raise NoAddressAvailable


def _next_free(family: str, *, after_id: int) -> DepositAddress | None:
    """One free row, locked; rows that others are taking just now are passed over."""
    return (
        DepositAddress.objects.select_for_update(skip_locked=True)
        .filter(family=family, customer=None, retired_at=None, pk__gt=after_id)
        .order_by("pk")
        .first()
    )


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
