"""500 withdrawals from one hot wallet on TRON: approved, to accepted by the node.

Ours goes the product's whole way, as `payments` does on an EVM chain: a real worker, a real signer, a real broker,
bytes stored durably before they are sent. The peer stores nothing: tronpy in a plain loop, against the same node.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from benchmarks import _tron_node
from benchmarks.payments import PAYMENTS, Paying, next_run
from benchmarks.support import Bench
from devnet import networks


def run(bench: Bench) -> None:
    with_product = PayingOnTron(bench)
    try:
        with_product.start()
        rates = bench.alternate(product=with_product.product, tronpy_loop=with_product.tronpy_loop)
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

    def tronpy_loop(self) -> float:
        """tronpy: build, sign, send, one after the other; nothing is stored."""
        return self.bench.rate(self._command("_tron_payments_peers"), count=1, env=self.environment)

    def client(self, what: str) -> list[str]:
        return self._command("_tron_payments_client", what)

    def _command(self, module: str, *arguments: str) -> list[str]:
        place = [self.node.url, self.node.control_url, str(PAYMENTS), next_run()]
        return [sys.executable, "-m", f"benchmarks.{module}", *arguments, *place]
