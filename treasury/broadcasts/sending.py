"""Sending signed bytes, in the order of their nonces. The same bytes may be sent any number of times.

One process at a time sends for a wallet, because nodes drop what comes after a gap. That is kept by a session-level
lock, and only speed and order hang on it: whoever sends beside it sends the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from treasury import failpoints, halts
from treasury.broadcasts.rows import hot_wallet, warn_while
from treasury.chains import registry
from treasury.chains.ports import SendOutcome, SendVerdict
from treasury.models import Wallet

BATCH = 100
LIMIT = 1_000
RETRY_SECONDS = 2  # after an answer that leaves the bytes' fate open, or after none
RESEND_SECONDS = 15  # a node that restarted has forgotten its pool: what is not mined is sent again
_SENDING_LOCK = 0x53454E44  # "SEND", beside the wallet's id


@dataclass(frozen=True, slots=True)
class Due:
    """Signed bytes that should go out now."""

    broadcast_id: int
    nonce: int
    signed_bytes: bytes


def send_broadcasts(network_code: str, *, limit: int = LIMIT) -> int:
    """Send what is signed and not mined yet, lowest nonces first; returns how many the node now holds.

    Never raises for what a node says: that is recorded, and the same bytes are sent again later.
    """
    wallet = hot_wallet(network_code)
    if wallet is None or halts.is_halted(network_code):
        return 0
    held = 0
    began = timezone.now()
    while limit > 0:
        with _only_sender(wallet) as alone:
            if not alone:
                return held
            sent, held_now, reachable = _send_batches(network_code, wallet, limit, began)
        held += held_now
        limit -= sent
        # Whoever found us sending has left: look once more after the lock is free, so that nobody's bytes wait.
        if not reachable or not sent:
            return held
    return held


def _send_batches(network_code: str, wallet: Wallet, limit: int, began: datetime) -> tuple[int, int, bool]:
    """(bytes sent, bytes that the node holds, whether there was a node)."""
    sent = held = 0
    while sent < limit and (batch := _claim(wallet, min(BATCH, limit - sent), began)):
        failpoints.hit("after_send_claim")
        outcomes = registry.adapter(network_code).send_raw_many([due.signed_bytes for due in batch])
        failpoints.hit("after_send")
        _record(network_code, batch, outcomes)
        sent += len(batch)
        held += sum(outcome.is_held_by_node for outcome in outcomes)
        if any(outcome.verdict is SendVerdict.NOT_SENT for outcome in outcomes):
            return sent, held, False  # the rest would wait for time-outs, one batch after the other
    return sent, held, True


@contextmanager
def _only_sender(wallet: Wallet) -> Iterator[bool]:
    """True if nobody else sends for this wallet while the block runs. Given back at once if the connection breaks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_SENDING_LOCK, wallet.pk])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_SENDING_LOCK, wallet.pk])


def _claim(wallet: Wallet, limit: int, began: datetime) -> list[Due]:
    """Commit the intent to send, so that a crash leaves a trace; nothing past a nonce that has no bytes yet, and
    nothing that has expired.

    What this run has sent already (since `began`) waits for another run.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "wallet": wallet.pk,
                "limit": limit,
                "now": timezone.now(),
                "began": began,
                "retry": RETRY_SECONDS,
                "resend": RESEND_SECONDS,
            },
        )
        rows = cursor.fetchall()
    return sorted((Due(row[0], row[1], bytes(row[2])) for row in rows), key=lambda due: due.nonce)


_CLAIM = """
UPDATE treasury_broadcast AS b SET last_sent_at = %(now)s, sends = b.sends + 1
 WHERE b.id IN (
       SELECT c.id FROM treasury_broadcast AS c
        WHERE c.wallet_id = %(wallet)s AND c.state IN ('signed', 'sent')
          AND (c.last_sent_at IS NULL
               OR (c.last_sent_at < %(began)s
                   AND c.last_sent_at < %(now)s - CASE WHEN c.state = 'sent' AND c.last_error = ''
                                                       THEN %(resend)s ELSE %(retry)s END * interval '1 second'))
          AND (c.expiration_ms IS NULL OR to_timestamp(c.expiration_ms / 1000.0) > %(now)s)
          AND (c.expiration_ms IS NOT NULL OR c.nonce < coalesce((
              SELECT min(o.nonce) FROM treasury_paymentorder AS o
               WHERE o.wallet_id = %(wallet)s AND o.state = 'open'
                 AND NOT EXISTS (SELECT FROM treasury_broadcast AS any_bytes
                                  WHERE any_bytes.order_id = o.id AND any_bytes.signed_bytes IS NOT NULL
                                    AND any_bytes.state IN ('signed', 'sent', 'mined', 'replaced'))),
              9223372036854775807))
        ORDER BY c.nonce LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED)
