"""Signing what is reserved: read, check, sign, decode again, store. No key is used inside a transaction."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from treasury import failpoints
from treasury.approvals import Approval
from treasury.chains import registry
from treasury.chains.errors import InvalidTransaction
from treasury.chains.network import Network
from treasury.chains.payloads import PaymentPayload
from treasury.chains.tron.transactions import RawTransaction
from treasury.keys.ports import PaymentKeys
from treasury.models import PaymentApproval
from treasury.signing import approvers, caps, memory
from treasury.signing.evidence import approvers_of, check_evidence
from treasury.signing.rules import (
    PAYMENT,
    NotYet,
    OrderFacts,
    OwnWallet,
    Refused,
    Reserved,
    check_signed,
    payload_to_sign,
)
from treasury.signing.vault import Vault, own_wallet, vault

logger = logging.getLogger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class SigningResult:
    """What one run did, and where: the networks whose sender has something to do now."""

    signed: int
    refused: int
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Signed:
    job: Reserved
    raw: bytes
    tx_hash: str
    pays: str


def sign_broadcasts(*, limit: int = BATCH) -> SigningResult:
    """Sign up to `limit` reserved broadcasts, lowest nonces first; refuse, with a reason, those that must not be.

    Safe to run twice at once: bytes are stored only where the broadcast is still RESERVED. Raises KeysError if the
    keystore cannot be opened.
    """
    opened = vault()
    jobs = _reserved(limit)
    if not jobs:
        return SigningResult(0, 0, ())
    older = memory.older_databases({job.network for job in jobs})
    for code, number in older.items():
        logger.critical(
            "NOTHING is signed on %s: payments up to number %s were, and this database does not know", code, number
        )
    jobs = [job for job in jobs if job.network not in older]
    wallets = _wallets(opened, {job.network for job in jobs})
    signed: list[_Signed] = []
    refused: list[tuple[Reserved, str]] = []
    # Looked at before any key is used; counted again, under the lock, before anything is stored.
    budget = caps.spent(jobs)
    # At an order's first signature. Later ones are of the same payment (`caps`), whoever has left the house since.
    unproven = [job.order for job in jobs if job.purpose == PAYMENT and job.order.order_id not in budget.signed_before]
    keys_of_approvers = approvers.trusted_keys(approvers_of(unproven), opened.keys)
    to_prove = {order.order_id for order in unproven}
    for job in jobs:
        try:
            network, wallet, payload = _checked(opened, job, wallets[job.network])
            if job.order.order_id in to_prove:
                check_evidence(job.order, keys_of_approvers, site_url=settings.SITE_URL)
            budget.admit(job, opened.policy)
            signed.append(_sign(opened.keys, job, network, wallet, payload))
        except NotYet:
            continue
        except Refused as refusal:
            refused.append((job, refusal.reason))
    failpoints.hit("after_sign")
    stored, refused_now = _store(opened, signed, refused)
    for job, reason in refused_now:
        logger.error(
            "REFUSED to sign broadcast %s (order %s, %s nonce %s): %s",
            job.broadcast_id, job.order.order_id, job.network, job.nonce, reason,
        )  # fmt: skip
    return SigningResult(stored, len(refused_now), tuple(sorted({job.network for job in jobs})))


def _wallets(opened: Vault, codes: Iterable[str]) -> dict[str, OwnWallet | None]:
    known = registry.networks()
    return {code: own_wallet(opened.keys, known[code]) if code in known else None for code in codes}


def _checked(
    opened: Vault, job: Reserved, wallet: OwnWallet | None
) -> tuple[Network, OwnWallet, PaymentPayload | RawTransaction]:
    if wallet is None:
        raise Refused("the signer knows no such network, or has no wallet on it")
    network = registry.network(job.network)
    return network, wallet, payload_to_sign(job, network, wallet, opened.policy, now_ms=_now_ms())


def _now_ms() -> int:
    return int(timezone.now().timestamp() * 1000)


def _sign(
    keys: PaymentKeys, job: Reserved, network: Network, wallet: OwnWallet, payload: PaymentPayload | RawTransaction
) -> _Signed:
    failpoints.hit("before_sign")
    signature = keys.sign_digest(wallet.path, payload.signing_digest())
    try:
        raw = payload.assemble(signature.y_parity, signature.r, signature.s)
        tx_hash = check_signed(raw, job, payload, network, wallet)
    except InvalidTransaction as error:
        raise Refused(f"the signature is not valid: {error}") from error
    return _Signed(
        job=job,
        raw=raw,
        tx_hash=tx_hash,
        pays=job.order.address if job.purpose == PAYMENT else wallet.address,
    )


def _store(
    opened: Vault, signed: Sequence[_Signed], refused: Sequence[tuple[Reserved, str]]
) -> tuple[int, list[tuple[Reserved, str]]]:
    """One commit: bytes, hashes and the signer's log for those still RESERVED; reasons for the refused."""
    with transaction.atomic(durable=True):
        caps.lock_records()
        budget = caps.spent(each.job for each in signed)
        within: list[_Signed] = []
        over = list(refused)
        jobs = [*(each.job for each in signed), *(job for job, _ in refused)]
        still_reserved = _lock_reserved([job.broadcast_id for job in jobs])
        known = _known_hashes([each.tx_hash for each in signed])
        for each in signed:
            if each.job.broadcast_id not in still_reserved:
                continue
            try:
                if each.tx_hash in known:  # refused by itself: it must not keep the batch from being stored
                    raise Refused("the same bytes were signed before")
                budget.admit(each.job, opened.policy)
                within.append(each)
                known.add(each.tx_hash)
            except NotYet:
                continue
            except Refused as refusal:
                over.append((each.job, refusal.reason))
        over = [(job, reason) for job, reason in over if job.broadcast_id in still_reserved]
        _write_signed(within)
        caps.record([(each.job, each.pays, each.tx_hash) for each in within])
        _write_refused(over)
        failpoints.hit("before_signature_commit")
    failpoints.hit("after_signature_commit")
    last: dict[str, int] = {}
    for each in within:
        last[each.job.network] = max(each.job.nonce, last.get(each.job.network, -1))
    memory.remember(last)
    return len(within), over


