"""What the contract suite does to a chain, in the same words for the fake and for a real node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

from coincurve import PrivateKey
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from devnet import networks as devnet_networks
from devnet.anvil import CHAINS
from devnet.tron import protocol
from devnet.tron.addresses import base58_of, on_wire
from tests.support.chains import LocalChain
from tests.support.rpc_proxy import RpcProxy, wait_for
from tests.support.tron import TRX, LocalTron
from treasury.chains.addresses import checksummed, raw_account, raw_address, tron_address
from treasury.chains.evm import EvmAdapter
from treasury.chains.fake import FakeChain
from treasury.chains.network import Network, network_from_settings
from treasury.chains.payloads import PaymentPayload, noop_payload, transfer_payload
from treasury.chains.ports import ChainAdapter, Fees, NonceChain
from treasury.chains.tron.adapter import TronAdapter

ALICE = checksummed("a1" * 20)
BOB = checksummed("b0" * 20)
CAROL = checksummed("ca" * 20)


class Named:
    """Somebody's addresses, of the network's kind."""

    alice, bob, carol = ALICE, BOB, CAROL


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
    alice: str
    bob: str
    carol: str

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
    def sign_payment(self, recipient: str, amount_raw: int) -> bytes: ...
    @property
    def payer(self) -> str: ...


class NonceWorld(World, Protocol):
    """One of an EVM network, with the wallet whose nonces the tests count."""

    adapter: NonceChain
    wallet: Wallet


class FakeWorld(Named):
    """The fake, its controls spelled like a node's."""

    def __init__(self, code: str) -> None:
        self.network = network_of(code)
        self.chain = FakeChain(self.network, automine=True)
        self.adapter: NonceChain = self.chain
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

    @property
    def payer(self) -> str:
        return self.wallet.address

    def sign_payment(self, recipient: str, amount_raw: int) -> bytes:
        nonce = self.adapter.transaction_count(self.wallet.address, "pending")
        fees = self.adapter.suggest_fees()
        return self.wallet.transfer(self.network, nonce=nonce, fees=fees, recipient=recipient, amount_raw=amount_raw)


class NodeWorld(Named):
    """An anvil behind a proxy that asks for 10 % more from replacements, as real nodes do."""

    def __init__(self, node: LocalChain, proxy: RpcProxy) -> None:
        self.node = node
        self.proxy = proxy
        proxy.enforce_replacement(percent=10)
        self.network = network_of(node.code, rpc_urls=[proxy.url])
        self.adapter: NonceChain = EvmAdapter(self.network)
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

    @property
    def payer(self) -> str:
        return self.wallet.address

    def sign_payment(self, recipient: str, amount_raw: int) -> bytes:
        nonce = self.adapter.transaction_count(self.wallet.address, "pending")
        fees = self.adapter.suggest_fees()
        return self.wallet.transfer(self.network, nonce=nonce, fees=fees, recipient=recipient, amount_raw=amount_raw)


class TronWorld:
    """The local TRON node."""

    alice, bob, carol = (tron_address(raw_address(address)) for address in (ALICE, BOB, CAROL))

    def __init__(self, node: LocalTron) -> None:
        self.node = node
        self.network = self._network()
        self.adapter: ChainAdapter = TronAdapter(self.network)
        self._payer = node.new_key(trx=100_000, tokens=10**12)
        node.mine(25)
        node.control("automine")

    def _network(self, **changes: Any) -> Network:
        return network_from_settings("tron", devnet_networks.tron(**({"rpc_urls": [self.node.url]} | changes)))

    @property
    def payer(self) -> str:
        return base58_of(self._payer.address)

    @cached_property
    def multisend(self) -> str:
        return self.node.deploy(self._payer, "Multisend")

    @cached_property
    def other_token(self) -> str:
        return self.node.deploy(self._payer, "LookAlike")

    def with_settings(self, **changes: Any) -> TronAdapter:
        changes.pop("scan_overlap_blocks", None)  # always 0 here
        return TronAdapter(self._network(**changes))

    def pay(self, recipient: str, amount_raw: int) -> str:
        return self._send(self.node.transfer_token(self._payer, recipient, amount_raw))

    def pay_many(self, payments: Sequence[tuple[str, int]]) -> str:
        return self._multisend([(True, to, amount) for to, amount in payments])

    def pay_mixed(self, payments: Sequence[tuple[bool, str, int]]) -> str:
        return self._multisend(payments)

    def look_alike(self, recipient: str, amount_raw: int) -> str:
        call = self.node.call(self._payer, "mint(address,uint256)", recipient, amount_raw, contract=self.other_token)
        return self._send(call)

    def mine(self, blocks: int = 1) -> None:
        self.node.mine(blocks)

    def hold(self) -> None:
        self.node.control("automine", off=True)

    def reorg(self, depth: int) -> None:
        self.node.reorg(depth, then="drop")
        self.node.mine()

    def block_address(self, address: str) -> None:
        self.node.control("blacklist", address=address)

    def settle(self, tx_hashes: Sequence[str]) -> None:
        self.node.mine()
        assert all(self.adapter.receipts(tx_hashes))

    def sign_payment(self, recipient: str, amount_raw: int) -> bytes:
        return bytes.fromhex(self.node.transfer_token(self._payer, recipient, amount_raw))

    def _send(self, signed: str) -> str:
        answer = self.node.send(signed)
        assert answer["result"] is True, answer
        return str(answer["txid"])

    def _multisend(self, payments: Sequence[tuple[bool, str, int]]) -> str:
        node, total = self.node, sum(amount for *_, amount in payments)
        self._send(node.call(self._payer, "mint(address,uint256)", self.payer, total, contract=self.other_token))
        for token in (self.other_token, node.token):
            self._send(node.call(self._payer, "approve(address,uint256)", self.multisend, total, contract=token))
        raws = [
            ["0x" + raw_account("tron", node.token if ours else self.other_token).hex() for ours, *_ in payments],
            ["0x" + raw_account("tron", to).hex() for _, to, _ in payments],
            [amount for *_, amount in payments],
        ]
        arguments = abi_encode(["address[]", "address[]", "uint256[]"], raws)
        selector = keccak(b"sendMixed(address[],address[],uint256[])")[:4]
        parameter = protocol.CONTRACTS["TriggerSmartContract"](
            owner_address=on_wire(self._payer.address),
            contract_address=on_wire(raw_account("tron", self.multisend)),
            data=selector + arguments,
        )
        signed = node.sign(node.build("TriggerSmartContract", parameter, fee_limit=1_000 * TRX), self._payer)
        return self._send(signed)


type MakeWorld = Callable[[str], World]
