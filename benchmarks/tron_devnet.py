"""The local TRON node: transfers of the token per second, from signed bytes over HTTP to being in a block.

The bytes are signed beforehand; the node checks, executes and pools each, and makes a block every three seconds. The
baseline is the goal: 100 a second.
"""

from __future__ import annotations

import itertools
import os
import sys

from benchmarks import _tron_node
from benchmarks.support import Bench

TRANSFERS = 1_000
GOAL = 100.0
_runs = itertools.count(1)


def run(bench: Bench) -> None:
    node = _tron_node.start(bench)
    try:
        rates = bench.alternate(node=lambda: _transfers(bench, node.url, node.control_url))
    finally:
        node.stop()
    bench.compare("tron_devnet", vs="goal", ours=rates["node"], baseline=GOAL, unit="transfers/s", at_least=1)


def _transfers(bench: Bench, url: str, control_url: str) -> float:
    label = f"run{next(_runs)}"
    command = [sys.executable, "-m", "benchmarks._tron_devnet_client", url, control_url, str(TRANSFERS), label]
    (report,) = bench.clients(command, count=1, env=os.environ)
    bench.note(f"{TRANSFERS} transfers: sent in {report['sent_seconds']:.1f} s, in blocks in {report['seconds']:.1f} s")
    return report["done"] / report["seconds"]