def _lock_reserved(ids: Sequence[int]) -> frozenset[int]:
    """Those still RESERVED under an open order, locked in one order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.id FROM treasury_broadcast AS b JOIN treasury_paymentorder AS o ON o.id = b.order_id"
            " WHERE b.id = ANY(%s) AND b.state = 'reserved' AND o.state = 'open' ORDER BY b.id FOR UPDATE OF b",
            [list(ids)],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def _known_hashes(hashes: Sequence[str]) -> set[str]:
    """Those that a broadcast has already. Signatures are deterministic: equal payloads have equal hashes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tx_hash FROM treasury_broadcast WHERE tx_hash = ANY(%s)", [list(hashes)])
        return {row[0] for row in cursor.fetchall()}


def _write_signed(signed: Sequence[_Signed]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE treasury_broadcast AS b SET state = 'signed', signed_bytes = made.raw, tx_hash = made.tx_hash,"
            " signed_at = now() FROM unnest(%s::bigint[], %s::bytea[], %s::text[]) AS made(id, raw, tx_hash)"
            " WHERE b.id = made.id AND b.state = 'reserved'",
            [[each.job.broadcast_id for each in signed], [each.raw for each in signed], [e.tx_hash for e in signed]],
        )
        if cursor.rowcount != len(signed):
            raise RuntimeError("a locked broadcast is no longer reserved")  # cannot be; nothing is stored then


def _write_refused(refused: Sequence[tuple[Reserved, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE treasury_broadcast AS b SET state = 'refused', refusal = made.reason"
            " FROM unnest(%s::bigint[], %s::text[]) AS made(id, reason) WHERE b.id = made.id AND b.state = 'reserved'",
            [[job.broadcast_id for job, _ in refused], [reason[:200] for _, reason in refused]],
        )


def _reserved(limit: int) -> list[Reserved]:
    """Broadcasts, orders and evidence as the signer's own role reads them. Halted networks wait."""
    with connection.cursor() as cursor:
        cursor.execute(_RESERVED, [limit])
        rows = cursor.fetchall()
    evidence = _approvals({row[10] for row in rows})
    return [
        Reserved(
            broadcast_id=row[0],
            purpose=row[1],
            network=row[2],
            wallet_id=row[3],
            nonce=row[4],
            to_address=row[5],
            data=bytes(row[6]),
            gas_limit=row[7],
            max_fee_wei=None if row[8] is None else int(row[8]),
            max_priority_fee_wei=None if row[9] is None else int(row[9]),
            fee_limit_sun=row[20],
            ref_block=None if row[21] is None else bytes(row[21]),
            expiration_ms=row[22],
            timestamp_ms=row[23],
            order=OrderFacts(
                order_id=row[10],
                reference=row[11],
                network=row[12],
                address=row[13],
                amount_micro=int(row[14]),
                revision=row[15],
                approvals_required=row[16],
                state=row[17],
                wallet_id=row[18],
                nonce=row[19],
                approvals=evidence[row[10]],
            ),
        )
        for row in rows
    ]


_RESERVED = """
SELECT b.id, b.purpose, b.network, b.wallet_id, b.nonce, b.to_address, b.data, b.gas_limit, b.max_fee_wei,
       b.max_priority_fee_wei,
       o.id, o.reference, o.network, o.address, o.amount_micro, o.revision, o.approvals_required, o.state, o.wallet_id,
       o.nonce, b.fee_limit_sun, b.ref_block, b.expiration_ms, b.timestamp_ms
  FROM treasury_broadcast AS b JOIN treasury_paymentorder AS o ON o.id = b.order_id
 WHERE b.state = 'reserved'
   AND NOT EXISTS (SELECT FROM treasury_networkstate AS n WHERE n.network = b.network AND n.halted_at IS NOT NULL)
 ORDER BY b.wallet_id, b.nonce, b.attempt LIMIT %s
"""


def _approvals(order_ids: Iterable[int]) -> dict[int, list[Approval]]:
    found: dict[int, list[Approval]] = defaultdict(list)
    for row in PaymentApproval.objects.filter(order_id__in=list(order_ids)).order_by("id"):
        found[row.order_id].append(
            Approval(
                approver_id=row.approver_id,
                approver_label=row.approver_label,
                approved_at=row.approved_at,
                revision=row.revision,
                digest=row.digest,
                evidence=row.evidence if isinstance(row.evidence, dict) else {},
            )
        )
    return found
