"""The ledger's workload: 10,000 customers with money, and transfers among them or with one platform account."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from benchmarks.support import Bench, Database

CUSTOMERS = 10_000
HORDAK = Path(__file__).parent / "peers" / "hordak"
_runs = itertools.count(1)

# pgbench as a client of the same function: the same kind of transfer and of key, no Python. It takes a colon in a
# string for the start of a variable, hence chr(58), which the server's planner makes a constant.
_SCRIPT = """\\set i :i + 1
\\set a random(0, {last})
\\set b (:a + random(1, {last})) % {customers}
SELECT exchequer_ledger_post(
    ARRAY['pgbench{run}' || chr(58) || :client_id::text || chr(58) || :i::text],
    ARRAY['customer' || chr(58) || :a::text || chr(58) || 'available'],
    ARRAY['customer' || chr(58) || :b::text || chr(58) || 'available'], ARRAY[1::numeric], ARRAY['bench'], ARRAY['']);
"""


def funded_database(bench: Bench, name: str = "ledger") -> Database:
    """A migrated database whose customers all have money to send."""
    database = bench.database(name, migrate=("treasury",))
    bench.clients(product_client("fund", 0), count=1, env=database.environment)
    with bench.postgres.connect(name) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return database


def product_client(workload: str, seconds: float) -> list[str]:
    """The command of a process that posts through `treasury.ledger`."""
    return [
        sys.executable, "-m", "benchmarks._ledger_client", workload, str(seconds), str(CUSTOMERS), f"run{next(_runs)}"
    ]  # fmt: skip


def product_rate(bench: Bench, database: Database, *, clients: int, workload: str = "random") -> float:
    """Transfers per second of the product's own `ledger.post`, one transfer and one commit each."""
    return bench.rate(product_client(workload, bench.seconds), count=clients, env=database.environment)


def pgbench_rate(bench: Bench, database: Database, *, clients: int) -> float:
    """Transfers per second of pgbench calling the same posting function."""
    script = _SCRIPT.format(last=CUSTOMERS - 1, customers=CUSTOMERS, run=next(_runs))
    return database.pgbench(script, clients=clients, seconds=bench.seconds, options=["-D", "i=0"])


class Hordak:
    """django-hordak in an environment and a database of its own, on the same server."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.python = str(bench.peer_python("hordak"))
        self.database = bench.database("hordak")
        self.environment = {
            **self.database.environment,
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.hordak.settings",
            "DATABASE_URL": self.database.url("owner"),
        }
        bench.clients(self._command("prepare", 0), count=1, env=self.environment)
        with bench.postgres.connect(self.database.name) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def _command(self, workload: str, seconds: float) -> list[str]:
        return [self.python, "-m", "benchmarks.peers.hordak.client", workload, str(seconds), str(CUSTOMERS)]

    def rate(self, *, clients: int) -> float:
        """Transfers per second of `Account.transfer_to`, one commit each."""
        return self.bench.rate(self._command("random", self.bench.seconds), count=clients, env=self.environment)

    def batch_rate(self, *, size: int) -> float:
        """Transfers per second of `size` transfers in one transaction, by its own API."""
        return self.bench.rate(self._command("batch", size), count=1, env=self.environment)
