"""Deploy and drive the local chains' contracts. For `make run`, the faucet and the tests; never for a real network.

    from devnet.contracts.deploy import Deployer

    chain = Deployer("http://127.0.0.1:8545", key="0x...")          # the key must own gas on that chain
    usdt = chain.deploy("TetherLike")                                # -> checksummed address
    chain.mint(usdt, customer_address, 100_000_000)                  # -> transaction hash, already mined
    chain.transfer(usdt, customer_address, 1_000_000)
    multisend = chain.deploy("Multisend")
    chain.multisend(multisend, usdt, [(a, 1), (b, 2), (a, 3)])       # three Transfers in one transaction
    chain.send(usdt, "TetherLike", "addToBlockedList", address)      # anything else by name

Each call waits until the transaction is mined; with `mine=True` (for nodes without automining) it asks anvil to mine.
One Deployer per key and process: it reads the nonce from the node for each transaction.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from eth_account import Account
from eth_typing import ChecksumAddress
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.types import RPCEndpoint, TxParams

ARTIFACTS = Path(__file__).parent / "artifacts"

# anvil's first development account ("test test ... junk"): publicly known, holds gas on local chains only.
ANVIL_FIRST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


class TransactionReverted(Exception):
    """The transaction was mined and reverted."""


@lru_cache
def artifact(name: str) -> dict[str, Any]:
    """The committed artefact of a contract: abi, bytecode, deployedBytecode. Raises FileNotFoundError."""
    return cast("dict[str, Any]", json.loads((ARTIFACTS / f"{name}.json").read_text(encoding="utf-8")))


class Deployer:
    """Sends from one key to one local node."""

    def __init__(self, rpc_url: str, key: str = ANVIL_FIRST_KEY, *, mine: bool = False, timeout_seconds: float = 30):
        self.web3 = Web3(HTTPProvider(rpc_url, request_kwargs={"timeout": timeout_seconds}))
        self.account = Account.from_key(key)
        self.address: str = self.account.address
        self._mine = mine
        self._timeout_seconds = timeout_seconds

    def deploy(self, name: str, *args: object) -> str:
        """Deploy a contract by its artefact's name; returns its checksummed address."""
        made = artifact(name)
        factory = self.web3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
        receipt = self._send(factory.constructor(*args).build_transaction(self._defaults()))
        return str(receipt["contractAddress"])

    def contract(self, address: str, name: str) -> Contract:
        """A web3.py contract for reading."""
        return self.web3.eth.contract(address=cast("ChecksumAddress", address), abi=artifact(name)["abi"])

    def send(self, address: str, name: str, function: str, *args: object) -> str:
        """Call a function in a transaction; returns the hash. Raises TransactionReverted, or web3's ContractLogicError
        where the gas estimate reverts already."""
        call = self.contract(address, name).get_function_by_name(function)(*args)
        return _hex(self._send(call.build_transaction(self._defaults()))["transactionHash"])

    def mint(self, token: str, to: str, amount_raw: int) -> str:
        """Mint raw units (10^-6 or 10^-18) as the token's owner."""
        return self.send(token, "TetherLike", "mint", to, amount_raw)

    def transfer(self, token: str, to: str, amount_raw: int) -> str:
        """Transfer raw units from this key's balance."""
        return self.send(token, "TetherLike", "transfer", to, amount_raw)

    def multisend(self, multisend: str, token: str, payments: Sequence[tuple[str, int]]) -> str:
        """One transaction with a Transfer per payment, approving `multisend` as far as needed."""
        total = sum(amount for _, amount in payments)
        if self.contract(token, "TetherLike").functions.allowance(self.account.address, multisend).call() < total:
            self.send(token, "TetherLike", "approve", multisend, total)
        recipients, amounts = [to for to, _ in payments], [amount for _, amount in payments]
        return self.send(multisend, "Multisend", "send", token, recipients, amounts)

    def give_gas(self, to: str, amount_wei: int) -> str:
        """Send native coin from this key."""
        transaction = {**self._defaults(), "to": cast("ChecksumAddress", to), "value": amount_wei}
        transaction["gas"] = self.web3.eth.estimate_gas(cast("TxParams", transaction))
        return _hex(self._send(cast("TxParams", transaction))["transactionHash"])

    def balance_of(self, token: str, address: str) -> int:
        """Raw token units."""
        return int(self.contract(token, "TetherLike").functions.balanceOf(address).call())

    def _defaults(self) -> TxParams:
        base_fee = self.web3.eth.get_block("latest").get("baseFeePerGas", 0)
        tip = 1_000_000_000
        return {
            "from": self.account.address,
            "chainId": self.web3.eth.chain_id,
            "nonce": self.web3.eth.get_transaction_count(self.account.address, "pending"),
            "maxPriorityFeePerGas": self.web3.to_wei(tip, "wei"),
            "maxFeePerGas": self.web3.to_wei(2 * base_fee + tip, "wei"),
        }

    def _send(self, transaction: TxParams) -> Any:
        signed = self.account.sign_transaction({key: value for key, value in transaction.items() if key != "from"})
        tx_hash = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        if self._mine:
            self.web3.provider.make_request(RPCEndpoint("evm_mine"), [])
        receipt = self.web3.eth.wait_for_transaction_receipt(tx_hash, timeout=self._timeout_seconds, poll_latency=0.02)
        if receipt["status"] != 1:
            raise TransactionReverted(_hex(tx_hash))
        return receipt


def _hex(value: bytes) -> str:
    return "0x" + bytes(value).hex()


def main() -> None:
    """`python -m devnet.contracts.deploy RPC_URL CONTRACT`: deploy with anvil's first key, print the address."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("rpc_url")
    parser.add_argument("contract", choices=sorted(path.stem for path in ARTIFACTS.glob("*.json")))
    parser.add_argument("--key", default=ANVIL_FIRST_KEY, help="hex key of the deployer, default anvil's first")
    options = parser.parse_args()
    print(Deployer(options.rpc_url, options.key).deploy(options.contract))


if __name__ == "__main__":
    main()
