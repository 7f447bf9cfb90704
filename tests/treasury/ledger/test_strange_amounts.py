"""Amounts that are no whole numbers never reach the books, whoever calls the ledger's function, and however."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests.support.databases import CommittedDatabase

OPEN = "SELECT exchequer_ledger_open(ARRAY['equity:opening', 'customer:1:available', 'customer:2:available'],"
OPEN += " ARRAY['USDT', 'USDT', 'USDT'])"
POST = (
    "SELECT exchequer_ledger_post(%s::text[], %s::text[], %s::text[], %s::numeric[],"
    " array_fill('test'::text, ARRAY[cardinality(%s::text[])]), array_fill(''::text, ARRAY[cardinality(%s::text[])]))"
)
BALANCES = (
    "SELECT a.code, sum(b.balance)::text FROM treasury_ledgeraccount a JOIN treasury_ledgerbalance b"
    " ON b.account_id = a.id GROUP BY a.code ORDER BY a.code"
)


def post(app: psycopg.Connection, *rows: tuple[str, str, str, str]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    app.execute(POST, [*columns, columns[0], columns[0]])


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "0.4", "0.5", "1.5", "-1", "0", "1e38"])
@pytest.mark.parametrize("others", [0, 1])
def test_an_amount_that_is_not_whole_is_refused(committed_db: CommittedDatabase, amount: str, others: int) -> None:
    with psycopg.connect(committed_db.app_url, autocommit=True) as app:
        app.execute(OPEN)
        post(app, ("a", "equity:opening", "customer:1:available", "10"))
        with pytest.raises((errors.CheckViolation, errors.NumericValueOutOfRange)):
            post(
                app,
                ("b", "equity:opening", "customer:2:available", amount),
                *[("c", "equity:opening", "customer:1:available", "1")] * others,
            )
        assert dict(app.execute(BALANCES).fetchall()) == {
            "equity:opening": "-10",
            "customer:1:available": "10",
            "customer:2:available": "0",
        }
