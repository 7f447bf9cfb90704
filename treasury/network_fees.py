"""What customers pay for a withdrawal: a fixed fee, or, where the chain's cost differs by recipient (TRON), that cost.

A worker reads now and then what a transfer costs, to somebody who holds the token and to somebody who does not. Whether
the recipient does is asked of a node once the address is known, for a moment; without an answer the dearer case counts.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from treasury.chains import registry
from treasury.chains.errors import ChainError, InvalidAddress, WouldRevert
from treasury.chains.network import Network
from treasury.models import NetworkState, Wallet

logger = logging.getLogger(__name__)

MARGIN_PERCENT = 10
"""On top of the cost: the price of the coin moves between the quote and the payment."""

STEP_MICRO = 10_000
"""Fees are rounded up to a cent."""

NODE_SECONDS = 2.0
"""How long a page waits for a node's word about the recipient."""

KNOWN_SECONDS = 600
UNKNOWN_SECONDS = 30


STALE = timedelta(hours=6)
"""How old a cost may be: a busy contract's factor changes every six hours."""


class FeeUnknown(Exception):
    """What a transfer costs on this network was not read lately: its node, or its hot wallet, is not ready."""


@dataclass(frozen=True, slots=True)
class NetworkFee:
    """A customer's fee. `is_least`: it may be more, because the recipient is not known yet."""

    fee_micro: int
    is_least: bool = False


def read_transfer_costs(network_code: str) -> bool:
    """Ask the chain what a transfer costs now, and keep it; False where fees are fixed, or the wallet cannot pay.

    Raises ChainError. Call it outside a transaction.
    """
    network = registry.network(network_code)
    wallet = Wallet.objects.filter(network=network_code, role=Wallet.Role.HOT).first()
    if network.family != "tron" or wallet is None:
        return False
    chain = registry.expiring_chain(network_code)
    amount_raw = network.micro_to_raw(1)
    try:
        to_new = chain.transfer_cost(wallet.address, amount_raw)
        # To itself: to somebody who holds the token, whoever else may.
        to_holder = chain.transfer_cost(wallet.address, amount_raw, wallet.address)
    except WouldRevert as error:
        logger.info("%s: no cost of a transfer: %s", network_code, error)
        return False
    NetworkState.objects.filter(network=network_code).update(
        transfer_sun_to_new=to_new.burnt_sun, transfer_sun_to_holder=to_holder.burnt_sun, costs_read_at=timezone.now()
    )
    return True


def withdrawal_fee(network: Network, address: str = "") -> NetworkFee:
    """The fee of a withdrawal to `address` (canonical), or the least that it can be while there is none.

    May ask a node, so not within a transaction. Raises FeeUnknown.
    """
    if network.family != "tron":
        return NetworkFee(network.withdrawal_fee_micro)
    to_holder, to_new = _costs(network)
    if not address:
        return NetworkFee(fee_for(network, to_holder), is_least=True)
    return NetworkFee(fee_for(network, to_holder if holds_the_token(network, address) else to_new))


def highest_fee(network: Network) -> NetworkFee:
    """The fee to whomever it costs most. Asks no node. Raises FeeUnknown."""
    if network.family != "tron":
        return NetworkFee(network.withdrawal_fee_micro)
    return NetworkFee(fee_for(network, _costs(network)[1]))


def _costs(network: Network) -> tuple[int, int]:
    """What a transfer costs to a holder and to a new one, in sun. Raises FeeUnknown."""
    row = NetworkState.objects.filter(network=network.code).first()
    if row is None or row.transfer_sun_to_holder is None or row.transfer_sun_to_new is None:
        raise FeeUnknown(network.code)
    if row.costs_read_at is None or row.costs_read_at < timezone.now() - STALE:
        raise FeeUnknown(network.code)
    return row.transfer_sun_to_holder, row.transfer_sun_to_new


def fee_for(network: Network, cost_sun: int) -> int:
    """The cost in micro-USDT with the margin, rounded up, never below the network's own fee. Pure."""
    exact = cost_sun * network.native_price_micro * (100 + MARGIN_PERCENT)
    micro = -(-exact // (10**network.native_decimals * 100))
    return max(-(-micro // STEP_MICRO) * STEP_MICRO, network.withdrawal_fee_micro)


def holds_the_token(network: Network, address: str) -> bool:
    """Whether the address holds some of the token by a node's word, remembered for minutes; False without an answer."""
    key = f"holds-token:{network.code}:{address}"
    known = cache.get(key)
    if known is not None:
        return bool(known)
    chain = registry.adapter(network.code)
    answer = _asking.submit(chain.token_balance, address)
    try:
        holds = answer.result(timeout=NODE_SECONDS) > 0
    except (ChainError, InvalidAddress, TookTooLong) as error:
        logger.info("%s: does %s hold the token? %s", network.code, address, type(error).__name__)
        cache.set(key, False, UNKNOWN_SECONDS)
        return False
    cache.set(key, holds, KNOWN_SECONDS)
    return holds


_asking = ThreadPoolExecutor(4, thread_name_prefix="holders")
