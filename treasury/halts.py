"""Stopping a network whose chain contradicts what was final, and starting it again by an operator's decision.

A halted network reserves, signs and sends nothing and credits nothing; reading goes on. The state is the network's
NetworkState row. A row that a halt had to create has an empty `scanned_hash`: no scan has begun there.
"""

from __future__ import annotations

import logging

from django.db import connection

from treasury import alarms
from treasury.models import NetworkState

logger = logging.getLogger(__name__)


def halt_network(network: str, reason: str) -> bool:
    """Stop the network at once and alarm. True if this call halted it, False if it was halted already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO treasury_networkstate (network, scanned_number, scanned_hash, scanned_at, head_number,
                                               finalized_number, halted_at, halt_reason)
            VALUES (%s, 0, '', now(), 0, 0, now(), %s)
            ON CONFLICT (network) DO UPDATE SET halted_at = now(), halt_reason = excluded.halt_reason
              WHERE treasury_networkstate.halted_at IS NULL
            RETURNING network
            """,
            [network, reason[:300]],
        )
        halted = cursor.fetchone() is not None
    alarms.raise_alarm(key=f"halted:{network}", severity="critical", message=reason, network=network)
    if halted:
        logger.critical("network %s halted: %s", network, reason)
    return halted


def resume_network(network: str, *, actor_label: str) -> bool:
    """Let a halted network go on; whoever decides that has looked at the chain. False if it was not halted."""
    halted = NetworkState.objects.filter(network=network, halted_at__isnull=False)
    resumed = halted.update(halted_at=None, halt_reason="") == 1
    if resumed:
        alarms.resolve_alarm(key=f"halted:{network}", actor_label=actor_label)
        logger.warning("network %s resumed by %s", network, actor_label)
    return resumed


def is_halted(network: str) -> bool:
    """Whether nothing may be paid or credited on this network now."""
    return NetworkState.objects.filter(network=network, halted_at__isnull=False).exists()
