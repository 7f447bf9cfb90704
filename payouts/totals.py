"""What a customer brought in, was paid, and has invested: sums of the ledger, never stored, so they cannot drift.

`total_deposit_amount`  deposits credited, less those that the chain took back; what a reorg left owing counts as taken
                        back, and as brought again once it is cleared.
`total_payout_amount`   profit paid out to the customer, less payouts that were reversed.
`active_investment`     what is invested now.

Each is told by the kinds of the transfers on the customer's own accounts, in micro-USDT. Whoever books payouts and
investments has to use these kinds and accounts and nothing else: see docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accounts.models import UserProfile
from treasury.deposits.postings import CUSTOMER_KINDS as DEPOSIT_KINDS
from treasury.statements import fetch

PAYOUT: Final = "payout"
PAYOUT_REVERSED: Final = "payout_reversed"
PAYOUT_KINDS: Final = (PAYOUT, PAYOUT_REVERSED)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one customer, in micro-USDT. The names are the owner's."""

    total_deposit_amount: int = 0
    total_payout_amount: int = 0
    active_investment: int = 0


def legs(customers: str, transfers: str = "TRUE") -> str:
    """The legs of customers' own accounts as SQL: (customer_id, kind, amount), an amount that came in being positive.

    `customers` is a query of ids, `transfers` a condition on transfers `t`. What a customer owes after a reorg is an
    account of theirs too: it takes a reversal's unpaid part, and gives it back.
    """
    return f"""
    own AS (
        SELECT customer.id AS customer_id, account.id AS account_id
          FROM ({customers}) AS customer (id)
         CROSS JOIN LATERAL (VALUES ('customer:' || customer.id || ':available'),
                                    ('customer:' || customer.id || ':invested'),
                                    ('receivable:reorg:' || customer.id)) AS one (code)
          JOIN treasury_ledgeraccount account ON account.code = one.code
    ), legs AS (
        SELECT own.customer_id, t.kind, t.amount
          FROM own JOIN treasury_ledgertransfer t ON t.credit_id = own.account_id WHERE {transfers}
        UNION ALL
        SELECT own.customer_id, t.kind, -t.amount
          FROM own JOIN treasury_ledgertransfer t ON t.debit_id = own.account_id WHERE {transfers}
    )
    """  # noqa: S608  # queries of our own


_TOTALS: Final = f"""
WITH {legs("SELECT unnest(%(customers)s::bigint[])")}
SELECT customer_id, coalesce(sum(amount) FILTER (WHERE kind = ANY(%(deposits)s)), 0),
       coalesce(sum(amount) FILTER (WHERE kind = ANY(%(payouts)s)), 0), 0
  FROM legs GROUP BY customer_id
UNION ALL
SELECT customer.id, 0, 0, balance.balance
  FROM unnest(%(customers)s::bigint[]) AS customer (id)
  JOIN treasury_ledgeraccount account ON account.code = 'customer:' || customer.id || ':invested'
  JOIN treasury_ledgerbalance balance ON balance.account_id = account.id
"""  # noqa: S608  # as above


def totals_of(customer_ids: Iterable[int]) -> dict[int, Totals]:
    """The totals of each of these customers, in one query for all of them."""
    ids = sorted(set(customer_ids))
    found = dict.fromkeys(ids, (0, 0, 0))
    if ids:
        values = {"customers": ids, "deposits": list(DEPOSIT_KINDS), "payouts": list(PAYOUT_KINDS)}
        for customer_id, *sums in fetch(_TOTALS, values):
            deposited, paid_out, invested = found[customer_id]
            found[customer_id] = (deposited + int(sums[0]), paid_out + int(sums[1]), invested + int(sums[2]))
    return {customer_id: Totals(*sums) for customer_id, sums in found.items()}


def fill_totals(profiles: Iterable[UserProfile]) -> list[UserProfile]:
    """The same profiles, each with its `total_deposit_amount`, `total_payout_amount` and `active_investment`."""
    rows = list(profiles)
    totals = totals_of(row.user_id for row in rows)
    for row in rows:
        of_row = totals[row.user_id]
        row.total_deposit_amount = of_row.total_deposit_amount  # type: ignore[attr-defined]  # not columns: see above
        row.total_payout_amount = of_row.total_payout_amount  # type: ignore[attr-defined]
        row.active_investment = of_row.active_investment  # type: ignore[attr-defined]
    return rows
