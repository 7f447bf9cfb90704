"""Beside the product on TRON: `_tron_payments_client <fund|pay> <url> <control url> <count> <run> <number>`.

As `_payments_client`; see `Bench.clients`. The chain makes no blocks while the clock runs.
"""

from __future__ import annotations

import json
import sys
import time

import django

from benchmarks import _tron_node
from benchmarks._payments_client import AMOUNT_MICRO, PATIENCE_SECONDS, approved, people
from benchmarks._tron_node import attached, recipient, taken
from devnet.tron.server import TronNode

NETWORK = "tron"
BLOCKS_TO_BE_FINAL = 20


def fund(node: TronNode, count: int, label: str) -> dict[str, float]:
    from treasury.models import Wallet

    print("ready", flush=True)
    sys.stdin.readline()
    _tron_node.fund(node, Wallet.objects.get(network=NETWORK).address, tokens=10**15)
    return {"done": people(NETWORK), "seconds": 1}


def pay(node: TronNode, count: int, label: str) -> dict[str, float]:
    """Approved to accepted."""
    from celery import current_app

    from portal.celery import app
    from treasury.models import Broadcast, PaymentOrder, Wallet

    app.set_current()
    wallet = Wallet.objects.get(network=NETWORK).address
    _tron_node.fund(node, wallet, tokens=AMOUNT_MICRO * count)
    left = _tron_node.held(node, wallet) - AMOUNT_MICRO * count
    ids = approved(NETWORK, [recipient(label, number) for number in range(count)], label)
    current_app.send_task("portal.tasks.beat_heartbeat", expires=5)  # the connection to the broker is open
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    current_app.send_task("payouts.tasks.start_payouts", expires=10)
    while _tron_node.held(node, wallet) > left:
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit(f"only {len(taken(node))} of {count} were accepted")
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    orders = PaymentOrder.objects.filter(reference__in=[f"withdrawal:{pk}" for pk in ids])
    signed = Broadcast.objects.filter(order__in=orders, signed_bytes__isnull=False)
    if set(signed.values_list("tx_hash", flat=True)) != taken(node):
        raise SystemExit("what the node has is not what is stored")
    stages = signed_and_sent(ids)
    while orders.exclude(state="settled").exists():  # so that the next round begins with an idle product
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit("not every payment became final")
        node.mine(BLOCKS_TO_BE_FINAL)
        current_app.send_task("treasury.tasks.advance_payments", expires=5)
        time.sleep(1)
    return {"done": count, "seconds": seconds, **stages}


def signed_and_sent(ids: list[int]) -> dict[str, float]:
    """Seconds from the orders to what followed, by the clock of the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(b.reserved_at) - min(o.created_at)),"
            " extract(epoch FROM max(b.signed_at) - min(o.created_at)),"
            " extract(epoch FROM max(b.last_sent_at) - min(o.created_at))"
            " FROM treasury_broadcast AS b JOIN treasury_paymentorder AS o ON o.id = b.order_id"
            " WHERE o.reference = ANY(%s)",
            [[f"withdrawal:{pk}" for pk in ids]],
        )
        reserved, signed, sent = (float(each) for each in cursor.fetchone())
    return {"reserved": reserved, "signed": signed, "last_batch": sent}


def main() -> None:
    what, url, control_url, count, label = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
    django.setup()
    print(json.dumps({"fund": fund, "pay": pay}[what](attached(url, control_url), count, label)))


if __name__ == "__main__":
    main()
