"""The addresses that a customer knows: those in their book, those they were paid to, their own for deposits.

A new one that looks like a known one is how addresses are poisoned: a thief makes an address with the same ends, has it
turn up in the victim's history, and waits for it to be copied from there.
"""

from __future__ import annotations

from django.db.models import Q

from treasury.models import DepositAddress

from .models import SavedAddress, WithdrawalRequest
from .policy import ends_of

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
