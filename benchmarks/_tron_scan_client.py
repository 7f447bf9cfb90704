"""The watcher over solid blocks of TRON: `_tron_scan_client <blocks> <run> <number>`; the protocol of `Bench.clients`.

Everything of the product runs but the socket to the node: its answers come from memory, as bytes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import django

from benchmarks._tron_blocks import FIRST_BLOCK, TRANSACTIONS, TRANSFERS, USDT, Headers, receipts

NETWORK = "tron"
WARM_BLOCKS = 20
BLOCKS_WITH_OURS = 10
"""One in so many blocks has a deposit: one in a thousand transfers of USDT."""


class Node:
    """Answers what the adapter asks."""

    def __init__(self) -> None:
        self.head = FIRST_BLOCK
        self.answers: dict[tuple[str, int], bytes] = {}
        self._headers = Headers()

    def answer(self, body: bytes, path: str) -> bytes:
        asked: dict[str, Any] = json.loads(body)
        number = int(asked.get("id_or_num", asked.get("num", self.head)))
        name = path.rpartition("/")[2]
        return self.answers.get((name, number)) or self._header(number)

    def add(self, number: int, infos: bytes) -> None:
        self.answers["getblock", number] = self._header(number)
        self.answers["gettransactioncountbyblocknum", number] = b'{"count":%d}' % TRANSACTIONS
        self.answers["gettransactioninfobyblocknum", number] = infos

    def _header(self, number: int) -> bytes:
        return json.dumps(self._headers.block(number), separators=(",", ":")).encode()


def main() -> None:
    blocks, run = int(sys.argv[1]), sys.argv[2]
    django.setup()
    from django.utils import timezone

    from treasury import deposits
    from treasury.address_filter import pool_filter
    from treasury.chains.addresses import raw_tron_address
    from treasury.chains.http import HttpClient
    from treasury.models import Deposit, DepositAddress, NetworkState

    node = Node()
    HttpClient.post_read = lambda self, body, path="": node.answer(body, path)  # type: ignore[method-assign]  # the socket's place

    started = time.perf_counter()
    pool_filter("tron").refresh()
    load_seconds = time.perf_counter() - started

    state = NetworkState.objects.filter(network=NETWORK).first()
    node.head = state.scanned_number if state else FIRST_BLOCK
    node.add(0, b"[]")
    node.add(node.head, b"[]")
    texts = DepositAddress.objects.order_by("pk").values_list("address", flat=True)[:1000]
    addresses = [raw_tron_address(each)[1:].hex() for each in texts]

    def put(count: int, seed: str) -> int:
        """Adds so many blocks; returns how many deposits are in them."""
        ours = 0
        for place in range(count):
            node.head += 1
            recipients = [addresses[ours % len(addresses)]] if place % BLOCKS_WITH_OURS == BLOCKS_WITH_OURS // 2 else []
            node.add(node.head, receipts(node.head, ours=recipients, seed=seed))
            ours += len(recipients)
        return ours

    deposits.scan_deposits(NETWORK)  # a new network begins at its final block
    put(WARM_BLOCKS, f"warm {run}")
    deposits.scan_deposits(NETWORK)
    # As confirming them would: each run looks again at what it only has seen.
    Deposit.objects.filter(state="seen").update(state="confirmed", confirmed_at=timezone.now())
    before = Deposit.objects.count()
    ours = put(blocks, run)
    size = sum(len(node.answers["gettransactioninfobyblocknum", node.head - place]) for place in range(blocks))
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    report = deposits.scan_deposits(NETWORK)
    seconds = time.perf_counter() - started
    stored = Deposit.objects.count() - before
    if (report.logs, stored, report.behind) != (blocks * TRANSFERS, ours, 0):
        raise SystemExit(f"{report} stored {stored} instead of {ours}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = {"pool": pool_filter("tron").size, "load_seconds": load_seconds, "block_kb": size / blocks / 1000}
    print(
        json.dumps({"done": blocks * USDT, "seconds": seconds, "grew_mb": (peak - memory_before) / 1024, **facts}),
        flush=True,
    )


if __name__ == "__main__":
    main()
