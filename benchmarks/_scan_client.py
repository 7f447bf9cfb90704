"""The watcher over one large answer: `_scan_client <logs> <run> <number>`; the protocol of `Bench.clients`.

Everything of the product runs but the socket to the node: its answers come from memory, as bytes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import django

from benchmarks._scan_logs import LOGS_PER_BLOCK, block_hash, logs

NETWORK = "arbitrum"
FIRST_BLOCK = 1_000_000


class Node:
    """Answers what the adapter asks, the logs of one stretch included."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id = chain_id
        self.head = FIRST_BLOCK
        self.logs_from = 0
        self.answer_with_logs = b""

    def answer(self, body: bytes) -> bytes:
        asked = json.loads(body)
        if isinstance(asked, list):
            return b"[" + b",".join(self._answer_one(each) for each in asked) + b"]"
        return self._answer_one(asked)

    def _answer_one(self, asked: dict[str, Any]) -> bytes:
        if asked["method"] == "eth_getLogs" and int(asked["params"][0]["fromBlock"], 16) == self.logs_from:
            return self.answer_with_logs
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (asked["id"], self._result(asked["method"], asked["params"]))

    def _result(self, method: str, params: list[Any]) -> bytes:
        if method == "eth_getLogs":
            return b"[]"
        if method == "eth_chainId":
            return b'"%#x"' % self.chain_id
        number = self.head if params[0] == "latest" else int(params[0], 16)
        if number > self.head:
            return b"null"
        block = {
            "number": hex(number),
            "hash": block_hash(number),
            "parentHash": block_hash(number - 1),
            "timestamp": hex(1_700_000_000 + number),
        }
        return json.dumps(block).encode()


def main() -> None:
    count, run = int(sys.argv[1]), sys.argv[2]
    django.setup()
    from treasury import deposits
    from treasury.address_filter import pool_filter
    from treasury.chains import registry, rpc
    from treasury.models import Deposit, DepositAddress, NetworkState

    node = Node(registry.network(NETWORK).chain_id)
    rpc.RpcClient.post_read = lambda self, body, path="": node.answer(body)  # type: ignore[method-assign]  # the socket's place

    started = time.perf_counter()
    pool_filter("evm").refresh()
    load_seconds = time.perf_counter() - started

    state = NetworkState.objects.filter(network=NETWORK).first()
    node.head = state.scanned_number if state else FIRST_BLOCK
    ours = list(DepositAddress.objects.order_by("pk").values_list("address", flat=True)[: count // 100])

    def put(amount: int, seed: str, recipients: list[str]) -> None:
        node.logs_from = node.head + 1
        made = logs(amount, ours=recipients, first_block=node.logs_from, seed=seed)
        node.answer_with_logs = b'{"jsonrpc":"2.0","id":1,"result":%b}' % made
        node.head += (amount - 1) // LOGS_PER_BLOCK + 1

    put(2_000, f"warm {run}", ours[:20])
    deposits.scan_deposits(NETWORK)
    before = Deposit.objects.count()
    put(count, run, ours)
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    report = deposits.scan_deposits(NETWORK)
    seconds = time.perf_counter() - started
    stored = Deposit.objects.count() - before
    if (report.logs, stored, report.behind) != (count, len(ours), 0):
        raise SystemExit(f"{report} stored {stored}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = {"pool": pool_filter("evm").size, "load_seconds": load_seconds, "peak_mb": peak / 1024}
    print(json.dumps({"done": count, "seconds": seconds, "grew_mb": (peak - memory_before) / 1024, **facts}))


if __name__ == "__main__":
    main()
