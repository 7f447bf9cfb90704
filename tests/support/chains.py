"""Local chains for tests: a node of this worker's own, as good as new for each test, with the token deployed."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pytest
from pytest_django import Settings

from devnet import networks as devnet_networks
from devnet import node
from devnet.anvil import ARBITRUM, BSC, CHAINS, Anvil, Chain
from devnet.contracts.deploy import ARTIFACTS, Deployer
from devnet.processes import ServiceError, wait_until
from tests.support.suite import Share

ACCOUNTS = (  # anvil's development accounts; the first deploys and owns the token
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
)
BALANCE_OF = "0x70a08231"  # balanceOf(address)


class LocalChain(Anvil):
    """One test's chain. Mines each transaction at once; the token stands at `token`, owned by the first account.

    "At once" is a moment after the node has answered who sent it. Whoever mines or reorganises here comes after that
    moment, as does everything after a transaction that the test itself sends.
    """

    token = devnet_networks.TOKEN_ADDRESS
    _as_new = ""  # the snapshot to go back to
    _mines_at_once = True

    @property
    def code(self) -> str:
        return self.chain.code

    @cached_property
    def deployer(self) -> Deployer:
        """Deploys, mints and transfers with the first account's key."""
        return Deployer(self.url)

    def call(self, method: str, *params: Any, seconds: float = 10.0) -> Any:
        """As `Anvil.call`; what is sent is mined on return, unless mining is stopped."""
        if method in ("anvil_mine", "anvil_reorg"):
            self.let_it_mine()
        answer = super().call(method, *params, seconds=seconds)
        if method in ("eth_sendTransaction", "eth_sendRawTransaction"):
            self.let_it_mine()
        return answer

    def let_it_mine(self, seconds: float = 5.0) -> None:
        """Until the node has mined all that it can, if it does so by itself; it may be stuck, then not for ever.

        For after what was sent past this class: by the product itself.
        """
        deadline = time.monotonic() + seconds
        while self._mines_at_once and int(super().call("txpool_status")["pending"], 16):
            if time.monotonic() > deadline:
                return
            time.sleep(0.002)

    def deploy_token(self) -> None:
        """Straight JSON-RPC, because importing web3 takes longer than the chain's whole start."""
        made = json.loads((ARTIFACTS / f"{self.chain.token}.json").read_text(encoding="utf-8"))
        bytecode = made["bytecode"] if made["bytecode"].startswith("0x") else f"0x{made['bytecode']}"
        creation = {"from": ACCOUNTS[0], "data": bytecode, "gas": hex(6_000_000), "gasPrice": hex(2 * 10**9)}
        sent = self.call("eth_sendTransaction", creation)
        wait_until(lambda: self.call("eth_getTransactionReceipt", sent) is not None, what="the token's deployment")
        code = self.call("eth_getCode", self.token, "latest")
        assert len(code) > 2, "the token does not stand where the networks file says"

    def begin(self, *, anew: bool = False) -> None:
        """A node as good as new, with the token: taken back to how it began, which costs a thirtieth of a start.

        The blocks before are still there, what they held can't be asked any more: a test of that wants it `anew`.
        """
        if anew or not self._can_go_back():
            if self.child:
                self.child.kill()
            self.start()
            self.deploy_token()
        self._mines_at_once = True
        self._as_new = str(self.call("evm_snapshot"))
        self.call("anvil_setTime", int(time.time()))  # going back takes the clock back too
        self.call("anvil_setNextBlockBaseFeePerGas", hex(self.chain.base_fee_wei))
        self.mine()

    def _can_go_back(self) -> bool:
        if not self._as_new or self.child is None or not self.child.running():
            return False
        try:
            if self.height > KEPT_BLOCKS:
                return False
            self.call("anvil_dropAllTransactions")
            self.call("evm_setIntervalMining", 0)
            self.call("evm_setAutomine", True)
            self.call("anvil_autoImpersonateAccount", False)
            return bool(self.call("evm_revert", self._as_new))
        except (OSError, ServiceError):
            return False

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

    def reorg(self, depth: int, *blocks: list[str]) -> None:
        """Replaces the last `depth` blocks; the first of the new ones hold the raw transactions of `blocks`.

        Another miner makes them: an empty block in an empty one's place would else be the same, with the same hash.
        """
        self.call("anvil_setCoinbase", f"0x{secrets.token_hex(20)}")
        self.call("anvil_reorg", depth, [[raw, at] for at, block in enumerate(blocks) for raw in block], seconds=60)

    def stop_mining(self) -> None:
        """From now on transactions wait in the pool until `mine`."""
        self.call("evm_setAutomine", False)
        self._mines_at_once = False

    def mine_at_once(self) -> None:
        """From now on again. What waits in the pool is mined with the next transaction."""
        self.call("evm_setAutomine", True)
        self._mines_at_once = True


NewChain = Callable[[Chain], LocalChain]
KEPT_BLOCKS = 400  # a node that has made more is not taken back but ended


@pytest.fixture(scope="session")
def anvil_installed() -> None:
    node.install()


@pytest.fixture(scope="session")
def own_chains(share: Share, anvil_installed: None) -> Iterator[dict[str, LocalChain]]:
    """This worker's nodes by network, at the ports that the networks file names. Not started yet."""
    folder = share.folder / "chains"
    folder.mkdir(exist_ok=True)
    made = {
        code: LocalChain(chain, port=share.ports[code], log=folder / f"{code}.log") for code, chain in CHAINS.items()
    }
    yield made
    for chain in made.values():
        if chain.child:
            chain.child.kill()


@pytest.fixture
def new_chain(request: pytest.FixtureRequest, own_chains: dict[str, LocalChain]) -> NewChain:
    """Makes a network's node as good as new; really new for a test that is marked `new_node`."""
    really = request.node.get_closest_marker("new_node") is not None

    def begin(chain: Chain) -> LocalChain:
        own_chains[chain.code].begin(anew=really)
        return own_chains[chain.code]

    return begin


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
