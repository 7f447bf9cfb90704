"""The production files, as far as they can be held against the product without Docker."""

import re
import tomllib

import pytest
import yaml

from devnet.places import ROOT
from treasury.chains.network import network_from_settings

COMPOSE = ROOT / "compose"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((COMPOSE / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


def test_the_example_networks_are_ones_that_the_product_accepts():
    made = tomllib.loads((COMPOSE / "networks.example.toml").read_text(encoding="utf-8"))
    found = {code: network_from_settings(code, given) for code, given in made.items()}
    assert {code: network.chain_id for code, network in found.items()} == {
        "tron": 728126428,
        "arbitrum": 42161,
        "bsc": 56,
    }


def test_only_the_signer_is_given_key_material_and_its_database_role(services):
    for name, service in services.items():
        text = yaml.safe_dump(service)
        knows = "keystore" in text or "signer_passphrase" in text or "SIGNER_" in service.get("environment", {})
        assert knows == (name == "signer"), name
        assert ("exchequer_owner:" in text) == (name == "migrate"), name


def test_the_signer_has_no_way_out(services):
    assert services["signer"]["networks"] == ["inside"]


def test_every_variable_that_must_be_given_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+):\?\}", (COMPOSE / "docker-compose.yml").read_text(encoding="utf-8")))
    offered = set(re.findall(r"^(\w+)=", (COMPOSE / "env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert asked <= offered


def test_nothing_of_the_devnet_gets_into_the_image():
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {"devnet", "tests", "benchmarks", ".exchequer", ".git"} <= set(left_out)
