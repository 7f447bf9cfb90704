"""The addresses that a customer knows: those in their book, those they were paid to, their own for deposits.

A new one that looks like a known one is how addresses are poisoned: a thief makes an address with the same ends, has it
turn up in the victim's history, and waits for it to be copied from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from treasury.models import DepositAddress

from .models import SavedAddress, WithdrawalRequest
from .policy import Saved, ends_of, only_saved, saved_as

LIVE = (SavedAddress.State.PENDING, SavedAddress.State.CONFIRMED)


def entry_of(customer_id: int, network: str, address: str) -> SavedAddress | None:
    """The live entry for this canonical address in the customer's book."""
    return SavedAddress.objects.filter(
        customer_id=customer_id, network=network, address=address, state__in=LIVE
    ).first()


def resembled_by(customer_id: int, address: str) -> str:
    """A known address that the canonical `address` is like at both ends, if it is new itself; "" otherwise.

    One query, or two for an address that has a look-alike.
    """
    first, last = ends_of(address)
    start = "0x" if address.startswith("0x") else "T"
    alike = Q(address__istartswith=start + first, address__iendswith=last)
    paid = WithdrawalRequest.objects.filter(customer_id=customer_id, state=WithdrawalRequest.State.PAID)
    saved = SavedAddress.objects.filter(alike, customer_id=customer_id, state__in=LIVE)
    own = DepositAddress.objects.filter(alike, customer_id=customer_id)
    others = (
        saved.exclude(address=address)
        .values_list("address")
        .union(
            paid.filter(alike).exclude(address=address).values_list("address"),
            own.exclude(address=address).values_list("address"),
        )
    )
    found = sorted(other for (other,) in others)
    if not found or paid.filter(address=address).exists():
        return ""
    return str(found[0])


# --- the address book, as its owner sees it -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BookEntry:
    """A live entry of the address book, and what it is worth now."""

    row: SavedAddress
    worth: Saved

    @property
    def is_active(self) -> bool:
        return self.worth is Saved.ACTIVE


def address_book_of(customer_id: int) -> list[BookEntry]:
    """The customer's live entries in one query: those that can be paid to first, by name."""
    now = timezone.now()
    rows = SavedAddress.objects.filter(customer_id=customer_id, state__in=LIVE)
    entries = [BookEntry(row, saved_as(row.state, row.active_from, now)) for row in rows]
    return sorted(entries, key=lambda each: (not each.is_active, each.row.label.casefold(), each.row.pk))


@dataclass(frozen=True, slots=True)
class AddressChoice:
    """Whether withdrawals go to saved addresses only; `any_from`: when they no longer do, if that was asked for."""

    only_saved: bool
    any_from: datetime | None


def address_choice(any_address_from: datetime | None) -> AddressChoice:
    """The choice that a profile holds, as things are now."""
    return AddressChoice(only_saved(any_address_from, timezone.now()), any_address_from)
