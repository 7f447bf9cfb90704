"""What ties withdrawals, and what customers are told of their deposits, to the ledger, for `manage.py check_ledger`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from treasury.deposits.postings import CUSTOMER_KINDS as DEPOSIT_KINDS
from treasury.ledger_checks import register_check

from .totals import legs

# Each request's postings leave on the accounts what its state says: reserved, given back, or paid with its fee.
_WITHDRAWALS: Final = """
WITH booked AS (
    SELECT t."group" AS reference,
           sum(CASE WHEN c.code LIKE 'customer:%%:reserved' THEN t.amount
                    WHEN d.code LIKE 'customer:%%:reserved' THEN -t.amount ELSE 0 END) AS reserved,
           sum(CASE WHEN c.code LIKE 'asset:%%:hot' THEN t.amount ELSE 0 END) AS paid,
           sum(CASE WHEN c.code = 'income:withdrawal_fee' THEN t.amount ELSE 0 END) AS fee
      FROM treasury_ledgertransfer t
      JOIN treasury_ledgeraccount d ON d.id = t.debit_id
      JOIN treasury_ledgeraccount c ON c.id = t.credit_id
     WHERE t."group" LIKE 'withdrawal:%%'
     GROUP BY 1
), wanted AS (
    SELECT 'withdrawal:' || id AS reference, state,
           CASE WHEN state IN ('expired', 'cancelled', 'rejected', 'returned', 'paid') THEN 0
                ELSE amount_micro + fee_micro END AS reserved,
           CASE WHEN state = 'paid' THEN amount_micro ELSE 0 END AS paid,
           CASE WHEN state = 'paid' THEN fee_micro ELSE 0 END AS fee
      FROM payouts_withdrawalrequest
)
SELECT concat_ws(' ', coalesce(w.reference, b.reference), w.state),
       CASE WHEN w.reference IS NULL THEN 'no postings'
            ELSE format('%%s reserved, %%s paid, %%s fee', w.reserved, w.paid, w.fee) END,
       CASE WHEN w.reference IS NULL THEN 'postings of a withdrawal that does not exist'
            ELSE format('%%s reserved, %%s paid, %%s fee', coalesce(b.reserved, 0), coalesce(b.paid, 0),
                        coalesce(b.fee, 0)) END
  FROM wanted w FULL JOIN booked b ON b.reference = w.reference
 WHERE w.reference IS NULL
    OR (w.reserved, w.paid, w.fee) <> (coalesce(b.reserved, 0), coalesce(b.paid, 0), coalesce(b.fee, 0))
"""

# Nothing is called paid, or given back after it was ordered, against what treasury's order says.
_ORDERS: Final = """
SELECT concat_ws(' ', 'withdrawal', w.id, w.state),
       CASE w.state WHEN 'paid' THEN 'one settled order' ELSE 'no open or settled order' END,
       coalesce(string_agg(o.state, ', '), 'no order')
  FROM payouts_withdrawalrequest w
  LEFT JOIN treasury_paymentorder o ON o.reference = 'withdrawal:' || w.id
 WHERE w.state IN ('paid', 'returned', 'rejected', 'expired', 'cancelled')
 GROUP BY w.id
HAVING CASE w.state WHEN 'paid' THEN count(o.id) FILTER (WHERE o.state = 'settled') <> 1
                                  OR count(o.id) FILTER (WHERE o.state = 'open') > 0
                    ELSE count(o.id) FILTER (WHERE o.state IN ('settled', 'open')) > 0 END
"""

# What a customer's profile says they brought in (`payouts.totals`) is the sum of their credited deposits' rows.
_CUSTOMERS: Final = r"""
SELECT DISTINCT substring(code FROM '^(?:customer|receivable:reorg):([0-9]+)')::bigint
  FROM treasury_ledgeraccount WHERE code ~ '^(?:customer|receivable:reorg):[0-9]+'
"""
_DEPOSIT_TOTALS: Final = f"""
WITH {legs(_CUSTOMERS, '''t."group" ~ '^deposit:[0-9]+:[0-9]+$' AND t.kind = ANY(%s::text[])''')}, booked AS (
    SELECT customer_id, sum(amount) AS micro FROM legs GROUP BY customer_id
), wanted AS (
    SELECT coalesce(d.credited_to_id, a.customer_id) AS customer_id, sum(d.amount_micro) AS micro
      FROM treasury_deposit d JOIN treasury_depositaddress a ON a.id = d.deposit_address_id
     WHERE d.state = 'credited' GROUP BY 1
)
SELECT 'customer ' || coalesce(w.customer_id, b.customer_id), coalesce(w.micro, 0), coalesce(b.micro, 0)
  FROM wanted w FULL JOIN booked b ON b.customer_id = w.customer_id
 WHERE coalesce(w.micro, 0) <> coalesce(b.micro, 0)
"""  # noqa: S608  # queries of our own


def _deposit_kinds() -> Sequence[object]:
    return [list(DEPOSIT_KINDS)] * 2  # once for each side of a transfer


def register_all() -> None:
    """Called once, when the app is ready."""
    register_check("withdrawals", _WITHDRAWALS)
    register_check("withdrawal_orders", _ORDERS)
    register_check("customer_deposits", _DEPOSIT_TOTALS, _deposit_kinds)
