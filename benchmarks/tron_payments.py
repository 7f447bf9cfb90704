"""500 withdrawals from one hot wallet on TRON: approved, to accepted by the node.

Ours goes the product's whole way, as `payments` does on an EVM chain: a real worker, a real signer, a real broker,
bytes stored durably before they are sent. The peer stores nothing: tronpy in a plain loop, against the same node.

Once as it is, where both wait for the node, which works on one request at a time on this very machine; and once with a
node that is `FAR_MS` away, as every provider's is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import _tron_node
from benchmarks.payments import PAYMENTS, Paying, next_run
from benchmarks.support import Bench
from devnet import networks

FAR_MS = 20
PAYMENTS_FAR = 100  # of tronpy's: its rate does not depend on the number, and it takes its time


def run(bench: Bench) -> None:
    with_product = PayingOnTron(bench)
    try:
        with_product.start()
        rates = bench.alternate(
            product=with_product.product,
            tronpy_loop=with_product.tronpy_loop,
            product_far=lambda: with_product.far(with_product.product),
            tronpy_loop_far=lambda: with_product.far(lambda: with_product.tronpy_loop(PAYMENTS_FAR)),
        )
    finally:
        with_product.stop()
    bench.compare(
        "tron_payments",
        vs="tronpy_loop",
        ours=rates["product"],
        baseline=rates["tronpy_loop"],
        unit="payments/s",
        at_least=2,
    )
    bench.compare(
        "tron_payments_far",
        vs="tronpy_loop",
        ours=rates["product_far"],
        baseline=rates["tronpy_loop_far"],
        unit="payments/s",
        at_least=2,
    )


@dataclass
class PayingOnTron(Paying):
    """The product's processes on a durable database, and a local chain that makes no blocks while the clock runs."""

    name = "tron_payments"

    def start_chain(self) -> dict[str, dict[str, Any]]:
        self.node = _tron_node.start(self.bench, block_ms=0)
        return {"tron": networks.tron(rpc_urls=[self.node.url])}

    def stop_chain(self) -> None:
        self.node.stop()

    def product(self) -> float:
        (report,) = self.bench.clients(self.client("pay"), count=1, env=self.environment)
        self.bench.note(
            f"{PAYMENTS} payments in {report['seconds']:.2f} s; after the orders: reserved {report['reserved']:.2f},"
            f" signed {report['signed']:.2f}, last batch sent {report['last_batch']:.2f}"
        )
        return report["done"] / report["seconds"]

    def tronpy_loop(self, count: int = PAYMENTS) -> float:
        """tronpy: build, sign, send, one after the other; nothing is stored."""
        return self.bench.rate(self._command("_tron_payments_peers", count=count), count=1, env=self.environment)

    def far(self, contestant: Callable[[], float]) -> float:
        """The contestant's rate while every answer of the node is under way for FAR_MS."""
        self.node.control("fault", kind="delay", path="*", ms=FAR_MS)
        try:
            return contestant()
        finally:
            self.node.control("clear_faults")

    def client(self, what: str) -> list[str]:
        return self._command("_tron_payments_client", what)

    def _command(self, module: str, *arguments: str, count: int = PAYMENTS) -> list[str]:
        place = [self.node.url, self.node.control_url, str(count), next_run()]
        return [sys.executable, "-m", f"benchmarks.{module}", *arguments, *place]
