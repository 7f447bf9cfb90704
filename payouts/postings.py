"""What each step of a withdrawal does in the ledger. Every posting's key happens once: a retry is harmless."""

from __future__ import annotations

from collections.abc import Iterable

from treasury.ledger import Posting
from treasury.models.ledger import LedgerTransfer

from .models import WithdrawalRequest
from .states import Money

FEE_INCOME = "income:withdrawal_fee"


def available(customer_id: int) -> str:
    """The account with what the customer may spend."""
    return f"customer:{customer_id}:available"


def reserved(customer_id: int) -> str:
    """The account with what is held back for the customer's open withdrawals."""
    return f"customer:{customer_id}:reserved"


def reserve(row: WithdrawalRequest) -> Posting:
    """At the request: amount and fee are held back."""
    return _posting(row, "reserve", available(row.customer_id), reserved(row.customer_id), row.debit_micro)


def postings_for(row: WithdrawalRequest, money: Money) -> list[Posting]:
    """What the ledger does when `row` takes a transition with this effect."""
    held = reserved(row.customer_id)
    match money:
        case Money.STAYS_RESERVED:
            return []
        case Money.RELEASED:
            return [_posting(row, "release", held, available(row.customer_id), row.debit_micro)]
        case Money.PAID:
            paid = [_posting(row, "pay", held, f"asset:{row.network}:hot", row.amount_micro)]
            fee = [_posting(row, "fee", held, FEE_INCOME, row.fee_micro)] if row.fee_micro else []
            return paid + fee


def reserved_for(rows: Iterable[WithdrawalRequest]) -> dict[int, int]:
    """What the ledger holds back for each request, by its id: reserved for its customer, not released and not paid.

    One query. Requests that nothing was reserved for are absent.
    """
    wanted = {row.pk: row for row in rows}
    keys = [f"{row.reference}:{step}" for row in wanted.values() for step in ("reserve", "release", "pay")]
    found = {
        key: (code, int(amount))
        for key, code, amount in LedgerTransfer.objects.filter(key__in=keys).values_list(
            "key", "credit__code", "amount"
        )
    }
    held = {}
    for pk, row in wanted.items():
        code, amount = found.get(f"{row.reference}:reserve", ("", 0))
        gone = f"{row.reference}:release" in found or f"{row.reference}:pay" in found
        if code == reserved(row.customer_id) and not gone:
            held[pk] = amount
    return held


def _posting(row: WithdrawalRequest, step: str, debit: str, credit: str, amount: int) -> Posting:
    return Posting(
        key=f"{row.reference}:{step}",
        debit=debit,
        credit=credit,
        amount=amount,
        kind=f"withdrawal_{step}",
        group=row.reference,
    )
