"""What customers pay on TRON follows what a transfer costs there, to a holder or to a new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import Settings

from devnet import networks as devnet_networks
from tests.support.paying_on_tron import TronDesk
from treasury.chains import registry
from treasury.chains.network import Network, network_from_settings
from treasury.models import NetworkState
from treasury.network_fees import FeeUnknown, fee_for, highest_fee, read_transfer_costs, withdrawal_fee

MICRO = 1_000_000


@pytest.fixture
def network() -> Network:
    return network_from_settings("tron", devnet_networks.tron(rpc_urls=["http://127.0.0.1:1"]))


@pytest.fixture
def costs_read(tron_desk: TronDesk) -> TronDesk:
    cache.clear()
    NetworkState.objects.create(network="tron", scanned_number=0, scanned_hash="")
    tron_desk.chain.control("energy_factor", contract=tron_desk.chain.token, factor=34_000)
    assert read_transfer_costs("tron")
    return tron_desk


def test_a_fee_is_the_cost_with_a_margin_rounded_up_to_a_cent(network: Network) -> None:
    # 13.3735 TRX at 0.30 USDT are 4.01205 USDT, and a tenth more
    assert fee_for(network, 13_373_500) == 4_420_000
    assert fee_for(replace(network, native_price_micro=1), 13_373_500) == network.withdrawal_fee_micro


def test_a_new_holder_pays_about_twice_what_a_holder_pays(costs_read: TronDesk) -> None:
    network = registry.network("tron")
    stranger, holder = costs_read.new_address(), costs_read.new_address()
    costs_read.chain.mint(holder, MICRO)
    to_holder, to_stranger = withdrawal_fee(network, holder), withdrawal_fee(network, stranger)
    assert (to_holder.is_least, to_stranger.is_least) == (False, False)
    assert 1.9 < to_stranger.fee_micro / to_holder.fee_micro < 2.1
    assert withdrawal_fee(network).fee_micro == to_holder.fee_micro
    assert withdrawal_fee(network).is_least
    assert highest_fee(network).fee_micro == to_stranger.fee_micro


def test_the_fee_covers_what_the_payment_then_costs(costs_read: TronDesk) -> None:
    network = registry.network("tron")
    stranger = costs_read.new_address()
    fee = withdrawal_fee(network, stranger).fee_micro
    order = costs_read.order(5 * MICRO, stranger)
    costs_read.pay_all()
    (paid,) = costs_read.attempts(order)
    cost_micro = (paid.fee_native or 0) * network.native_price_micro // 10**6
    assert cost_micro <= fee <= cost_micro * 13 // 10


def test_without_an_answer_of_a_node_the_dearer_fee_is_asked(costs_read: TronDesk, settings: Settings) -> None:
    network = registry.network("tron")
    holder = costs_read.new_address()
    costs_read.chain.mint(holder, MICRO)
    costs_read.chain.control("fault", kind="error", status=503)
    assert withdrawal_fee(network, holder) == highest_fee(network)


def test_before_the_cost_was_read_no_fee_is_made_up(network: Network, db: None) -> None:
    with pytest.raises(FeeUnknown):
        withdrawal_fee(network)


def test_a_cost_that_was_read_long_ago_is_no_quote(costs_read: TronDesk) -> None:
    NetworkState.objects.update(costs_read_at=timezone.now() - timedelta(hours=7))
    with pytest.raises(FeeUnknown):
        withdrawal_fee(registry.network("tron"))


def test_a_wallet_that_cannot_pay_keeps_the_last_cost(costs_read: TronDesk) -> None:
    costs_read.chain.control("pause_token")
    before = NetworkState.objects.get(network="tron").transfer_sun_to_new
    assert not read_transfer_costs("tron")
    assert NetworkState.objects.get(network="tron").transfer_sun_to_new == before


def test_where_the_fee_is_fixed_nobody_is_asked(networks: object, db: None) -> None:
    network = registry.network("bsc")
    assert withdrawal_fee(network).fee_micro == network.withdrawal_fee_micro
    assert not read_transfer_costs("bsc")
