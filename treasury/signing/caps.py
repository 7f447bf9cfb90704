"""The signer's own memory of what it signed: its caps, and that an order is only ever signed for one nonce.

Counted from SigningRecord, which no other role may write. Callers hold `lock_records` from the count to the commit, so
two signers cannot both use the last of a cap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from treasury.signing.rules import PAYMENT, Policy, Refused, Reserved

CAPS_LOCK = 0x45584348_53494743  # "EXCHSIGC"


@dataclass
class Spent:
    """What was signed in the last 24 hours, in 10^-6 USDT, and which of the orders were ever signed before."""

    total_micro: int = 0
    by_address: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    signed_before: dict[int, tuple[int, str, str, int]] = field(default_factory=dict)

    def admit(self, asked: Reserved, policy: Policy) -> None:
        """Count one more signature, if caps and history allow it. Raises Refused; then nothing is counted."""
        order = asked.order
        if asked.purpose != PAYMENT:
            return
        before = self.signed_before.get(order.order_id)
        now = (asked.nonce, asked.network, order.address, order.amount_micro)
        if before is not None:
            if before != now:
                raise Refused("this order was signed before with another nonce, address or amount")
            return  # a replacement: the order counts once
        if self.total_micro + order.amount_micro > policy.daily_cap_micro:
            raise Refused("above the signer's cap for one day")
        if self.by_address[order.address] + order.amount_micro > policy.destination_daily_cap_micro:
            raise Refused("above the signer's cap for one destination and day")
        self.total_micro += order.amount_micro
        self.by_address[order.address] += order.amount_micro
        self.signed_before[order.order_id] = now


def lock_records() -> None:
    """Until the end of this transaction nobody else counts or adds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CAPS_LOCK])


def spent(jobs: Iterable[Reserved]) -> Spent:
    """Read the records that matter for these jobs."""
    orders = [job.order for job in jobs if job.purpose == PAYMENT]
    found = Spent()
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [[order.address for order in orders]])
        for address, amount in cursor.fetchall():
            if address is None:
                found.total_micro = int(amount)
            else:
                found.by_address[address] = int(amount)
        cursor.execute(
            "SELECT order_id, nonce, network, address, amount_micro FROM treasury_signingrecord"
            " WHERE order_id = ANY(%s) AND purpose = 'payment' ORDER BY id",
            [[order.order_id for order in orders]],
        )
        for order_id, nonce, network, address, amount in cursor.fetchall():
            found.signed_before.setdefault(order_id, (nonce, network, address, int(amount)))
    return found


def record(signed: Sequence[tuple[Reserved, str, str]]) -> None:
    """Append to the log: (what was asked, the address it pays, the hash)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO treasury_signingrecord"
            " (broadcast_id, order_id, purpose, network, address, amount_micro, nonce, tx_hash, signed_at)"
            " SELECT made.*, now() FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],"
            " %s::numeric[], %s::bigint[], %s::text[]) AS made",
            [
                [job.broadcast_id for job, _, _ in signed],
                [job.order.order_id for job, _, _ in signed],
                [job.purpose for job, _, _ in signed],
                [job.network for job, _, _ in signed],
                [address for _, address, _ in signed],
                [job.order.amount_micro if job.purpose == PAYMENT else 0 for job, _, _ in signed],
                [job.nonce for job, _, _ in signed],
                [tx_hash for _, _, tx_hash in signed],
            ],
        )


# An order counts at its first signature; signing it again (a replacement) counts nothing.
_SPENT = """
WITH counted AS (
    SELECT r.address, r.amount_micro FROM treasury_signingrecord AS r
     WHERE r.purpose = 'payment' AND r.signed_at > now() - interval '24 hours'
       AND NOT EXISTS (SELECT FROM treasury_signingrecord AS earlier
                        WHERE earlier.order_id = r.order_id AND earlier.purpose = 'payment' AND earlier.id < r.id))
SELECT NULL, coalesce(sum(amount_micro), 0) FROM counted
UNION ALL
SELECT address, sum(amount_micro) FROM counted WHERE address = ANY(%s) GROUP BY address
"""
