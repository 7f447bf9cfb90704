"""What we hold and what we owe, per the ledger, at one moment.

Customers' balances are not added up one by one: the ledger is zero-sum by construction, so what is owed to all of them
is what everything else says. That reads some hundred rows however many customers there are; `check_ledger` proves the
construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q, Sum

from treasury.models.ledger import LedgerAccount, Side

CUSTOMERS = ("customer:", "customer;")
"""The range of codes that customers' accounts have: from the first on, before the second."""


@dataclass(frozen=True, slots=True)
class Position:
    """Micro-USDT. `by_network`: network -> place (deposit, hot, cold, in_transit) -> what is there."""

    assets_micro: int
    liabilities_micro: int
    receivable_micro: int
    suspense_micro: int
    by_network: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def coverage_basis_points(self) -> int | None:
        """Assets over liabilities in hundredths of a percent, rounded down; None while nothing is owed."""
        return self.assets_micro * 10_000 // self.liabilities_micro if self.liabilities_micro > 0 else None


def treasury_position() -> Position:
    """The position in USDT, in one query."""
    others = (
        LedgerAccount.objects.filter(Q(code__lt=CUSTOMERS[0]) | Q(code__gte=CUSTOMERS[1]), asset="USDT")
        .annotate(balance=Sum("balances__balance"))
        .values_list("code", "normal_side", "balance")
    )
    owed = assets = receivable = suspense = 0
    by_network: dict[str, dict[str, int]] = {}
    for code, side, total in others:
        balance = int(total or 0)
        owed += balance if side == Side.DEBIT else -balance
        room, *rest = code.split(":")
        if room == "asset":
            assets += balance
            by_network.setdefault(rest[0], {})[rest[1]] = balance
        elif room == "receivable":
            receivable += balance
        elif room == "suspense":
            suspense += balance
    return Position(assets, owed, receivable, suspense, by_network)
