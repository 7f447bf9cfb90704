"""Is this still the chain on which our last payment was final? Asked before anything is reserved or sent.

If the chain has lost what was final (a node restored from a copy, a catastrophic reorg), the only safe thing is to
stop: the nonces that we gave out no longer fit, and what was settled may be undone.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from treasury import alarms, halts
from treasury.broadcasts.rows import ACTOR
from treasury.chains import registry
from treasury.models import Alarm, Broadcast

GRACE_SECONDS = 15
"""How long a chain may look shorter than our last final payment: an endpoint that lags behind looks the same."""


def chain_remembers(network_code: str) -> bool:
    """Whether the newest final payment is where it was. If not, nothing may be sent; if it stays so, the network halts.

    Raises ChainError if the chain cannot be asked.
    """
    newest = (
        Broadcast.objects.filter(network=network_code, final_at__isnull=False, block_number__isnull=False)
        .order_by("-block_number", "-pk")
        .values_list("block_number", "block_hash", "tx_hash")
        .first()
    )
    key = f"chain-shorter:{network_code}"
    if newest is None:
        return True
    number, block_hash, tx_hash = newest[0] or 0, newest[1], newest[2]
    block = registry.adapter(network_code).block(number)
    if block is not None and block.block_hash == block_hash:
        if alarms.is_raised(key):
            alarms.resolve_alarm(key=key, actor_label=ACTOR)
        return True
    if block is not None:
        halts.halt_network(
            network_code,
            f"Block {number}, in which the payment {tx_hash} was final, is another block now: the chain has lost"
            " what was final.",
        )
        return False
    alarms.raise_alarm(
        key=key,
        severity=Alarm.Severity.CRITICAL,
        network=network_code,
        message="The chain is shorter than the block of a payment that was final. Nothing is sent.",
        facts={"block": number, "tx_hash": tx_hash},
    )
    since = Alarm.objects.filter(key=key, resolved_at=None).values_list("raised_at", flat=True).first()
    if since is not None and timezone.now() - since >= timedelta(seconds=GRACE_SECONDS):
        halts.halt_network(
            network_code,
            f"The chain ends before block {number}, in which the payment {tx_hash} was final: it has lost what was"
            " final.",
        )
    return False
