"""What the contract suite does to a chain, in the same words for the fake and for a real node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

from coincurve import PrivateKey
from eth_hash.auto import keccak

from devnet import networks as devnet_networks
from devnet.anvil import CHAINS
from tests.support.chains import LocalChain
from tests.support.rpc_proxy import RpcProxy, wait_for
from treasury.chains.addresses import checksummed
from treasury.chains.evm import EvmAdapter
from treasury.chains.fake import FakeChain
from treasury.chains.network import Network, network_from_settings
from treasury.chains.payloads import PaymentPayload, noop_payload, transfer_payload
from treasury.chains.ports import ChainAdapter, Fees

ALICE = checksummed("a1" * 20)
BOB = checksummed("b0" * 20)
CAROL = checksummed("ca" * 20)


class Wallet:
    """A key of the tests, and what it signs."""

    def __init__(self, name: str) -> None:
        self._key = PrivateKey(keccak(name.encode()))
        self.address = checksummed(keccak(self._key.public_key.format(compressed=False)[1:])[12:])

    def sign(self, payload: PaymentPayload) -> bytes:
        signature = self._key.sign_recoverable(payload.signing_digest(), hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return payload.assemble(signature[64], r, s)

    def transfer(
        self, network: Network, *, nonce: int, fees: Fees, recipient: str = BOB, amount_raw: int = 5, gas_limit: int = 0
    ) -> bytes:
        """Signed bytes of a token transfer."""
        return self.sign(
            transfer_payload(
                chain_id=network.chain_id,
                nonce=nonce,
                token_contract=network.token_contract,
                recipient=recipient,
                amount_raw=amount_raw,
                gas_limit=gas_limit or 120_000,
                fees=fees,
            )
        )

    def noop(self, network: Network, *, nonce: int, fees: Fees) -> bytes:
        """Signed bytes of a self-send of nothing."""
        return self.sign(
            noop_payload(chain_id=network.chain_id, nonce=nonce, sender=self.address, gas_limit=30_000, fees=fees)
        )


def network_of(code: str, **changes: Any) -> Network:
    """The settings of a local chain."""
    changes.setdefault("rpc_urls", ["http://127.0.0.1:1"])
    return network_from_settings(code, devnet_networks.network(CHAINS[code], **changes))


class World(Protocol):
    """A chain with one account that holds tokens and gas (`wallet`); mines each transaction at once unless held."""

    network: Network
    adapter: ChainAdapter
    wallet: Wallet

    def with_settings(self, **changes: Any) -> ChainAdapter: ...
    def pay(self, recipient: str, amount_raw: int) -> str: ...
    def pay_many(self, payments: Sequence[tuple[str, int]]) -> str: ...
    def pay_mixed(self, payments: Sequence[tuple[bool, str, int]]) -> str: ...
    def look_alike(self, recipient: str, amount_raw: int) -> str: ...
    def mine(self, blocks: int = 1) -> None: ...
    def hold(self) -> None: ...
    def reorg(self, depth: int) -> None: ...
    def block_address(self, address: str) -> None: ...
    def settle(self, tx_hashes: Sequence[str]) -> None: ...


class FakeWorld:
    """The fake, its controls spelled like a node's."""

    def __init__(self, code: str) -> None:
        self.network = network_of(code)
        self.chain = FakeChain(self.network, automine=True)
        self.adapter: ChainAdapter = self.chain
        self.wallet = Wallet("payer")
        self.chain.give(self.wallet.address, token_raw=10**24, native_wei=10**19)

    def with_settings(self, **changes: Any) -> ChainAdapter:
        other = FakeChain(network_of(self.network.code, **changes))
        other.world = self.chain.world
        return other

    def pay(self, recipient: str, amount_raw: int) -> str:
        return self.chain.deposit(recipient, amount_raw)

    def pay_many(self, payments: Sequence[tuple[str, int]]) -> str:
        return self.chain.deposit_many(payments)

    def pay_mixed(self, payments: Sequence[tuple[bool, str, int]]) -> str:
        return self.chain.deposit_mixed(payments)

    def look_alike(self, recipient: str, amount_raw: int) -> str:
        return self.chain.look_alike(recipient, amount_raw)

    def mine(self, blocks: int = 1) -> None:
        self.chain.mine(blocks)

    def hold(self) -> None:
        self.chain.automine = False

    def reorg(self, depth: int) -> None:
        self.chain.reorg(depth)

    def block_address(self, address: str) -> None:
        self.chain.block_address(address)

    def settle(self, tx_hashes: Sequence[str]) -> None:
        assert all(self.chain.receipts(tx_hashes))


class NodeWorld:
    """An anvil behind a proxy that asks for 10 % more from replacements, as real nodes do."""

    def __init__(self, node: LocalChain, proxy: RpcProxy) -> None:
        self.node = node
        self.proxy = proxy
        proxy.enforce_replacement(percent=10)
        self.network = network_of(node.code, rpc_urls=[proxy.url])
        self.adapter: ChainAdapter = EvmAdapter(self.network)
        self.wallet = Wallet("payer")
        node.give_gas(self.wallet.address, 10**19)
        node.mint(self.wallet.address, 10**24)
        node.mint(node.deployer.address, 10**24)

    @cached_property
    def multisend(self) -> str:
        return self.node.deployer.deploy("Multisend")

    @cached_property
    def other_token(self) -> str:
        return self.node.deployer.deploy("LookAlike")

    def with_settings(self, **changes: Any) -> EvmAdapter:
        return EvmAdapter(network_of(self.network.code, **({"rpc_urls": [self.proxy.url]} | changes)))

    def pay(self, recipient: str, amount_raw: int) -> str:
        return self.node.transfer(recipient, amount_raw)

    def pay_many(self, payments: Sequence[tuple[str, int]]) -> str:
        return self.node.deployer.multisend(self.multisend, self.node.token, payments)

    def pay_mixed(self, payments: Sequence[tuple[bool, str, int]]) -> str:
        send, total = self.node.deployer.send, sum(amount for *_, amount in payments)
        send(self.other_token, "LookAlike", "mint", self.node.deployer.address, total)
        for token in (self.other_token, self.node.token):
            send(token, "TetherLike", "approve", self.multisend, total)
        tokens = [self.node.token if ours else self.other_token for ours, *_ in payments]
        recipients, amounts = [to for _, to, _ in payments], [amount for *_, amount in payments]
        return send(self.multisend, "Multisend", "sendMixed", tokens, recipients, amounts)

    def look_alike(self, recipient: str, amount_raw: int) -> str:
        return self.node.deployer.send(self.other_token, "LookAlike", "mint", recipient, amount_raw)

    def mine(self, blocks: int = 1) -> None:
        self.node.mine(blocks)

    def hold(self) -> None:
        self.node.stop_mining()

    def reorg(self, depth: int) -> None:
        self.node.reorg(depth)
        self.node.mine()  # anvil's new branch is as long as the old one; a winning branch is longer

    def block_address(self, address: str) -> None:
        self.node.deployer.send(self.node.token, "TetherLike", "addToBlockedList", address)

    def settle(self, tx_hashes: Sequence[str]) -> None:
        wait_for(lambda: all(self.adapter.receipts(tx_hashes)), what="the transactions to be mined")


type MakeWorld = Callable[[str], World]
