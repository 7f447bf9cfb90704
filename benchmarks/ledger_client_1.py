"""One client posts single transfers: what the product adds to the posting function itself."""

from benchmarks._ledger import funded_database, pgbench_rate, product_rate
from benchmarks.support import Bench


def run(bench: Bench) -> None:
    database = funded_database(bench)
    rates = bench.alternate(
        product=lambda: product_rate(bench, database, clients=1),
        pgbench=lambda: pgbench_rate(bench, database, clients=1),
    )
    bench.compare(
        "ledger_client_1",
        vs="pgbench",
        ours=rates["product"],
        baseline=rates["pgbench"],
        unit="transfers/s",
        at_least=0.6,
    )
