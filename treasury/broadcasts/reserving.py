"""Reserving: an open order gets its nonce and its whole payload, in one commit, before anything is signed.

The chain is asked first, outside the transaction. Under the wallet's lock the answers are used only if the nonce that
they were asked for is still the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from treasury import alarms, failpoints, halts
from treasury.broadcasts.rows import hot_wallet, no_longer, warn_while
from treasury.chains import registry
from treasury.chains.errors import ChainError, FeesTooHigh, InsufficientFunds, WouldRevert
from treasury.chains.network import Network
from treasury.chains.payloads import transfer_calldata, transfer_payload
from treasury.chains.ports import CallRequest, Fees
from treasury.models import Alarm, Broadcast, PaymentOrder, Wallet

LIMIT = 500
WARNINGS = ("hot-wallet-short", "payment-refused-by-chain", "fees-too-high")  # each of waiting payments


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open order without a nonce."""

    order_id: int
    reference: str
    address: str
    amount_micro: int
    is_old: bool  # it has waited longer than BROADCAST_STUCK_SECONDS


@dataclass(frozen=True, slots=True)
class Means:
    """What the wallet can spend now: its balances at the head, less what is on its way."""

    token_micro: int
    native_wei: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to reserve (order, gas limit), what has to wait for which reason, and what can never be paid."""

    payable: tuple[tuple[Waiting, int], ...]
    short_of_token: bool
    short_of_gas: bool
    reverting: tuple[tuple[Waiting, str], ...]
    failed: tuple[tuple[Waiting, str], ...]


class ForeignNonce(Exception):
    """The chain counts more transactions of the wallet than we allocated nonces."""


def plan_payments(waiting: Sequence[Waiting], gas: Sequence[int | ChainError], means: Means, fees: Fees) -> Plan:
    """Which orders the wallet can pay for in full, in order; a smaller one may pass a larger one that has to wait."""
    token, native = means.token_micro, means.native_wei
    payable: list[tuple[Waiting, int]] = []
    reverting: list[tuple[Waiting, str]] = []
    failed: list[tuple[Waiting, str]] = []
    short_of_token = short_of_gas = False
    for order, limit in zip(waiting, gas, strict=True):
        if order.amount_micro > token:
            short_of_token = True
        elif isinstance(limit, InsufficientFunds):
            short_of_gas = True
        elif isinstance(limit, WouldRevert):
            reverting.append((order, limit.reason or limit.message))
        elif isinstance(limit, ChainError):
            failed.append((order, str(limit)))
        elif limit * fees.max_fee_wei > native:
            short_of_gas = True
        else:
            payable.append((order, limit))
            token -= order.amount_micro
            native -= limit * fees.max_fee_wei
    return Plan(tuple(payable), short_of_token, short_of_gas, tuple(reverting), tuple(failed))


def reserve_broadcasts(network_code: str, *, limit: int = LIMIT) -> int:
    """Give up to `limit` waiting orders their nonces and payloads; returns how many now wait for the signer.

    Orders that the wallet cannot pay stay open, with an alarm. Raises ChainError if the chain cannot be asked.
    """
    wallet, waiting = orders_to_reserve(network_code, limit)
    if not waiting or wallet is None:
        return 0
    network, chain = registry.network(network_code), registry.nonce_chain(network_code)
    on_its_way = _on_its_way(wallet)  # before the balances: what is mined in between counts twice, never not at all
    count = chain.transaction_count(wallet.address, "latest")
    try:
        fees = chain.suggest_fees()
    except FeesTooHigh as error:
        warn_of_fees(network_code, str(error))
        return 0
    warn_of_fees(network_code, "")
    token_micro, _ = network.raw_to_micro(chain.token_balance(wallet.address))
    means = Means(token_micro - on_its_way.token_micro, chain.native_balance(wallet.address) - on_its_way.native_wei)
    gas = chain.estimate_gas_many([_call(network, wallet, order) for order in waiting])
    plan = plan_payments(waiting, gas, means, fees)
    _report(network_code, plan)
    if plan.reverting and have_failed_for_long(network_code):
        give_up_on([(order, reason) for order, reason in plan.reverting if order.is_old])
    if not plan.payable:
        return 0
    try:
        reserved = _reserve(network, wallet, plan.payable, fees, chain_count=count)
    except ForeignNonce as error:
        halts.halt_network(network_code, str(error))
        return 0
    failpoints.hit("after_reserve_commit")
    return reserved


def orders_to_reserve(
    network_code: str, limit: int, *, others_wait: bool = False
) -> tuple[Wallet | None, list[Waiting]]:
    """The hot wallet and the orders that wait for their payload; none while the network is halted.

    `others_wait`: for a next one, so that the warnings of waiting payments stay.
    """
    wallet = hot_wallet(network_code)
    waiting = _waiting(network_code, limit)
    warn_while(
        bool(waiting) and wallet is None,
        key=f"no-hot-wallet:{network_code}",
        network=network_code,
        message="Payments wait: the signer has not made the hot wallet of this network known.",
    )
    if not waiting and not others_wait:
        no_longer(*(f"{key}:{network_code}" for key in WARNINGS))
    return wallet, [] if halts.is_halted(network_code) else waiting


def _waiting(network_code: str, limit: int) -> list[Waiting]:
    old = timezone.now() - timedelta(seconds=settings.BROADCAST_STUCK_SECONDS)
    orders = PaymentOrder.objects.filter(
        network=network_code, state=PaymentOrder.State.OPEN, nonce__isnull=True
    ).order_by("id")[:limit]
    return [
        Waiting(order.pk, order.reference, order.address, order.amount_micro, order.created_at < old)
        for order in orders
    ]


def _on_its_way(wallet: Wallet) -> Means:
    """Token and worst-case gas of every order whose transaction is not known to be mined."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(o.amount_micro), 0), coalesce(sum(live.fee_wei), 0) FROM treasury_paymentorder AS o"
            " JOIN LATERAL (SELECT max(b.gas_limit * b.max_fee_wei) AS fee_wei, bool_or(b.state = 'mined') AS mined"
            "                 FROM treasury_broadcast AS b WHERE b.order_id = o.id) AS live ON NOT live.mined"
            " WHERE o.wallet_id = %s AND o.state = 'open'",
            [wallet.pk],
        )
        token, native = cursor.fetchone()
    return Means(int(token), int(native))


