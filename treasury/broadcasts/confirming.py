"""Confirming: what the chain made of each order under way, settled or proven dead at finality and not before."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from treasury import alarms, failpoints, halts, ledger
from treasury.broadcasts import proving
from treasury.broadcasts.facts import Attempt, ChainFacts, Fate, UnderWay, Verdict, judge
from treasury.broadcasts.rows import hot_wallet, no_longer
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ChainAdapter, ExpiringChain, NonceChain, Receipt
from treasury.models import Alarm, Broadcast, Wallet

logger = logging.getLogger(__name__)

LIMIT = 1_000


@dataclass
class Changes:
    """What one run writes, gathered so that it takes a few statements whatever the number of orders."""

    mined: list[tuple[int, int, str]] = field(default_factory=list)  # broadcast, block number, block hash
    unmined: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)  # live until another attempt turned out to be the mined one
    dropped: list[int] = field(default_factory=list)  # likewise, and not signed yet: never will be
    expired: list[int] = field(default_factory=list)  # proven dead; their orders stay open
    final: list[tuple[int, str, int, str, int, int]] = field(default_factory=list)
    closed: list[tuple[int, str, str]] = field(default_factory=list)  # order, state, reason
    postings: list[ledger.Posting] = field(default_factory=list)
    suspects: list[tuple[UnderWay, Verdict]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.mined or self.unmined or self.expired or self.closed or self.suspects)


def confirm_broadcasts(network_code: str, *, limit: int = LIMIT) -> int:
    """Look at up to `limit` orders under way, lowest nonces first; returns how many are closed now.

    Goes on while a network is halted: it only reads the chain. Raises ChainError if the chain cannot be asked.
    """
    wallet = hot_wallet(network_code)
    if wallet is None:
        return 0
    orders = orders_under_way(wallet, limit=limit)
    if not orders:
        return 0
    network = registry.network(network_code)
    facts = _facts(network, wallet, orders)
    failpoints.hit("after_receipts")
    news = [order.order_id for order in orders if judge(order, facts, network, wallet.address).fate is not Fate.NOTHING]
    if not news:
        return 0
    try:
        changes = _settle(news, facts, network, wallet)
    except ledger.LedgerError as error:
        # One of them poisons the batch: take them one by one, so that it stops only itself.
        logger.error("%s: the books refused a batch of confirmations, now one by one: %r", network_code, error)
        return sum(_settle_one(order_id, facts, network, wallet) for order_id in news)
    return _told(changes, network_code)


def _settle(order_ids: Sequence[int], facts: ChainFacts, network: Network, wallet: Wallet) -> Changes:
    """One commit: what the facts mean for these orders, with the gas in the books."""
    with transaction.atomic(durable=True):
        # Again under lock: the signer or another worker may have changed the attempts since.
        changes = _changes(orders_under_way(wallet, only=order_ids, lock=True), facts, network, wallet)
        _write(changes)
        failpoints.hit("before_confirm_commit")
    failpoints.hit("after_confirm_commit")
    return changes


def _settle_one(order_id: int, facts: ChainFacts, network: Network, wallet: Wallet) -> int:
    key = f"gas-refused:{order_id}"
    try:
        changes = _settle([order_id], facts, network, wallet)
    except ledger.LedgerError as error:
        alarms.raise_alarm(
            key=key,
            severity=Alarm.Severity.CRITICAL,
            network=network.code,
            message="A payment is final, and the books refuse its gas. Its order stays open; the others go on.",
            facts={"order": order_id, "error": f"{type(error).__name__}: {error}"[:300]},
        )
        return 0
    no_longer(key)
    return _told(changes, network.code)


def _told(changes: Changes, network_code: str) -> int:
    """Alarms for what is strange; returns how many orders are closed."""
    for order, verdict in changes.suspects:
        _alarm(network_code, order, verdict)
    return len(changes.closed)


def orders_under_way(
    wallet: Wallet, *, limit: int = LIMIT, only: Sequence[int] | None = None, lock: bool = False
) -> list[UnderWay]:
    """Open orders with a nonce, lowest first, with their attempts. `lock` locks the orders, then the attempts."""
    with connection.cursor() as cursor:
        wanted = None if only is None else list(only)
        cursor.execute(_UNDER_WAY_LOCKED if lock else _UNDER_WAY, [wallet.pk, wanted, wanted, limit])
        orders = cursor.fetchall()
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    rows = Broadcast.objects.filter(order_id__in=[order[0] for order in orders]).order_by("pk")
    for row in rows.select_for_update() if lock else rows:
        attempts[row.order_id].append(
            Attempt(
                broadcast_id=row.pk,
                attempt=row.attempt,
                purpose=row.purpose,
                state=row.state,
                tx_hash=row.tx_hash,
                block_hash=row.block_hash,
                why=row.refusal or row.last_error,
                expiration_ms=row.expiration_ms,
                sent_at=row.last_sent_at,
            )
        )
    return [
        UnderWay(
            order_id=order_id,
            reference=reference,
            address=address,
            amount_micro=int(amount),
            nonce=nonce,
            attempts=tuple(sorted(attempts[order_id], key=lambda each: each.attempt)),
        )
        for order_id, reference, address, amount, nonce in orders
    ]


_UNDER_WAY = """
SELECT id, reference, address, amount_micro, nonce FROM treasury_paymentorder
 WHERE wallet_id = %s AND state = 'open' AND nonce IS NOT NULL AND (%s::bigint[] IS NULL OR id = ANY(%s))
 ORDER BY nonce LIMIT %s
