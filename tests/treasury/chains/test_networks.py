"""settings.NETWORKS: read once, checked loudly."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet import networks as devnet_networks
from devnet.anvil import ARBITRUM
from devnet.tron.addresses import base58_of
from devnet.tron.genesis import DEFAULT_SEED, make_genesis, token_address
from tests.contracts.worlds import network_of
from treasury.chains import registry
from treasury.chains.errors import ConfigurationError
from treasury.chains.fake import FakeChain
from treasury.chains.network import network_from_settings


def settings_of(**changes: object) -> dict[str, Any]:
    return devnet_networks.network(ARBITRUM, rpc_urls=["http://127.0.0.1:1"]) | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain_id": "421337"}, "chain_id must be a whole number"),
        ({"chain_id": True}, "chain_id must be a whole number"),
        ({"chain_id": 0}, "chain_id must be positive"),
        ({"confirmations": -1}, "confirmations must be a whole number"),
        ({"confirmations": 0}, "confirmations must be at least 1"),
        ({"finality": "soon"}, "finality must be depth or tag"),
        ({"fee_policy": "free"}, "fee_policy must be arbitrum or bsc or tron"),
        ({"family": "bitcoin"}, "family must be evm or tron"),
        ({"family": "tron"}, "missing keys: energy_price_sun_max, fee_limit_sun_max, native_price_micro"),
        ({"fee_policy": "tron"}, "fee_policy is not one of this family"),
        ({"rpc_urls": []}, "rpc_urls is empty"),
        ({"rpc_urls": "http://127.0.0.1"}, "rpc_urls must be a list of texts"),
        ({"rpc_urls": ["ws://127.0.0.1"]}, "http"),
        ({"rpc_urls": ["http://a", "http://a"]}, "twice"),
        ({"token_contract": "0x" + "ab" * 20}, "checksummed"),
        ({"token_contract": "USDT"}, "checksummed"),
        ({"token_decimals": 5}, "token_decimals"),
        ({"block_seconds": "1"}, "block_seconds must be a number"),
        ({"min_withdrawal_micro": 5, "withdrawal_fee_micro": 5}, "must exceed withdrawal_fee_micro"),
        ({"max_withdrawal_micro": 1}, "min_withdrawal_micro to max"),
        ({"scan_overlap_blocks": 2000}, "scan_overlap_blocks"),
        ({"scan_max_blocks": 0}, "scan_max_blocks"),
        ({"max_fee_cap_wei": 0}, "max_fee_cap_wei"),
        ({"explorer_tx_url": "https://example.org/"}, "explorer_tx_url"),
        ({"confirmation": 5}, "unknown keys: confirmation"),
    ],
)
def test_a_contradiction_in_the_settings_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        network_from_settings("arbitrum", settings_of(**changes))
    assert "arbitrum" in str(caught.value)


def test_a_missing_key_is_named() -> None:
    given = settings_of()
    del given["chain_id"]
    with pytest.raises(ConfigurationError, match="missing keys: chain_id"):
        network_from_settings("arbitrum", given)


@given(st.integers(0, 10**40))
def test_eighteen_decimals_leave_dust_and_nothing_is_lost(amount_raw: int) -> None:
    network = network_of("bsc")
    micro, dust = network.raw_to_micro(amount_raw)
    assert 0 <= dust < 10**12
    assert network.micro_to_raw(micro) + dust == amount_raw


@given(st.integers(0, 10**40))
def test_six_decimals_are_the_ledgers_own_unit(amount_raw: int) -> None:
    network = network_of("arbitrum")
    assert network.raw_to_micro(amount_raw) == (amount_raw, 0)
    assert network.micro_to_raw(amount_raw) == amount_raw


def test_a_negative_amount_is_a_programming_error() -> None:
    for convert in (network_of("bsc").raw_to_micro, network_of("bsc").micro_to_raw):
        with pytest.raises(ValueError, match="negative"):
            convert(-1)


def test_a_network_is_frozen_and_knows_its_explorer() -> None:
    network = network_of("arbitrum")
    with pytest.raises(FrozenInstanceError):
        network.chain_id = 1
    assert network.explorer_url("0xab") == "https://arbiscan.io/tx/0xab"
    assert network_of("arbitrum", explorer_tx_url="").explorer_url("0xab") == ""


def test_the_registry_reads_the_settings_once_and_keeps_one_adapter(networks: dict[str, dict[str, Any]]) -> None:
    assert list(registry.networks()) == ["tron", "arbitrum", "bsc"]
    assert registry.networks() is registry.networks()
    assert registry.network("bsc").token_decimals == 18
    assert registry.adapter("bsc") is registry.adapter("bsc")
    with pytest.raises(ConfigurationError, match="no such network"):
        registry.adapter("ethereum")


def test_an_adapter_is_asked_only_for_what_its_family_can(networks: dict[str, dict[str, Any]]) -> None:
    assert registry.expiring_chain("tron") is registry.adapter("tron")
    assert registry.nonce_chain("bsc") is registry.adapter("bsc")
    for ask, code in ((registry.nonce_chain, "tron"), (registry.expiring_chain, "bsc")):
        with pytest.raises(ConfigurationError, match="not a network of the family"):
            ask(code)


def test_the_local_tron_chain_is_the_one_that_the_networks_file_names() -> None:
    genesis = make_genesis(DEFAULT_SEED, "exchequer-local")[1]
    assert int(genesis.id.hex()[-8:], 16) == devnet_networks.TRON_CHAIN_ID
    assert base58_of(token_address(DEFAULT_SEED)) == devnet_networks.TRON_TOKEN


def test_two_networks_with_one_chain_id_are_refused(networks: dict[str, dict[str, Any]]) -> None:
    networks["bsc"]["chain_id"] = networks["arbitrum"]["chain_id"]
    with pytest.raises(ConfigurationError, match="share one chain_id"):
        registry.networks()


def test_a_test_can_put_a_fake_in_place(networks: dict[str, dict[str, Any]]) -> None:
    fake = FakeChain(registry.network("arbitrum"))
    registry.reset({"arbitrum": fake})
    assert registry.adapter("arbitrum") is fake


def test_a_forked_child_makes_adapters_of_its_own(networks: dict[str, dict[str, Any]]) -> None:
    fake = FakeChain(registry.network("arbitrum"))
    registry.reset({"arbitrum": fake})
    child = os.fork()
    if child == 0:
        os._exit(0 if registry.adapter("arbitrum") is not fake else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