def _call(network: Network, wallet: Wallet, order: Waiting) -> CallRequest:
    data = transfer_calldata(order.address, network.micro_to_raw(order.amount_micro))
    return CallRequest(sender=wallet.address, to=network.token_contract, data=data)


def _reserve(
    network: Network, wallet: Wallet, payable: Sequence[tuple[Waiting, int]], fees: Fees, *, chain_count: int
) -> int:
    """One commit: the wallet locked, nonces given to orders in their order, payloads inserted."""
    with transaction.atomic(durable=True):
        locked = Wallet.objects.select_for_update().get(pk=wallet.pk)
        if locked.next_nonce != wallet.next_nonce:
            return 0  # another worker reserved since we asked; it or the next run takes the rest
        first = _first_nonce(locked, chain_count)
        still_waiting = frozenset(
            PaymentOrder.objects.select_for_update(skip_locked=True)
            .filter(pk__in=[order.order_id for order, _ in payable], state="open", nonce=None)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        rows = [(order, gas) for order, gas in payable if order.order_id in still_waiting]
        _write(network, locked, rows, fees, first)
        failpoints.hit("before_reserve_commit")
    return len(rows)


def _first_nonce(wallet: Wallet, chain_count: int) -> int:
    """The next nonce. A wallet that never paid starts where the chain is; one that did must not be overtaken."""
    if chain_count <= wallet.next_nonce:
        return wallet.next_nonce
    if wallet.next_nonce == 0 and not PaymentOrder.objects.filter(wallet=wallet).exists():
        return chain_count
    raise ForeignNonce(
        f"The chain counts {chain_count} transactions of the hot wallet {wallet.address}, we made {wallet.next_nonce}:"
        " its key is used elsewhere, or this database was restored from an older copy."
    )


def _write(network: Network, wallet: Wallet, rows: Sequence[tuple[Waiting, int]], fees: Fees, first: int) -> None:
    payloads = [
        transfer_payload(
            chain_id=network.chain_id,
            nonce=first + position,
            token_contract=network.token_contract,
            recipient=order.address,
            amount_raw=network.micro_to_raw(order.amount_micro),
            gas_limit=gas,
            fees=fees,
        )
        for position, (order, gas) in enumerate(rows)
    ]
    order_ids = [order.order_id for order, _ in rows]
    nonces = [payload.nonce for payload in payloads]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE treasury_paymentorder AS o SET wallet_id = %s, nonce = given.nonce"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS given(id, nonce)"
            " WHERE o.id = given.id AND o.state = 'open' AND o.nonce IS NULL",
            [wallet.pk, order_ids, nonces],
        )
        if cursor.rowcount != len(rows):
            raise RuntimeError("a locked order is no longer waiting")  # cannot be; nothing is stored then
        cursor.execute(
            INSERT_BROADCASTS,
            [
                network.code, wallet.pk, order_ids, [1] * len(rows), ["payment"] * len(rows), nonces,
                [payload.to for payload in payloads], [payload.data for payload in payloads],
                [payload.gas_limit for payload in payloads], [payload.max_fee_wei for payload in payloads],
                [payload.max_priority_fee_wei for payload in payloads],
            ],
        )  # fmt: skip
        cursor.execute("UPDATE treasury_wallet SET next_nonce = %s WHERE id = %s", [first + len(rows), wallet.pk])


