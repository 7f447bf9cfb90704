"""How much to offer for gas. Pure functions over integers in wei."""

from __future__ import annotations

from treasury.chains.errors import FeesTooHigh
from treasury.chains.network import FeePolicy, Network
from treasury.chains.ports import Fees

REPLACEMENT_PERCENT = 10
"""What nodes ask of a replacement at the same nonce, on both fields."""

GAS_MARGIN_PERCENT = 25
"""Over the node's estimate: the recipient's balance slot and Arbitrum's L1 price may change until it is mined."""


def fees_for(network: Network, *, base_fee_wei: int, node_tip_wei: int) -> Fees:
    """The fees of a new transaction.

    `base_fee_wei`: of the newest block. `node_tip_wei`: the node's suggestion (eth_maxPriorityFeePerGas).
    Both policies offer twice the base fee plus the tip, within the cap; they differ in the tip: BSC's base fee is 0, so
    the tip is the price and has a floor; Arbitrum's sequencer collects none, so only the floor is offered.
    Raises FeesTooHigh if the cap is below what the next block asks for.
    """
    floor = network.priority_fee_floor_wei
    tip = max(node_tip_wei, floor) if network.fee_policy is FeePolicy.BSC else floor
    needed = base_fee_wei + tip
    if needed > network.max_fee_cap_wei:
        raise FeesTooHigh(
            f"the network asks {needed} wei a gas, the cap is {network.max_fee_cap_wei}", network=network.code
        )
    max_fee = min(2 * base_fee_wei + tip, network.max_fee_cap_wei)
    return Fees(max_fee_wei=max_fee, max_priority_fee_wei=tip, base_fee_wei=base_fee_wei)


def bumped_fees(previous: Fees, suggested: Fees, *, cap_wei: int) -> Fees:
    """The fees that replace a transaction at the same nonce.

    Both fields at least 10 % over `previous` (rounded up, and at least 1 wei) and at least `suggested`, else nodes
    refuse the replacement. Raises FeesTooHigh if that exceeds `cap_wei`: then keep resending the old bytes and wait.
    """
    tip = max(_ten_percent_more(previous.max_priority_fee_wei), suggested.max_priority_fee_wei)
    max_fee = max(_ten_percent_more(previous.max_fee_wei), suggested.max_fee_wei, tip)
    if max_fee > cap_wei:
        raise FeesTooHigh(f"a replacement needs {max_fee} wei a gas, the cap is {cap_wei}")
    return Fees(max_fee_wei=max_fee, max_priority_fee_wei=tip, base_fee_wei=suggested.base_fee_wei)


def is_sufficient_replacement(previous: Fees, offered: Fees) -> bool:
    """Whether nodes accept `offered` in the place of `previous`."""
    return offered.max_fee_wei >= _ten_percent_more(
        previous.max_fee_wei
    ) and offered.max_priority_fee_wei >= _ten_percent_more(previous.max_priority_fee_wei)


def gas_limit_for(network: Network, estimate: int) -> int:
    """The gas limit for a node's estimate: with margin, within `gas_limit_max`. Raises FeesTooHigh."""
    if estimate > network.gas_limit_max:
        raise FeesTooHigh(f"the estimate is {estimate} gas, the limit {network.gas_limit_max}", network=network.code)
    return min(-(-estimate * (100 + GAS_MARGIN_PERCENT) // 100), network.gas_limit_max)


def _ten_percent_more(wei: int) -> int:
    return max(-(-wei * (100 + REPLACEMENT_PERCENT) // 100), wei + 1)
