"""The chains that the contract suite runs over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from devnet.anvil import CHAINS
from tests.contracts.worlds import FakeWorld, NodeWorld, NonceWorld, TronWorld, World
from tests.support.chains import NewChain
from tests.support.rpc_proxy import RpcProxy
from treasury.chains.evm import EvmAdapter
from treasury.chains.tron.adapter import TronAdapter


@pytest.fixture
def node_world(new_chain: NewChain, rpc_proxy: Callable[[str], RpcProxy]) -> NodeWorld:
    """Arbitrum's local node behind a proxy."""
    node = new_chain(CHAINS["arbitrum"])
    return NodeWorld(node, rpc_proxy(node.url))


NONCE_WORLDS = ["fake-arbitrum", "fake-bsc", "anvil-arbitrum", "anvil-bsc"]


@pytest.fixture(params=[*NONCE_WORLDS, "node-tron"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each implementation of the ports, with each network's settings."""
    if request.param == "node-tron":
        on_tron = TronWorld(request.getfixturevalue("tron"))
        yield on_tron
        assert isinstance(on_tron.adapter, TronAdapter)
        on_tron.adapter.close()
        return
    yield from _nonce_world(request)


@pytest.fixture(params=NONCE_WORLDS)
def nonce_world(request: pytest.FixtureRequest) -> Iterator[NonceWorld]:
    """Those where a nonce makes a payment unique."""
    yield from _nonce_world(request)


def _nonce_world(request: pytest.FixtureRequest) -> Iterator[NonceWorld]:
    kind, code = request.param.split("-")
    if kind == "fake":
        yield FakeWorld(code)
        return
    new_chain: NewChain = request.getfixturevalue("new_chain")
    proxy: Callable[[str], RpcProxy] = request.getfixturevalue("rpc_proxy")
    node = new_chain(CHAINS[code])
    made = NodeWorld(node, proxy(node.url))
    yield made
    assert isinstance(made.adapter, EvmAdapter)
    made.adapter.close()
