"""What is offered for gas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.worlds import network_of
from treasury.chains.errors import FeesTooHigh
from treasury.chains.fees import bumped_fees, fees_for, gas_limit_for, is_sufficient_replacement
from treasury.chains.ports import Fees

GWEI = 10**9
wei = st.integers(0, 10**12)


def test_arbitrum_offers_twice_the_base_fee_and_no_tip() -> None:
    fees = fees_for(network_of("arbitrum"), base_fee_wei=GWEI, node_tip_wei=5 * GWEI)
    assert fees == Fees(max_fee_wei=2 * GWEI, max_priority_fee_wei=0, base_fee_wei=GWEI)


def test_bsc_offers_the_suggested_tip_but_not_less_than_the_floor() -> None:
    network = network_of("bsc", priority_fee_floor_wei=GWEI)
    assert fees_for(network, base_fee_wei=0, node_tip_wei=3 * GWEI) == Fees(3 * GWEI, 3 * GWEI, 0)
    assert fees_for(network, base_fee_wei=0, node_tip_wei=0) == Fees(GWEI, GWEI, 0)


def test_the_cap_holds_and_below_the_base_fee_nothing_is_offered() -> None:
    network = network_of("arbitrum", max_fee_cap_wei=3 * GWEI)
    assert fees_for(network, base_fee_wei=2 * GWEI, node_tip_wei=0).max_fee_wei == 3 * GWEI
    with pytest.raises(FeesTooHigh):
        fees_for(network, base_fee_wei=3 * GWEI + 1, node_tip_wei=0)


@given(max_fee=wei, tip=wei, new_max=wei, new_tip=wei)
def test_a_bump_always_replaces_and_is_never_below_the_suggestion(
    max_fee: int, tip: int, new_max: int, new_tip: int
) -> None:
    previous = Fees(max(max_fee, tip), min(max_fee, tip), 0)
    suggested = Fees(max(new_max, new_tip), min(new_max, new_tip), 7)
    bumped = bumped_fees(previous, suggested, cap_wei=10**13)
    assert is_sufficient_replacement(previous, bumped)
    for field in ("max_fee_wei", "max_priority_fee_wei"):
        assert getattr(bumped, field) * 100 >= getattr(previous, field) * 110
        assert getattr(bumped, field) > getattr(previous, field)
        assert getattr(bumped, field) >= getattr(suggested, field)
    assert bumped.max_fee_wei >= bumped.max_priority_fee_wei
    assert bumped.base_fee_wei == 7


def test_a_bump_is_rounded_up() -> None:
    bumped = bumped_fees(Fees(15, 5, 0), Fees(0, 0, 0), cap_wei=GWEI)
    assert (bumped.max_fee_wei, bumped.max_priority_fee_wei) == (17, 6)
    assert not is_sufficient_replacement(Fees(15, 5, 0), Fees(16, 6, 0))
    assert not is_sufficient_replacement(Fees(15, 5, 0), Fees(17, 5, 0))


def test_a_bump_over_the_cap_is_refused() -> None:
    with pytest.raises(FeesTooHigh):
        bumped_fees(Fees(GWEI, 1, 0), Fees(0, 0, 0), cap_wei=GWEI)


def test_a_gas_limit_has_a_quarter_more_within_the_networks_maximum() -> None:
    network = network_of("arbitrum", gas_limit_max=100_000)
    assert gas_limit_for(network, 40_001) == 50_002
    assert gas_limit_for(network, 90_000) == 100_000
    with pytest.raises(FeesTooHigh):
        gas_limit_for(network, 100_001)