INSERT_BROADCASTS = """
INSERT INTO treasury_broadcast (network, wallet_id, order_id, attempt, purpose, nonce, state, to_address, data,
                                gas_limit, max_fee_wei, max_priority_fee_wei,
                                refusal, reserved_at, sends, block_hash, last_error)
SELECT %s, %s, made.order_id, made.attempt, made.purpose, made.nonce, 'reserved', made.to_address, made.data,
       made.gas_limit, made.max_fee_wei, made.max_priority_fee_wei, '', now(), 0, '', ''
  FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::text[], %s::bytea[], %s::bigint[], %s::numeric[],
              %s::numeric[])
       AS made(order_id, attempt, purpose, nonce, to_address, data, gas_limit, max_fee_wei, max_priority_fee_wei)
 ORDER BY made.nonce
"""
"""Every new broadcast, first attempt or later. The application's role may not even name the signed columns."""


def warn_of_shortage(network_code: str, *, of_token: bool, of_gas: bool) -> None:
    """Keep the two alarms about the hot wallet's balances as they should be."""
    warn_while(
        of_token,
        key=f"hot-wallet-short:{network_code}",
        network=network_code,
        message="Payments wait: the hot wallet holds too little USDT. Top it up.",
    )
    warn_while(
        of_gas,
        key=f"hot-wallet-gas:{network_code}",
        network=network_code,
        message="Payments wait: the hot wallet holds too little of the native coin to pay for gas. Top it up.",
    )


def _report(network_code: str, plan: Plan) -> None:
    warn_of_shortage(network_code, of_token=plan.short_of_token, of_gas=plan.short_of_gas)
    failing = [*plan.reverting, *plan.failed]
    warn_while(
        bool(failing),
        key=f"payment-refused-by-chain:{network_code}",
        network=network_code,
        message="Payments wait: the chain says that they would fail.",
        facts={order.reference: reason[:200] for order, reason in failing[:20]},
    )


def warn_of_fees(network_code: str, what: str) -> None:
    """Keep the alarm about fees above the cap open while `what` says so."""
    warn_while(
        bool(what),
        key=f"fees-too-high:{network_code}",
        network=network_code,
        message="Payments wait: the network asks for higher fees than the configured cap.",
        facts={"error": what},
    )


def have_failed_for_long(network_code: str) -> bool:
    """Whether payments have been failing for BROADCAST_STUCK_SECONDS, without a run between in which none did.

    An order that has waited for hours for something else does not die of the first revert.
    """
    since = timezone.now() - timedelta(seconds=settings.BROADCAST_STUCK_SECONDS)
    return Alarm.objects.filter(
        key=f"payment-refused-by-chain:{network_code}", resolved_at=None, raised_at__lte=since
    ).exists()


def give_up_on(orders: Sequence[tuple[Waiting, str]]) -> None:
    """An order that would revert for a long time dies while nothing of it can be mined: nothing was ever signed for it,
    or (where bytes expire) each attempt is proven dead."""
    alive = Broadcast.objects.filter(order=OuterRef("pk")).exclude(state=Broadcast.State.DEAD)
    for order, reason in orders:
        died = PaymentOrder.objects.filter(~Exists(alive), pk=order.order_id, state="open").update(
            state=PaymentOrder.State.DEAD,
            dead_reason=f"The token refuses this payment: {reason}"[:200],
            closed_at=timezone.now(),
        )
        if died:
            alarms.raise_alarm(
                key=f"payment-dead:{order.order_id}",
                severity=Alarm.Severity.WARNING,
                message="A payment was given up before it was signed: the token refuses it.",
                facts={"order": order.order_id, "reference": order.reference, "reason": reason[:200]},
            )
