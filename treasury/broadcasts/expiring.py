"""Payments where no nonce makes them unique (TRON): first attempts, next attempts, and the end of those that never got
through.

An attempt's bytes die by their expiration. A next one is made only when the last is proven dead (see `confirming`),
which the database and the signer each check by themselves. `nonce` is our own count of the wallet's payments here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from treasury import alarms, failpoints, halts
from treasury.broadcasts.reserving import (
    LIMIT,
    Waiting,
    give_up_on,
    have_failed_for_long,
    orders_to_reserve,
    warn_of_fees,
    warn_of_shortage,
)
from treasury.broadcasts.rows import hot_wallet, warn_while
from treasury.chains import registry
from treasury.chains.errors import FeesTooHigh, MalformedAnswer, WouldRevert
from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ExpiringChain, TransferCost
from treasury.chains.tron.transactions import reference_of, token_transfer
from treasury.models import Alarm, Broadcast, PaymentOrder, Wallet

MOST_ATTEMPTS = 10
"""Expired and proven dead so often, a payment is given up and its money returned: something else is wrong."""

CLOCK_AHEAD_SECONDS = 1800
"""How far the chain's time may be ahead of ours. The signer has a limit of its own, further off."""

UNPROVEN_SECONDS = 300.0
"""How long an expired attempt may wait for its proof before an operator is told which nodes do not answer."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the wallet can spend now, less what is on its way: tokens, TRX, and energy that need not be burnt."""

    token_micro: int
    native_sun: int
    energy: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to reserve, and why others wait."""

    payable: tuple[Waiting, ...]
    short_of_token: bool
    short_of_gas: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What every transaction of a run has in common."""

    fee_limit_sun: int
    reference: BlockRef
    timestamp_ms: int
    expiration_ms: int


def plan_transfers(waiting: Sequence[Waiting], means: Means, cost: TransferCost) -> Plan:
    """Which orders the wallet can pay for in full, in order; a smaller one may pass a larger one that has to wait."""
    token, native, energy = means.token_micro, means.native_sun, means.energy
    payable: list[Waiting] = []
    short_of_token = short_of_gas = False
    for order in waiting:
        burnt_sun = max(0, cost.energy - max(0, energy)) * cost.energy_price_sun + cost.bandwidth_sun
        if order.amount_micro > token:
            short_of_token = True
        elif burnt_sun > native:
            short_of_gas = True
        else:
            payable.append(order)
            token -= order.amount_micro
            native -= burnt_sun
            energy -= cost.energy
    return Plan(tuple(payable), short_of_token, short_of_gas)


