"""Payments that die by their expiration: decided purely, over facts that a chain could state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devnet import networks as devnet_networks
from tests.treasury.broadcasts.test_what_a_receipt_means import (
    HASH,
    OLDER,
    WALLET,
    attempt,
    facts,
    order,
    receipt,
    transfer,
)
from treasury.broadcasts.expiring import Means, fee_limit_sun, plan_transfers
from treasury.broadcasts.facts import Fate, judge
from treasury.broadcasts.reserving import Waiting
from treasury.chains.errors import FeesTooHigh
from treasury.chains.network import Network, network_from_settings
from treasury.chains.ports import TransferCost

COST = TransferCost(energy=130_285, energy_price_sun=100, bandwidth_sun=345_000)


@pytest.fixture
def network() -> Network:
    return network_from_settings("tron", devnet_networks.tron(rpc_urls=["http://127.0.0.1:1"]))


def waiting(number: int, amount: int) -> Waiting:
    return Waiting(number, f"w:{number}", "T", amount, is_old=False)


def test_without_a_receipt_and_proven_dead_it_has_expired(network: Network) -> None:
    verdict = judge(order(), replace(facts(), dead=frozenset({HASH})), network, WALLET)
    assert (verdict.fate, verdict.attempt) == (Fate.EXPIRED, attempt())


def test_without_the_proof_it_waits_however_long_it_is_gone(network: Network) -> None:
    assert judge(order(), facts(), network, WALLET).fate is Fate.NOTHING


def test_a_receipt_outweighs_a_proof_of_death(network: Network) -> None:
    chain = replace(facts(receipt(transfer())), dead=frozenset({HASH}))
    assert judge(order(), chain, network, WALLET).fate is Fate.PAID


def test_what_was_proven_dead_and_is_in_a_block_is_for_a_person(network: Network) -> None:
    both = order(attempt(1, OLDER, state="dead"), attempt(2, HASH))
    old = receipt(transfer(), tx_hash=OLDER)
    for chain in (facts(old), facts(old, receipt(transfer())), facts(old, final=9)):
        assert judge(both, chain, network, WALLET).fate is Fate.SUSPECT


def test_the_next_attempt_is_paid_as_the_first_would_have_been(network: Network) -> None:
    both = order(attempt(1, OLDER, state="dead"), attempt(2, HASH))
    assert judge(both, facts(receipt(transfer())), network, WALLET).fate is Fate.PAID


def test_less_than_was_ordered_is_for_a_person(network: Network) -> None:
    """The token's fee was switched on between estimate and block."""
    fee = transfer(recipient=WALLET, amount=5_000, ordinal=1)
    chain = facts(receipt(transfer(amount=4_995_000), fee))
    assert judge(order(), chain, network, WALLET).fate is Fate.SUSPECT


def test_a_failure_is_named(network: Network) -> None:
    failed = replace(receipt(succeeded=False), failure="OUT_OF_ENERGY")
    verdict = judge(order(), facts(failed), network, WALLET)
    assert verdict.fate is Fate.REVERTED
    assert "OUT_OF_ENERGY" in verdict.reason


def test_energy_that_is_staked_need_not_be_burnt() -> None:
    orders = [waiting(number, 1) for number in range(4)]
    rented = Means(token_micro=100, native_sun=3 * 345_000, energy=3 * 130_285)
    plan = plan_transfers(orders, rented, COST)
    assert [order.order_id for order in plan.payable] == [0, 1, 2]
    assert plan.short_of_gas


def test_without_energy_each_payment_burns_its_worst() -> None:
    orders = [waiting(number, 1) for number in range(3)]
    plan = plan_transfers(orders, Means(token_micro=100, native_sun=2 * COST.burnt_sun, energy=0), COST)
    assert [order.order_id for order in plan.payable] == [0, 1]


def test_a_smaller_payment_passes_one_that_the_wallet_cannot_pay() -> None:
    plan = plan_transfers([waiting(1, 60), waiting(2, 50), waiting(3, 40)], Means(100, 10**9, 0), COST)
    assert [order.order_id for order in plan.payable] == [1, 3]
    assert plan.short_of_token


def test_the_fee_limit_is_the_estimate_at_the_price_with_the_margin_up_to_the_cap(network: Network) -> None:
    assert fee_limit_sun(COST, network) == 130_285 * 100 * 120 // 100
    with pytest.raises(FeesTooHigh):
        fee_limit_sun(replace(COST, energy_price_sun=1000), network)


def test_news_is_asked_for_once_a_block_can_hold_it_and_past_the_expiration_always() -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    at = int(now.timestamp())
    live = replace(attempt(), state="sent", expiration_ms=(at + 60) * 1000)

    def asks(**changes: Any) -> bool:
        return replace(live, **changes).may_be_mined(now, at, block_seconds=3)

    assert not asks(sent_at=None)
    assert not asks(sent_at=now - timedelta(seconds=2))
    assert asks(sent_at=now - timedelta(seconds=3))
    assert asks(sent_at=now, state="mined"), "a reorg may have taken it back"
    assert asks(sent_at=None, expiration_ms=at * 1000), "the proof of death is about bytes that never left, too"
    assert asks(sent_at=None, expiration_ms=None), "what has a nonce is asked for by its nonce"
