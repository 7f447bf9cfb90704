"""A later attempt at the same nonce: for a payment whose fee no longer suffices, and for one that must not happen.

Never another nonce: at most one of an order's attempts can ever be mined.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from treasury import alarms, failpoints, halts
from treasury.broadcasts.reserving import INSERT_BROADCASTS
from treasury.broadcasts.rows import hot_wallet, warn_while
from treasury.chains import registry
from treasury.chains.errors import FeesTooHigh
from treasury.chains.fees import bumped_fees
from treasury.chains.network import Network
from treasury.chains.ports import Fees, SendVerdict
from treasury.models import Alarm, Broadcast, PaymentOrder, Wallet

LIMIT = 50
MOST_ATTEMPTS = 30
PRICED_OUT_SECONDS = 5  # how long a payment below the base fee is left before it is replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmined:
    """The live attempt of an order that is in no block.

    `attempt` and `fees` are the highest of all attempts of the order: the live one need not be the last, since a reorg
    or a refusal brings an earlier one back, and nodes may still hold the dearer bytes.
    """

    order_id: int
    broadcast_id: int
    attempt: int
    purpose: str
    nonce: int
    to_address: str
    data: bytes
    gas_limit: int
    fees: Fees
    waiting_since: datetime
    priced_out: bool  # a node called it underpriced


def choose_stuck(
    unmined: Sequence[Unmined], *, now: datetime, count: int, base_fee_wei: int, stuck_seconds: float
) -> list[Unmined]:
    """Which to replace now, lowest nonce first.

    The first in line, once it has waited for `stuck_seconds`: the others only wait behind it. That is the one whose
    nonce is the chain's `count` of the wallet's transactions; the lowest here need not be it, while a dearer attempt at
    a lower nonce waits for the signer. And each that the base fee has overtaken, after a few seconds: none of those can
    be mined at its price.
    """
    patience = timedelta(seconds=min(PRICED_OUT_SECONDS, stuck_seconds))
    chosen = []
    for each in sorted(unmined, key=lambda each: each.nonce):
        waited = now - each.waiting_since
        overtaken = each.priced_out or each.fees.max_fee_wei < base_fee_wei
        stuck = each.nonce == count and waited >= timedelta(seconds=stuck_seconds)
        if stuck or (overtaken and waited >= patience):
            chosen.append(each)
    return chosen


def replace_stuck(network_code: str, *, limit: int = LIMIT) -> int:
    """Reserve dearer attempts for payments that do not get through; returns how many now wait for the signer.

    Both fees rise by at least 10 %. Above the cap the old bytes go on being sent, with an alarm. Raises ChainError.
    """
    wallet = hot_wallet(network_code)
    if wallet is None or halts.is_halted(network_code):
        return 0
    patience = timedelta(seconds=min(PRICED_OUT_SECONDS, settings.BROADCAST_STUCK_SECONDS))
    now = timezone.now()
    unmined = [each for each in _unmined(wallet, limit) if now - each.waiting_since >= patience]
    if not unmined:
        return 0
    network, chain = registry.network(network_code), registry.nonce_chain(network_code)
    count = chain.transaction_count(wallet.address, "latest")
    unmined = [each for each in unmined if each.nonce >= count]  # below: mined, or about to be explained
    replaced, too_high = 0, ""
    stuck: list[Unmined] = []
    try:
        suggested = chain.suggest_fees()
        stuck = choose_stuck(
            unmined,
            now=now,
            count=count,
            base_fee_wei=suggested.base_fee_wei,
            stuck_seconds=settings.BROADCAST_STUCK_SECONDS,
        )
        for each in stuck:
            fees = bumped_fees(each.fees, suggested, cap_wei=network.max_fee_cap_wei)
            if each.attempt >= MOST_ATTEMPTS:
                raise FeesTooHigh(f"{each.attempt} attempts did not get through")
            replaced += _replace(wallet, each, fees)
    except FeesTooHigh as error:
        too_high = str(error)
    _warn(network_code, stuck, too_high if unmined else "")
    return replaced


def fill_gaps(network_code: str, *, limit: int = LIMIT) -> int:
    """Deal with orders that have no live attempt, because the signer or the node refused the last one.

    If an earlier attempt is signed, that one is live again. Otherwise nothing of the order can be mined, and a no-op
    takes its nonce; the order dies when that is final. Returns how many no-ops now wait for the signer.
    """
    wallet = hot_wallet(network_code)
    if wallet is None or halts.is_halted(network_code):
        return 0
    orders = list(
        PaymentOrder.objects.filter(wallet=wallet, state=PaymentOrder.State.OPEN, broadcasts__state="refused")
        .exclude(broadcasts__state__in=("reserved", "signed", "sent", "mined"))
        .order_by("nonce")
        .distinct()[:limit]
    )
    if not orders:
        return 0
    chain = registry.nonce_chain(network_code)
    fees = chain.suggest_fees()
    gas = chain.estimate_gas(wallet.address, wallet.address, b"")
    return sum(_fill(wallet, order.pk, fees, gas) for order in orders)


# --- writing --------------------------------------------------------------------------------------------------------


def _replace(wallet: Wallet, old: Unmined, fees: Fees) -> int:
    with transaction.atomic(durable=True):
        PaymentOrder.objects.select_for_update().get(pk=old.order_id)
        hit = Broadcast.objects.filter(pk=old.broadcast_id, state__in=("signed", "sent")).update(state="replaced")
        if not hit:
            return 0  # mined or replaced meanwhile
        last = Broadcast.objects.filter(order_id=old.order_id).aggregate(last=Max("attempt"))["last"]
        _insert(wallet, old.order_id, last + 1, old.purpose, old.nonce, old.to_address, old.data, old.gas_limit, fees)
        failpoints.hit("before_replace_commit")
    failpoints.hit("after_replace_commit")
    return 1


def _fill(wallet: Wallet, order_id: int, fees: Fees, gas_limit: int) -> int:
    with transaction.atomic(durable=True):
        order = PaymentOrder.objects.select_for_update().get(pk=order_id)
        attempts = list(Broadcast.objects.filter(order=order).order_by("attempt"))
        if order.state != "open" or any(each.state in ("reserved", "signed", "sent", "mined") for each in attempts):
            return 0
        last, filled = attempts[-1], False
        offered = _fees_over(attempts, fees, registry.network(wallet.network))
        alive = [each for each in attempts if each.state == "replaced" and each.signed_bytes]
        if not alive and (offered is None or len(attempts) >= MOST_ATTEMPTS):
            alive = [each for each in attempts if each.signed_bytes]  # no other way left: what a node refused goes out
        if alive:
            Broadcast.objects.filter(pk=alive[-1].pk).update(state="sent", last_sent_at=None)
        elif offered is not None and len(attempts) < MOST_ATTEMPTS and not _too_soon(last):
            _insert(wallet, order.pk, last.attempt + 1, "noop", last.nonce, wallet.address, b"", gas_limit, offered)
            filled = True
        alarms.raise_alarm(
            key=f"payment-refused:{order.pk}",
            severity=Alarm.Severity.CRITICAL,
            network=wallet.network,
            message=f"A payment was refused: {last.refusal or last.last_error}",
            facts={"order": order.pk, "reference": order.reference, "nonce": last.nonce, "attempt": last.attempt},
        )
        failpoints.hit("before_replace_commit")
    failpoints.hit("after_replace_commit")
    return int(filled)


def _fees_over(attempts: Sequence[Broadcast], suggested: Fees, network: Network) -> Fees | None:
    """What a no-op offers: more than any bytes of the order that a node may hold, which also makes its own bytes new.

    None if that is above the cap.
    """
    signed = [each for each in attempts if each.signed_bytes]
    if not signed:
        return suggested
    try:
        return bumped_fees(_highest_fees(signed), suggested, cap_wei=network.max_fee_cap_wei)
    except FeesTooHigh:
        return None


def _highest_fees(attempts: Sequence[Broadcast]) -> Fees:
    return Fees(
        max_fee_wei=max(each.max_fee_wei or 0 for each in attempts),
        max_priority_fee_wei=max(each.max_priority_fee_wei or 0 for each in attempts),
        base_fee_wei=0,
    )


def _too_soon(last: Broadcast) -> bool:
    """A refused no-op is not tried again at once."""
    return last.purpose == "noop" and timezone.now() - last.reserved_at < timedelta(seconds=10)


def _insert(
    wallet: Wallet, order_id: int, attempt: int, purpose: str, nonce: int, to: str, data: bytes, gas: int, fees: Fees
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_BROADCASTS,
            [
                wallet.network, wallet.pk, [order_id], [attempt], [purpose], [nonce], [to], [data], [gas],
                [fees.max_fee_wei], [fees.max_priority_fee_wei],
            ],
        )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------------


def _unmined(wallet: Wallet, limit: int) -> list[Unmined]:
    rows = list(
        Broadcast.objects.filter(
            wallet=wallet, state__in=("signed", "sent"), order__state=PaymentOrder.State.OPEN
        ).order_by("nonce")[:limit]
    )
    attempts: dict[int, list[Broadcast]] = defaultdict(list)
    for each in Broadcast.objects.filter(order_id__in=[row.order_id for row in rows]):
        attempts[each.order_id].append(each)
    return [
        Unmined(
            order_id=row.order_id,
            broadcast_id=row.pk,
            attempt=max(each.attempt for each in attempts[row.order_id]),
            purpose=row.purpose,
            nonce=row.nonce,
            to_address=row.to_address,
            data=bytes(row.data),
            gas_limit=row.gas_limit or 0,
            fees=_highest_fees([row, *(each for each in attempts[row.order_id] if each.signed_bytes)]),
            waiting_since=row.reserved_at,
            priced_out=row.last_error.partition(":")[0] == SendVerdict.UNDERPRICED,
        )
        for row in rows
    ]


def _warn(network_code: str, stuck: Sequence[Unmined], too_high: str) -> None:
    warn_while(
        bool(too_high),
        key=f"replacement-too-dear:{network_code}",
        network=network_code,
        message="A payment is stuck, and the fees that would move it are above the configured cap.",
        facts={"error": too_high},
    )
    old = [each for each in stuck if each.attempt > 1]
    warn_while(
        bool(old),
        key=f"payment-stuck:{network_code}",
        network=network_code,
        message="Payments are stuck although they were replaced at a higher fee.",
        facts={"nonces": [each.nonce for each in old]},
    )