def fee_limit_sun(cost: TransferCost, network: Network) -> int:
    """What a transaction may use at most, staked and rented energy included: the estimate with the margin.

    Raises FeesTooHigh above the settings' cap.
    """
    limit = -(-cost.energy * cost.energy_price_sun * (100 + network.energy_margin_percent) // 100)
    if limit > network.fee_limit_sun_max:
        raise FeesTooHigh(
            f"a transfer needs a fee limit of {limit} sun, the settings allow {network.fee_limit_sun_max}"
        )
    return limit


def reserve_broadcasts(network_code: str, *, limit: int = LIMIT) -> int:
    """Give up to `limit` waiting orders their payloads; returns how many now wait for the signer.

    Orders that the wallet cannot pay stay open, with an alarm. Raises ChainError if the chain cannot be asked.
    """
    wallet, waiting = orders_to_reserve(network_code, limit, others_wait=_without_attempt(network_code).exists())
    if wallet is None or not waiting:
        return 0
    network, chain = registry.network(network_code), registry.expiring_chain(network_code)
    on_its_way = _on_its_way(wallet)  # before the balances: what is mined in between counts twice, never not at all
    token_micro, _ = network.raw_to_micro(chain.token_balance(wallet.address))
    token_micro -= sum(on_its_way)
    possible = [order for order in waiting if order.amount_micro <= token_micro]
    warn_of_shortage(network_code, of_token=len(possible) < len(waiting), of_gas=False)
    if not possible:
        return 0
    asked = _ask(chain, network, wallet, possible)
    if asked is None:
        return 0
    terms, cost = asked
    native_sun = chain.native_balance(wallet.address) - len(on_its_way) * cost.bandwidth_sun
    energy = chain.energy_left(wallet.address) - len(on_its_way) * cost.energy
    if energy < 0:  # what is on its way burns TRX
        native_sun, energy = native_sun + energy * cost.energy_price_sun, 0
    plan = plan_transfers(waiting, Means(token_micro, native_sun, energy), cost)
    warn_of_shortage(network_code, of_token=plan.short_of_token, of_gas=plan.short_of_gas)
    reserved = _reserve(network, wallet, plan.payable, terms) if plan.payable else 0
    if reserved:
        failpoints.hit("after_reserve_commit")
    return reserved


def retry_expired(network_code: str, *, limit: int = LIMIT) -> int:
    """Deal with orders that have no live attempt: another attempt if the last expired, the end if it was refused.

    Returns how many attempts now wait for the signer. Raises ChainError if the chain cannot be asked.
    """
    wallet = hot_wallet(network_code)
    if wallet is None or halts.is_halted(network_code):
        return 0
    _warn_of_unproven(network_code, wallet)
    _drop_unsigned(wallet)
    orders = list(_without_attempt(network_code).order_by("nonce")[:limit])
    again = [order for order in orders if not _close_hopeless(network_code, order.pk)]
    if not again:
        return 0
    network, chain = registry.network(network_code), registry.expiring_chain(network_code)
    waiting = [Waiting(each.pk, each.reference, each.address, each.amount_micro, is_old=True) for each in again]
    asked = _ask(chain, network, wallet, waiting)
    if asked is None:
        return 0
    return sum(_next_attempt(network, wallet, order.pk, asked[0]) for order in again)


def _without_attempt(network_code: str) -> QuerySet[PaymentOrder]:
    """Orders that had an attempt, and have no live one now."""
    return PaymentOrder.objects.filter(
        network=network_code, state=PaymentOrder.State.OPEN, nonce__isnull=False
    ).exclude(broadcasts__state__in=("reserved", "signed", "sent", "mined"))


# --- asking ---------------------------------------------------------------------------------------------------------


def _ask(
    chain: ExpiringChain, network: Network, wallet: Wallet, waiting: Sequence[Waiting]
) -> tuple[Terms, TransferCost] | None:
    """The terms of a transaction made now, and what it costs. None, with an alarm, if it would fail or be too dear.

    One estimate for all: what a transfer uses depends on its recipient only by whether that holds the token already,
    and on its amount not at all. The dearer case is asked for.
    """
    largest_raw = network.micro_to_raw(max(order.amount_micro for order in waiting))
    refused = ""
    try:
        cost = chain.transfer_cost(wallet.address, largest_raw)
        limit_sun = fee_limit_sun(cost, network)
        if chain.transfer_fee_raw(largest_raw):
            refused = "The token keeps a fee of each transfer now: customers would receive less than was approved."
    except WouldRevert as error:
        refused = error.reason or error.message
    except FeesTooHigh as error:
        warn_of_fees(network.code, str(error))
        return None
    warn_of_fees(network.code, "")
    warn_while(
        bool(refused),
        key=f"payment-refused-by-chain:{network.code}",
        network=network.code,
        message="Payments wait: the chain says that they would fail.",
        facts={"reason": refused[:200]},
    )
    if refused:
        if have_failed_for_long(network.code):
            give_up_on([(order, refused) for order in waiting if order.is_old])
        return None
    reference, head = chain.reference_block(), chain.head()
    ahead_seconds = head.timestamp - int(timezone.now().timestamp())
    warn_while(
        ahead_seconds > CLOCK_AHEAD_SECONDS,
        key=f"clock-behind:{network.code}",
        network=network.code,
        message="Payments wait: the chain's time is far ahead of this machine's clock. One of them is wrong.",
        facts={"ahead_seconds": ahead_seconds},
    )
    if ahead_seconds > CLOCK_AHEAD_SECONDS:
        raise MalformedAnswer(f"the head's time is {ahead_seconds} s ahead of ours: a transaction would live too long")
    return Terms(
        fee_limit_sun=limit_sun,
        reference=reference,
        timestamp_ms=head.timestamp * 1000,
        expiration_ms=(head.timestamp + network.expiration_seconds) * 1000,
    ), cost


def _on_its_way(wallet: Wallet) -> list[int]:
    """Amounts, in 10^-6 USDT, of the orders whose transaction is not known to be mined."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.amount_micro FROM treasury_paymentorder AS o WHERE o.wallet_id = %s AND o.state = 'open'"
            " AND NOT EXISTS (SELECT FROM treasury_broadcast AS b WHERE b.order_id = o.id AND b.state = 'mined')",
            [wallet.pk],
        )
        return [int(row[0]) for row in cursor.fetchall()]


def _warn_of_unproven(network_code: str, wallet: Wallet) -> None:
    since_ms = int((timezone.now() - timedelta(seconds=UNPROVEN_SECONDS)).timestamp() * 1000)
    expired = Broadcast.objects.filter(
        wallet=wallet, state__in=("signed", "sent"), order__state="open", expiration_ms__lt=since_ms
    )
    first = list(expired.order_by("pk").values_list("tx_hash", flat=True)[:20])
    warn_while(
        bool(first),
        key=f"expired-unproven:{network_code}",
        network=network_code,
        message="Payments expired, and not every node can be asked whether they were made. They wait for all nodes.",
        facts={"tx_hashes": first},
    )


def _drop_unsigned(wallet: Wallet) -> None:
    """What expired while it waited for the signer is dead: there are no bytes, and the signer makes none of it now."""
    now_ms = int(timezone.now().timestamp() * 1000)
    Broadcast.objects.filter(wallet=wallet, state=Broadcast.State.RESERVED, expiration_ms__lt=now_ms).update(
        state=Broadcast.State.DEAD
    )
    unsigned = Broadcast.objects.filter(
        wallet=wallet, state=Broadcast.State.DEAD, signed_bytes=None, order__state=PaymentOrder.State.OPEN
    )
    warn_while(
        unsigned.exists(),
        key=f"signer-late:{wallet.network}",
        network=wallet.network,
        message="Payments expired before they were signed: the signer is away, or its clock is wrong.",
        facts={"orders": sorted({row.order_id for row in unsigned[:50]})[:20]},
    )


# --- writing --------------------------------------------------------------------------------------------------------


def _reserve(network: Network, wallet: Wallet, payable: Sequence[Waiting], terms: Terms) -> int:
    """One commit: the wallet locked, orders numbered in their order, payloads inserted."""
    with transaction.atomic(durable=True):
        locked = Wallet.objects.select_for_update().get(pk=wallet.pk)
        ids = list(
            PaymentOrder.objects.select_for_update(skip_locked=True)
            .filter(pk__in=[order.order_id for order in payable], state="open", nonce=None)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        rows = [order for order in payable if order.order_id in frozenset(ids)]
        first = locked.next_nonce
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE treasury_paymentorder AS o SET wallet_id = %s, nonce = given.nonce"
                " FROM unnest(%s::bigint[], %s::bigint[]) AS given(id, nonce)"
                " WHERE o.id = given.id AND o.state = 'open' AND o.nonce IS NULL",
                [wallet.pk, [order.order_id for order in rows], [first + at for at in range(len(rows))]],
            )
            if cursor.rowcount != len(rows):
                raise RuntimeError("a locked order is no longer waiting")  # cannot be; nothing is stored then
        Wallet.objects.filter(pk=wallet.pk).update(next_nonce=first + len(rows))
        _insert(network, wallet, [(order, first + at, 1) for at, order in enumerate(rows)], terms)
        failpoints.hit("before_reserve_commit")
    return len(rows)


def _next_attempt(network: Network, wallet: Wallet, order_id: int, terms: Terms) -> int:
    with transaction.atomic(durable=True):
        order = PaymentOrder.objects.select_for_update().get(pk=order_id)
        states = list(Broadcast.objects.filter(order=order).values_list("state", flat=True))
        if order.state != "open" or order.nonce is None or set(states) != {"dead"}:
            return 0  # somebody else was faster
        last = Broadcast.objects.filter(order=order).aggregate(last=Max("attempt"))["last"]
        row = Waiting(order.pk, order.reference, order.address, order.amount_micro, is_old=True)
        _insert(network, wallet, [(row, order.nonce, last + 1)], terms)
        failpoints.hit("before_replace_commit")
    failpoints.hit("after_replace_commit")
    return 1


def _close_hopeless(network_code: str, order_id: int) -> bool:
    """Whether the order was given up: the signer refused it, or too many attempts expired. Nothing of it can be mined:
    each attempt is proven dead, or was never signed."""
    with transaction.atomic(durable=True):
        order = PaymentOrder.objects.select_for_update().get(pk=order_id)
        attempts = list(Broadcast.objects.filter(order=order).order_by("attempt"))
        may_be_mined = [each for each in attempts if each.signed_bytes is not None and each.state != "dead"]
        if order.state != "open" or may_be_mined or not attempts:
            return True  # closed by somebody else meanwhile, or about to be explained
        last = attempts[-1]
        if last.state == Broadcast.State.REFUSED:
            reason = f"Never sent: {last.refusal}"
        elif (signed := sum(each.signed_bytes is not None for each in attempts)) >= MOST_ATTEMPTS:
            reason = f"{signed} transactions expired without being taken into a block."
        else:
            return False
        PaymentOrder.objects.filter(pk=order.pk).update(
            state=PaymentOrder.State.DEAD, dead_reason=reason[:200], closed_at=timezone.now()
        )
        Broadcast.objects.filter(order=order, state=Broadcast.State.REFUSED).update(state=Broadcast.State.DEAD)
        alarms.raise_alarm(
            key=f"payment-refused:{order.pk}",
            severity=Alarm.Severity.CRITICAL,
            network=network_code,
            message=f"A payment was given up; its money stays reserved until somebody decides: {reason}",
            facts={"order": order.pk, "reference": order.reference, "attempts": len(attempts)},
        )
        failpoints.hit("before_replace_commit")
    failpoints.hit("after_replace_commit")
    return True


def _insert(network: Network, wallet: Wallet, rows: Sequence[tuple[Waiting, int, int]], terms: Terms) -> None:
    """Broadcasts of (order, number, attempt)."""
    block_bytes, block_hash = reference_of(terms.reference.block_hash)
    payloads = [
        token_transfer(
            owner=wallet.address,
            token_contract=network.token_contract,
            recipient=order.address,
            amount_raw=network.micro_to_raw(order.amount_micro),
            fee_limit_sun=terms.fee_limit_sun,
            ref_block_bytes=block_bytes,
            ref_block_hash=block_hash,
            expiration_ms=terms.expiration_ms,
            timestamp_ms=terms.timestamp_ms + number % 1000,  # two equal payments at once are two transactions
        )
        for order, number, _ in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                network.code, wallet.pk, block_bytes + block_hash, terms.expiration_ms, terms.fee_limit_sun,
                [order.order_id for order, _, _ in rows], [attempt for _, _, attempt in rows],
                [number for _, number, _ in rows], [payload.target for payload in payloads],
                [payload.data for payload in payloads], [payload.timestamp_ms for payload in payloads],
            ],
        )  # fmt: skip


_INSERT = """
INSERT INTO treasury_broadcast (network, wallet_id, ref_block, expiration_ms, fee_limit_sun, order_id, attempt, purpose,
                                nonce, state, to_address, data, timestamp_ms, refusal, reserved_at, sends, block_hash,
                                last_error)
SELECT %s, %s, %s, %s, %s, made.order_id, made.attempt, 'payment', made.number, 'reserved', made.to_address, made.data,
       made.timestamp_ms, '', now(), 0, '', ''
  FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::bytea[], %s::bigint[])
       AS made(order_id, attempt, number, to_address, data, timestamp_ms)
 ORDER BY made.number
"""
