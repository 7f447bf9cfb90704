"""Eight clients post single transfers among 10,000 customers: against django-hordak, and against pgbench."""

from benchmarks._ledger import Hordak, funded_database, pgbench_rate, product_rate
from benchmarks.support import Bench

CLIENTS = 8


def run(bench: Bench) -> None:
    database = funded_database(bench)
    hordak = Hordak(bench)
    rates = bench.alternate(
        product=lambda: product_rate(bench, database, clients=CLIENTS),
        pgbench=lambda: pgbench_rate(bench, database, clients=CLIENTS),
        hordak=lambda: hordak.rate(clients=CLIENTS),
    )
    ours = rates["product"]
    name, unit = "ledger_clients_8", "transfers/s"
    bench.compare(name, vs="django-hordak", ours=ours, baseline=rates["hordak"], unit=unit, at_least=5)
    bench.compare(name, vs="pgbench", ours=ours, baseline=rates["pgbench"], unit=unit, at_least=0.5)
