"""Local chains for tests: a node of this worker's own, new for each test, with the token deployed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pytest
from pytest_django import Settings

from devnet import networks as devnet_networks
from devnet import node
from devnet.anvil import ARBITRUM, BSC, Anvil, Chain
from devnet.contracts.deploy import ARTIFACTS, Deployer
from devnet.processes import wait_until
from tests.support.suite import Share

ACCOUNTS = (  # anvil's development accounts; the first deploys and owns the token
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
)
BALANCE_OF = "0x70a08231"  # balanceOf(address)
_logs = itertools.count(1)


class LocalChain(Anvil):
    """One test's chain. Mines each transaction at once; the token stands at `token`, owned by the first account."""

    token = devnet_networks.TOKEN_ADDRESS

    @property
    def code(self) -> str:
        return self.chain.code

    @cached_property
    def deployer(self) -> Deployer:
        """Deploys, mints and transfers with the first account's key."""
        return Deployer(self.url)

    def deploy_token(self) -> None:
        """Straight JSON-RPC, because importing web3 takes longer than the chain's whole start."""
        made = json.loads((ARTIFACTS / f"{self.chain.token}.json").read_text(encoding="utf-8"))
        bytecode = made["bytecode"] if made["bytecode"].startswith("0x") else f"0x{made['bytecode']}"
        creation = {"from": ACCOUNTS[0], "data": bytecode, "gas": hex(6_000_000), "gasPrice": hex(2 * 10**9)}
        sent = self.call("eth_sendTransaction", creation)
        wait_until(lambda: self.call("eth_getTransactionReceipt", sent) is not None, what="the token's deployment")
        code = self.call("eth_getCode", self.token, "latest")
        assert len(code) > 2, "the token does not stand where the networks file says"

    def mint(self, to: str, amount_raw: int) -> str:
        """New tokens, in raw units; returns the transaction's hash."""
        return self.deployer.mint(self.token, to, amount_raw)

    def transfer(self, to: str, amount_raw: int) -> str:
        """Tokens of the first account, in raw units; returns the transaction's hash."""
        return self.deployer.transfer(self.token, to, amount_raw)

    def give_gas(self, to: str, amount_wei: int = 10**18) -> None:
        """Sets the native balance of `to`; costs no block."""
        self.call("anvil_setBalance", to, hex(amount_wei))

    def balance_of(self, address: str) -> int:
        """Tokens of `address`, in raw units."""
        answer = self.call(
            "eth_call", {"to": self.token, "data": "0x70a08231" + address[2:].lower().zfill(64)}, "latest"
        )
        return int(answer, 16)

    def native_balance_of(self, address: str) -> int:
        return int(self.call("eth_getBalance", address, "latest"), 16)

    def block(self, number: int | str = "latest") -> dict[str, Any]:
        return dict(self.call("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False))

    def reorg(self, depth: int) -> None:
        """Replaces the last `depth` blocks by empty ones."""
        self.call("anvil_reorg", depth, [])

    def stop_mining(self) -> None:
        """From now on transactions wait in the pool until `mine`."""
        self.call("evm_setAutomine", False)

    def mine_at_once(self) -> None:
        self.call("evm_setAutomine", True)


NewChain = Callable[[Chain], LocalChain]


@pytest.fixture(scope="session")
def anvil_installed() -> None:
    node.install()


@pytest.fixture
def new_chain(share: Share, anvil_installed: None) -> Iterator[NewChain]:
    """Starts a node at the port that the networks file names; at most one per network and test."""
    started: list[LocalChain] = []
    (share.folder / "chains").mkdir(exist_ok=True)

    def start(chain: Chain) -> LocalChain:
        log = share.folder / "chains" / f"{chain.code}-{next(_logs)}.log"
        local = LocalChain(chain, port=share.ports[chain.code], log=log)
        started.append(local)
        local.start()
        local.deploy_token()
        return local

    yield start
    for local in started:
        if local.child:
            local.child.kill()


@pytest.fixture
def anvil_arbitrum(new_chain: NewChain) -> LocalChain:
    """A new local chain with Arbitrum's fees and a 6-decimal token with a blocklist."""
    return new_chain(ARBITRUM)


@pytest.fixture
def anvil_bsc(new_chain: NewChain) -> LocalChain:
    """A new local chain with BNB Smart Chain's fees and an 18-decimal token."""
    return new_chain(BSC)


@pytest.fixture
def networks(share: Share, settings: Settings) -> Iterator[dict[str, dict[str, Any]]]:
    """`settings.NETWORKS` of this worker's chains, to be changed by the test before first use.

    Afterwards, and before, the registry forgets what it made of them.
    """
    from treasury.chains import registry

    made = {
        code: devnet_networks.of(code, rpc_urls=[f"http://127.0.0.1:{share.ports[code]}"])
        for code in devnet_networks.CODES
    }
    settings.NETWORKS = made
    registry.reset()
    yield made
    registry.reset()


__all__ = ["ACCOUNTS", "LocalChain", "anvil_arbitrum", "anvil_bsc", "anvil_installed", "networks", "new_chain"]
