"""Ten thousand transfers in one `post_many`: one payer to 10,000 customers, as a day's result is paid out.

The bare SQL is the least that could be called a ledger: one statement that inserts the rows that are not there yet and
adds what it inserted to the balances, of ids it knows, from a table on the server, with no floor and no check. It works
on tables of the same shape, with the same indexes.
"""

from __future__ import annotations

import itertools
import time

import psycopg

from benchmarks._ledger import CUSTOMERS, Hordak, funded_database, product_client
from benchmarks.support import Bench, Database

SIZE = 10_000
BATCHES = 5
_numbers = itertools.count(1)

PREPARE = """
CREATE TABLE bare_transfer (LIKE treasury_ledgertransfer INCLUDING ALL);
INSERT INTO bare_transfer (key, debit_id, credit_id, amount, kind, "group")
SELECT key, debit_id, credit_id, amount, kind, "group" FROM treasury_ledgertransfer;
CREATE TABLE bare_balance (LIKE treasury_ledgerbalance INCLUDING ALL) WITH (fillfactor = 50);
INSERT INTO bare_balance SELECT * FROM treasury_ledgerbalance;
CREATE TABLE staged (key text, debit_id bigint, credit_id bigint);
"""
STAGE = """
INSERT INTO staged
SELECT 'bare:' || %s || ':' || row_number() OVER (), payer.id, customer.id
  FROM (SELECT id FROM treasury_ledgeraccount WHERE code = 'float:bench') AS payer,
       (SELECT id FROM treasury_ledgeraccount WHERE code LIKE 'customer:%%:available' ORDER BY random()) AS customer
"""
INSERT = """
INSERT INTO bare_transfer (key, debit_id, credit_id, amount, kind, "group")
SELECT key, debit_id, credit_id, 1, 'bench', '' FROM staged ON CONFLICT (key) DO NOTHING
"""
POST = f"""
WITH posted AS ({INSERT} RETURNING debit_id, credit_id, amount),
net AS (SELECT account_id, sum(amount) AS amount
          FROM (SELECT debit_id AS account_id, -amount AS amount FROM posted
                UNION ALL SELECT credit_id, amount FROM posted) AS legs GROUP BY account_id)
UPDATE bare_balance AS b SET balance = b.balance + net.amount FROM net
 WHERE b.account_id = net.account_id AND b.slot = 0
"""


class Bare:
    """The bare SQL, run in a session of its own."""

    def __init__(self, bench: Bench, database: Database) -> None:
        self.connection: psycopg.Connection = bench.postgres.connect(database.name)
        self.connection.execute(PREPARE)
        for table in ("bare_transfer", "bare_balance"):
            self.connection.execute(f"VACUUM (ANALYZE) {table}")

    def rate(self, statement: str) -> float:
        """Transfers per second of some batches, each committed."""
        spent = 0.0
        for _ in range(BATCHES):
            self.connection.execute("TRUNCATE staged")
            self.connection.execute(STAGE, [next(_numbers)])
            self.connection.execute("ANALYZE staged")
            begin = time.perf_counter()
            self.connection.execute(statement)
            spent += time.perf_counter() - begin
        return SIZE * BATCHES / spent


def run(bench: Bench) -> None:
    assert SIZE == CUSTOMERS
    database = funded_database(bench)
    bare = Bare(bench, database)
    hordak = Hordak(bench)
    peer = hordak.batch_rate(size=1_000)
    rates = bench.alternate(
        product=lambda: bench.rate(product_client("pay_out", BATCHES), count=1, env=database.environment),
        bare_sql=lambda: bare.rate(POST),
        bare_insert_without_balances=lambda: bare.rate(INSERT),
    )
    bare.connection.close()
    ours = rates["product"]
    name, unit = "ledger_post_many", "transfers/s"
    bench.compare(name, vs="django-hordak", ours=ours, baseline=peer, unit=unit, at_least=50)
    bench.compare(name, vs="bare_sql", ours=ours, baseline=rates["bare_sql"], unit=unit, at_least=0.75)