RETURNING b.id, b.nonce, b.signed_bytes
"""

# What a verdict makes of a broadcast. SENT means: these bytes may be on their way.
_NOW_SENT = frozenset(
    {
        SendVerdict.ACCEPTED,
        SendVerdict.ALREADY_KNOWN,
        SendVerdict.UNKNOWN,
        SendVerdict.NONCE_TOO_LOW,  # perhaps these very bytes are mined: confirming looks the hash up
    }
)


def _record(network_code: str, batch: Sequence[Due], outcomes: Sequence[SendOutcome]) -> None:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM treasury_broadcast WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [[due.broadcast_id for due in batch]],
        )
        cursor.execute(
            _RECORD,
            [
                [due.broadcast_id for due in batch],
                [_next_state(outcome.verdict) for outcome in outcomes],
                ["" if outcome.is_held_by_node else _described(outcome) for outcome in outcomes],
            ],
        )
        gap = [
            due for due, outcome in zip(batch, outcomes, strict=True) if outcome.verdict is SendVerdict.NONCE_TOO_HIGH
        ]
        if gap:  # the node lacks something before it: send all of that again, at once
            cursor.execute(
                "UPDATE treasury_broadcast SET last_sent_at = NULL WHERE wallet_id ="
                " (SELECT wallet_id FROM treasury_broadcast WHERE id = %s) AND state = 'sent' AND nonce < %s",
                [gap[0].broadcast_id, gap[0].nonce],
            )
        failpoints.hit("before_send_commit")
    failpoints.hit("after_send_commit")
    _report(network_code, outcomes)


_RECORD = """
UPDATE treasury_broadcast AS b
   SET state = CASE WHEN answer.state = 'sent' AND b.state = 'signed' THEN 'sent'
                    WHEN answer.state = 'refused' AND b.state = 'signed' THEN 'refused'
                    ELSE b.state END,
       last_error = answer.error,
       sent_at = CASE WHEN answer.state = 'sent' THEN coalesce(b.sent_at, now()) ELSE b.sent_at END
  FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS answer(id, state, error)
 WHERE b.id = answer.id
"""


def _next_state(verdict: SendVerdict) -> str:
    """The state that the verdict leads to, "" for the present one."""
    if verdict in _NOW_SENT:
        return "sent"
    return "refused" if verdict is SendVerdict.INVALID else ""


def _described(outcome: SendOutcome) -> str:
    return f"{outcome.verdict}: {outcome.error or ''}"[:200]


def _report(network_code: str, outcomes: Sequence[SendOutcome]) -> None:
    verdicts = {outcome.verdict for outcome in outcomes}
    if SendVerdict.INVALID in verdicts:
        warn_while(
            True,
            key=f"bytes-invalid:{network_code}",
            network=network_code,
            message="A node says that signed bytes are invalid. Their nonce is filled with a no-op.",
            facts={
                outcome.tx_hash: _described(outcome) for outcome in outcomes if outcome.verdict is SendVerdict.INVALID
            },
        )
    if verdicts & {SendVerdict.INSUFFICIENT_FUNDS, SendVerdict.ACCEPTED}:
        warn_while(
            SendVerdict.INSUFFICIENT_FUNDS in verdicts,
            key=f"hot-wallet-gas:{network_code}",
            network=network_code,
            message="Payments wait: the hot wallet holds too little of the native coin to pay for gas. Top it up.",
        )