"""
_UNDER_WAY_LOCKED = f"{_UNDER_WAY} FOR UPDATE"


# --- asking ---------------------------------------------------------------------------------------------------------


def _facts(network: Network, wallet: Wallet, orders: Sequence[UnderWay]) -> ChainFacts:
    if network.family == "tron":
        return _ask_expiring(registry.expiring_chain(network.code), network, orders)
    return _ask(registry.nonce_chain(network.code), network, wallet, orders)


def _ask_expiring(chain: ExpiringChain, network: Network, orders: Sequence[UnderWay]) -> ChainFacts:
    """Receipts of every hash that can be mined, the canonical blocks of those that can be final, and what expired.

    While hundreds of payments are being sent, the node is not asked about each of them again and again.
    """
    final, now = chain.finalized(), timezone.now()
    attempts = [each for order in orders for each in order.attempts if each.tx_hash]
    due_for_news = [each for each in attempts if each.may_be_mined(now, final.timestamp, network.block_seconds)]
    hashes = sorted({each.tx_hash for each in due_for_news if each.tx_hash})
    receipts = _receipts(chain, hashes)
    silent = {
        each.tx_hash: each.expiration_ms
        for each in attempts
        if each.tx_hash and each.expiration_ms and each.state != "dead" and each.tx_hash not in receipts
    }
    due = {tx_hash: at_ms for tx_hash, at_ms in silent.items() if at_ms < final.timestamp * 1000}
    return ChainFacts(
        receipts=receipts,
        asked=frozenset(hashes),
        final_number=final.number,
        final_hashes=_final_hashes(chain, receipts, final),
        at_nonce={},
        disputed=proving.disputed(chain, network, list(receipts.values()), final),
        dead=chain.dead(due),
    )


def _final_hashes(chain: ChainAdapter, receipts: Mapping[str, Receipt], final: BlockRef) -> dict[int, str]:
    heights = {answer.block_number for answer in receipts.values() if answer.block_number <= final.number}
    blocks = {number: chain.block(number) for number in sorted(heights)}
    return {number: block.block_hash for number, block in blocks.items() if block is not None}


def _ask(chain: NonceChain, network: Network, wallet: Wallet, orders: Sequence[UnderWay]) -> ChainFacts:
    """Receipts of every hash that can be mined, the canonical blocks of those that can be final, and foreign uses."""
    final = chain.finalized()
    count = chain.transaction_count(wallet.address, "latest")
    candidates = [
        order for order in orders if order.nonce < count or any(each.state == "mined" for each in order.attempts)
    ]
    hashes = sorted({tx_hash for order in candidates for tx_hash in order.hashes})
    receipts = _receipts(chain, hashes)
    silent = [
        order for order in candidates if order.nonce < count and not any(each in receipts for each in order.hashes)
    ]
    others = proving.foreign_transactions(chain, network, wallet, silent)
    theirs = _receipts(chain, others.hashes)
    return ChainFacts(
        receipts=receipts,
        asked=frozenset(hashes),
        final_number=final.number,
        final_hashes=_final_hashes(chain, receipts, final),
        at_nonce={  # mined as the transaction itself is shown, and final
            nonce: other
            for nonce, other in others.proven.items()
            if other.tx_hash in theirs and theirs[other.tx_hash].block_number <= final.number
        },
        unproven=others.unproven,
        disputed=proving.disputed(chain, network, [*receipts.values(), *theirs.values()], final),
    )


def _receipts(chain: ChainAdapter, hashes: Sequence[str]) -> dict[str, Receipt]:
    answers = chain.receipts(hashes) if hashes else []
    return {answer.tx_hash: answer for answer in answers if answer is not None}


# --- deciding and writing -------------------------------------------------------------------------------------------


def _changes(orders: Iterable[UnderWay], facts: ChainFacts, network: Network, wallet: Wallet) -> Changes:
    changes = Changes()
    for order in orders:
        verdict = judge(order, facts, network, wallet.address)
        _MARKS[verdict.fate](changes, order, verdict, network)
    return changes


def _mark_nothing(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    pass


def _mark_mined(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    attempt, receipt = verdict.inclusion()
    if attempt.state == "mined" and attempt.block_hash == receipt.block_hash:
        return
    others = [each for each in order.attempts if each != attempt]
    changes.replaced += [each.broadcast_id for each in others if each.state in ("signed", "sent", "mined")]
    changes.dropped += [each.broadcast_id for each in others if each.state == "reserved"]
    changes.mined.append((attempt.broadcast_id, receipt.block_number, receipt.block_hash))


def _mark_unmined(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    logger.warning("%s nonce %s: taken out of its block, will be sent again", network.code, order.nonce)
    changes.unmined += [each.broadcast_id for each in order.attempts if each == verdict.attempt]


def _mark_expired(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    logger.warning("%s order %s: attempt expired, proven dead", network.code, order.order_id)
    changes.expired += [each.broadcast_id for each in order.attempts if each == verdict.attempt]


def _mark_final(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    attempt, receipt = verdict.inclusion()
    state = "final_reverted" if verdict.fate is Fate.REVERTED else "final_ok"
    changes.final.append(
        (attempt.broadcast_id, state, receipt.block_number, receipt.block_hash, receipt.gas_used, receipt.fee_native)
    )
    changes.closed.append((order.order_id, "settled" if verdict.fate is Fate.PAID else "dead", verdict.reason))
    if receipt.fee_native:
        changes.postings.append(
            ledger.Posting(
                key=f"gas:{attempt.broadcast_id}",
                debit=f"expense:gas:{network.code}",
                credit=f"gas:{network.code}:hot",
                amount=receipt.fee_native,
                kind="gas",
                group=f"broadcast:{attempt.broadcast_id}",
            )
        )


def _mark_foreign(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    changes.closed.append((order.order_id, "dead", verdict.reason))
    changes.suspects.append((order, verdict))


def _mark_suspect(changes: Changes, order: UnderWay, verdict: Verdict, network: Network) -> None:
    changes.suspects.append((order, verdict))  # stays open: neither paid nor given back before a person has looked


_MARKS = {
    Fate.NOTHING: _mark_nothing,
    Fate.MINED: _mark_mined,
    Fate.UNMINED: _mark_unmined,
    Fate.EXPIRED: _mark_expired,
    Fate.PAID: _mark_final,
    Fate.REVERTED: _mark_final,
    Fate.FILLED: _mark_final,
    Fate.FOREIGN: _mark_foreign,
    Fate.SUSPECT: _mark_suspect,
}


def _write(changes: Changes) -> None:
    if changes.is_empty:
        return
    with connection.cursor() as cursor:
        for state, ids in (("replaced", changes.replaced), ("dead", [*changes.dropped, *changes.expired])):
            if ids:
                cursor.execute("UPDATE treasury_broadcast SET state = %s WHERE id = ANY(%s)", [state, ids])
        if changes.unmined:
            cursor.execute(
                "UPDATE treasury_broadcast SET state = 'sent', block_number = NULL, block_hash = '',"
                " last_sent_at = NULL WHERE id = ANY(%s) AND state = 'mined'",
                [changes.unmined],
            )
        if changes.mined:
            cursor.execute(
                "UPDATE treasury_broadcast AS b SET state = 'mined', block_number = seen.number,"
                " block_hash = seen.hash, last_error = '', sent_at = coalesce(b.sent_at, now())"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS seen(id, number, hash) WHERE b.id = seen.id",
                [list(column) for column in zip(*changes.mined, strict=True)],
            )
        _write_final(cursor, changes)
    ledger.post(*changes.postings)


def _write_final(cursor: object, changes: Changes) -> None:
    execute = cursor.execute  # type: ignore[attr-defined]  # Django's wrapper has no public type
    if changes.final:
        execute(
            "UPDATE treasury_broadcast AS b SET state = last.state, block_number = last.number, block_hash = last.hash,"
            " gas_used = last.gas_used, fee_native = last.cost, final_at = now(), last_error = ''"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::numeric[])"
            " AS last(id, state, number, hash, gas_used, cost) WHERE b.id = last.id",
            [list(column) for column in zip(*changes.final, strict=True)],
        )
    if changes.closed:
        closed_ids = [order_id for order_id, _, _ in changes.closed]
        execute(  # what shares a nonce with a final transaction can never be mined
            "UPDATE treasury_broadcast SET state = 'dead' WHERE order_id = ANY(%s)"
            " AND state IN ('reserved', 'signed', 'sent', 'mined', 'replaced')",
            [closed_ids],
        )
        execute(
            "UPDATE treasury_paymentorder AS o SET state = done.state, dead_reason = done.reason, closed_at = now()"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS done(id, state, reason)"
            " WHERE o.id = done.id AND o.state = 'open'",
            [closed_ids, [state for _, state, _ in changes.closed], [why[:200] for _, _, why in changes.closed]],
        )


def _alarm(network_code: str, order: UnderWay, verdict: Verdict) -> None:
    alarms.raise_alarm(
        key=f"payment-{verdict.fate}:{order.order_id}",
        severity=Alarm.Severity.CRITICAL,
        network=network_code,
        message=verdict.reason,
        facts={"order": order.order_id, "reference": order.reference, "nonce": order.nonce},
    )
    halts.halt_network(network_code, f"Order {order.order_id}, nonce {order.nonce}: {verdict.reason}")
