"""The signer's own memory of what it signed: its caps, and that an order is only ever signed for one nonce.

Where no nonce makes a payment unique (TRON), each signature could pay: it counts each time, and is only given once
every earlier one has expired by the signer's own clock, with a margin in which the chain makes its last blocks solid.

Counted from SigningRecord, which no other role may write. Callers hold `lock_records` from the count to the commit, so
two signers cannot both use the last of a cap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from treasury.signing.rules import PAYMENT, NotYet, Policy, Refused, Reserved

EXPIRED_FOR = timedelta(seconds=60)
"""How long an earlier signature must have been expired before the next."""

MOST_SIGNATURES = 10

CAPS_LOCK = 0x45584348_53494743  # "EXCHSIGC"


@dataclass
class Spent:
    """What was signed in the last 24 hours, in 10^-6 USDT, and which of the orders were ever signed before."""

    total_micro: int = 0
    by_address: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    signed_before: dict[int, tuple[int, str, str, int]] = field(default_factory=dict)
    last_expiry: dict[int, datetime] = field(default_factory=dict)
    signatures: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def admit(self, asked: Reserved, policy: Policy) -> None:
        """Count one more signature, if caps and history allow it. Raises Refused, NotYet; then nothing is counted."""
        order = asked.order
        if asked.purpose != PAYMENT:
            return
        before = self.signed_before.get(order.order_id)
        now = (asked.nonce, asked.network, order.address, order.amount_micro)
        if before is not None:
            if before != now:
                raise Refused("this order was signed before with another nonce, address or amount")
            if asked.expiration_ms is None:
                return  # a replacement: the order counts once
            self._may_be_signed_again(order.order_id)
        if self.total_micro + order.amount_micro > policy.daily_cap_micro:
            raise Refused("above the signer's cap for one day")
        if self.by_address[order.address] + order.amount_micro > policy.destination_daily_cap_micro:
            raise Refused("above the signer's cap for one destination and day")
        self.total_micro += order.amount_micro
        self.by_address[order.address] += order.amount_micro
        self.signed_before[order.order_id] = now
        if asked.expiration_ms is not None:
            self.signatures[order.order_id] += 1
            self.last_expiry[order.order_id] = expires_at(asked.expiration_ms)

    def _may_be_signed_again(self, order_id: int) -> None:
        expiry = self.last_expiry.get(order_id)
        if expiry is None or timezone.now() < expiry + EXPIRED_FOR:
            raise NotYet
        if self.signatures[order_id] >= MOST_SIGNATURES:
            raise Refused("this payment was signed too often")


def expires_at(expiration_ms: int) -> datetime:
    """When bytes with this `expiration` die."""
    return datetime.fromtimestamp(expiration_ms / 1000, tz=UTC)


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
            "SELECT order_id, nonce, network, address, amount_micro, expires_at FROM treasury_signingrecord"
            " WHERE order_id = ANY(%s) AND purpose = 'payment' ORDER BY id",
            [[order.order_id for order in orders]],
        )
        for order_id, nonce, network, address, amount, expiry in cursor.fetchall():
            found.signed_before.setdefault(order_id, (nonce, network, address, int(amount)))
            found.signatures[order_id] += 1
            if expiry is not None:
                found.last_expiry[order_id] = max(expiry, found.last_expiry.get(order_id, expiry))
    return found


def record(signed: Sequence[tuple[Reserved, str, str]]) -> None:
    """Append to the log: (what was asked, the address it pays, the hash)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO treasury_signingrecord"
            " (broadcast_id, order_id, purpose, network, address, amount_micro, nonce, tx_hash, expires_at, signed_at)"
            " SELECT made.*, now() FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],"
            " %s::numeric[], %s::bigint[], %s::text[], %s::timestamptz[]) AS made",
            [
                [job.broadcast_id for job, _, _ in signed],
                [job.order.order_id for job, _, _ in signed],
                [job.purpose for job, _, _ in signed],
                [job.network for job, _, _ in signed],
                [address for _, address, _ in signed],
                [job.order.amount_micro if job.purpose == PAYMENT else 0 for job, _, _ in signed],
                [job.nonce for job, _, _ in signed],
                [tx_hash for _, _, tx_hash in signed],
                [expires_at(job.expiration_ms) if job.expiration_ms is not None else None for job, _, _ in signed],
            ],
        )


# An order counts at its first signature; signing it again (a replacement at its nonce) counts nothing.
_SPENT = """
WITH counted AS (
    SELECT r.address, r.amount_micro FROM treasury_signingrecord AS r
     WHERE r.purpose = 'payment' AND r.signed_at > now() - interval '24 hours'
       AND (r.expires_at IS NOT NULL OR NOT EXISTS (SELECT FROM treasury_signingrecord AS earlier
                        WHERE earlier.order_id = r.order_id AND earlier.purpose = 'payment' AND earlier.id < r.id)))
SELECT NULL, coalesce(sum(amount_micro), 0) FROM counted
UNION ALL
SELECT address, sum(amount_micro) FROM counted WHERE address = ANY(%s) GROUP BY address
"""
