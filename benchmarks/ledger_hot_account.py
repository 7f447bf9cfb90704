"""Eight clients, every transfer with the one platform account: its balance slots keep them from waiting in line."""

from benchmarks._ledger import funded_database, product_rate
from benchmarks.support import Bench

CLIENTS = 8


def run(bench: Bench) -> None:
    database = funded_database(bench)
    rates = bench.alternate(
        hot=lambda: product_rate(bench, database, clients=CLIENTS, workload="hot"),
        random=lambda: product_rate(bench, database, clients=CLIENTS, workload="random"),
    )
    bench.compare(
        "ledger_hot_account", vs="random_accounts", ours=rates["hot"], baseline=rates["random"], unit="transfers/s",
        at_least=0.8,
    )  # fmt: skip
