"""What a post and a balance read cost with ten million transfers in the books (`--rows`), against ten thousand.

The rows are loaded past the posting function, by a superuser and with the indexes built afterwards; `check_ledger` is
right on them too. Both databases are warmed by posts before the clock runs: after a checkpoint PostgreSQL writes each
page to its log whole once, and a large index has more pages to do that for.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from typing import Self

import psycopg

from benchmarks._ledger import CUSTOMERS, funded_database, product_client
from benchmarks.support import Bench, Database
from devnet.places import ROOT

ROWS = 10_000_000
FEW = 10_000
CHUNK = 1_000_000
WARM_UP_SECONDS = 15.0
SLICE_SECONDS = 1.0  # the two take turns this often, so that whatever else the machine does hits both

LOAD = """
INSERT INTO treasury_ledgertransfer (key, debit_id, credit_id, amount, kind)
SELECT 'load:' || n, ids[1 + a], ids[1 + (a + 1 + hop) %% cardinality(ids)], 1, 'bench'
  FROM (SELECT array_agg(id) AS ids FROM treasury_ledgeraccount WHERE code LIKE 'customer:%%:available') AS accounts,
       (SELECT n, floor(random() * %(customers)s)::int AS a, floor(random() * (%(customers)s - 1))::int AS hop
          FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS rows
"""
BALANCES = """
UPDATE treasury_ledgerbalance b SET balance = b.balance + net.amount
  FROM (SELECT account_id, sum(amount) AS amount
          FROM (SELECT debit_id AS account_id, -amount AS amount FROM treasury_ledgertransfer WHERE key LIKE 'load:%'
                UNION ALL SELECT credit_id, amount FROM treasury_ledgertransfer WHERE key LIKE 'load:%') AS legs
         GROUP BY account_id) AS net
 WHERE b.account_id = net.account_id AND b.slot = 0
"""


def run(bench: Bench) -> None:
    rows = bench.rows or ROWS
    few, many = funded_database(bench, "ledger_few"), funded_database(bench, "ledger_many")
    load(bench, few, FEW)
    load(bench, many, rows)
    measured: dict[str, list[dict[str, float]]] = {"few": [], "many": []}
    with Client(few) as client_of_few, Client(many) as client_of_many:
        clients = {"few": client_of_few, "many": client_of_many}
        for client in clients.values():
            client.measure(WARM_UP_SECONDS)
        for _ in range(max(1, round(bench.rounds * bench.seconds / SLICE_SECONDS))):
            for name, client in clients.items():
                measured[name].append(client.measure(SLICE_SECONDS))
    for figure, what in (("ledger_growth_post", "post_us"), ("ledger_growth_read", "read_us")):
        medians = {name: statistics.median(each[what] for each in slices) for name, slices in measured.items()}
        ours, baseline, unit = medians["many"], medians["few"], f"us_at_{rows}_rows"
        bench.compare(figure, vs=f"{FEW}_rows", ours=ours, baseline=baseline, unit=unit, at_most=1.1)


class Client:
    """A client of the product that stays, and measures whenever it is asked."""

    def __init__(self, database: Database) -> None:
        self.process = subprocess.Popen(
            [*product_client("growth", 0), "0"],
            env=database.environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._answer() != "ready":
            raise RuntimeError("the client did not get ready")
        self._say("go")

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def measure(self, seconds: float) -> dict[str, float]:
        """`post_us` and `read_us`: microseconds of one of each, alone on its connection."""
        self._say(str(seconds))
        measured: dict[str, float] = json.loads(self._answer())
        return measured

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def load(bench: Bench, database: Database, rows: int) -> None:
    """Makes the ledger as if `rows` transfers among the customers had been posted."""
    with bench.postgres.connect(database.name) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger fires for this session
        connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = take_indexes(connection)
        for first in range(1, rows + 1, CHUNK):
            last = min(first + CHUNK - 1, rows)
            connection.execute(LOAD, {"first": first, "last": last, "customers": CUSTOMERS})
        for statement in indexes:
            connection.execute(statement)
        connection.execute(BALANCES)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def take_indexes(connection: psycopg.Connection) -> list[str]:
    """Drops the transfers' indexes; returns the statements that make them again."""
    table = "'treasury_ledgertransfer'::regclass"
    constraints = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        f" WHERE conrelid = {table} AND contype IN ('p', 'u')"
    ).fetchall()
    indexes = connection.execute(
        f"SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {table}"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
    ).fetchall()
    for name, _ in constraints:
        connection.execute(f"ALTER TABLE treasury_ledgertransfer DROP CONSTRAINT {name}")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    again = [f"ALTER TABLE treasury_ledgertransfer ADD CONSTRAINT {name} {rule}" for name, rule in constraints]
    return again + [definition for _, definition in indexes]
