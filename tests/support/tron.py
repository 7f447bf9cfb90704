"""A local TRON chain for tests: one node process per worker, a fresh chain with the token for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from devnet.anvil import free_port
from devnet.tron import protocol
from devnet.tron.acting import call_data, word
from devnet.tron.addresses import Key, base58_of, on_wire, parsed, sha256
from devnet.tron.genesis import ARTIFACTS, abi_message
from devnet.tron.protocol import Message
from devnet.tron.server import TronNode
from tests.support.suite import Share

TRX = 1_000_000  # sun
_numbers = itertools.count(1)


class LocalTron(TronNode):
    """One test's chain. Blocks are made when the test says so (`mine`), or with `fund`, `mint` and `send_mined`."""

    def reset(self, **changes: Any) -> None:
        """A fresh chain. `solid_lag`, `block_ms`, `name` and `remembers_ids` may be other ones."""
        self.status = self.control("reset", **changes)

    @property
    def token(self) -> str:
        return str(self.status["token"])

    @property
    def genesis_id(self) -> str:
        return str(self.status["genesis_id"])

    @property
    def faucet(self) -> Key:
        return Key.of(bytes.fromhex(self.status["faucet"]["key"]))

    @property
    def token_owner(self) -> Key:
        return Key.of(bytes.fromhex(self.status["token_owner"]["key"]))

    def new_key(self, *, trx: int = 0, tokens: int = 0) -> Key:
        """A key of its own for this test, with so many whole TRX and so many of the token's smallest unit."""
        key = Key.derived("tests", f"{self.port} {next(_numbers)}")
        if trx:
            self.fund(base58_of(key.address), trx * TRX)
        if tokens:
            self.mint(base58_of(key.address), tokens)
        return key

    def build(self, kind: str, parameter: Message, *, fee_limit: int = 0, **raw: Any) -> Message:
        """An unsigned transaction that refers to the newest solid block; `raw` sets other fields of raw_data."""
        solid = self.ask("walletsolidity/getnowblock")
        head = self.ask("wallet/getnowblock")
        block_id = bytes.fromhex(solid["blockID"])
        made = protocol.Transaction()
        made.raw_data.contract.append(protocol.pack(kind, parameter))
        made.raw_data.ref_block_bytes, made.raw_data.ref_block_hash = block_id[6:8], block_id[8:16]
        made.raw_data.expiration = head["block_header"]["raw_data"]["timestamp"] + 60_000
        made.raw_data.timestamp = head["block_header"]["raw_data"]["timestamp"] + next(_numbers)
        made.raw_data.fee_limit = fee_limit
        for name, value in raw.items():
            setattr(made.raw_data, name, value)
        return made

    def sign(self, message: Message, key: Key) -> str:
        """Signs and serializes: what `broadcasthex` takes."""
        message.signature.append(key.sign(sha256(message.raw_data.SerializeToString())))
        return str(message.SerializeToString().hex())

    def transfer(self, key: Key, to: str, amount_sun: int, **raw: Any) -> str:
        """A signed TRX transfer in hex."""
        parameter = protocol.CONTRACTS["TransferContract"](
            owner_address=on_wire(key.address), to_address=on_wire(parsed(to)), amount=amount_sun
        )
        return self.sign(self.build("TransferContract", parameter, **raw), key)

    def call(self, key: Key, signature: str, *values: Any, contract: str | None = None, **raw: Any) -> str:
        """A signed call of the token (or of `contract`) in hex; addresses as text."""
        words = [parsed(each) if isinstance(each, str) else each for each in values]
        parameter = protocol.CONTRACTS["TriggerSmartContract"](
            owner_address=on_wire(key.address),
            contract_address=on_wire(parsed(contract or self.token)),
            data=call_data(signature, *words),
        )
        raw.setdefault("fee_limit", 100 * TRX)
        return self.sign(self.build("TriggerSmartContract", parameter, **raw), key)

    def transfer_token(self, key: Key, to: str, amount_units: int, **raw: Any) -> str:
        """A signed token transfer in hex."""
        return self.call(key, "transfer(address,uint256)", to, amount_units, **raw)

    def deploy(self, key: Key, artifact: str, *values: Any, percent: int = 100) -> str:
        """Deploys one of devnet/contracts by name in a block of its own; returns its address, base58.

        `values`: the constructor's, numbers, truths and addresses. `percent`: of the energy that callers pay.
        """
        made = json.loads((ARTIFACTS / f"{artifact}.json").read_text(encoding="utf-8"))
        words = b"".join(word(parsed(each) if isinstance(each, str) else each) for each in values)
        create = protocol.CONTRACTS["CreateSmartContract"](owner_address=on_wire(key.address))
        create.new_contract.origin_address = on_wire(key.address)
        create.new_contract.bytecode = bytes.fromhex(made["bytecode"].removeprefix("0x")) + words
        create.new_contract.abi.CopyFrom(abi_message(made["abi"]))
        create.new_contract.name = artifact
        create.new_contract.consume_user_resource_percent = percent
        create.new_contract.origin_energy_limit = 10_000_000
        receipt = self.send_mined(self.sign(self.build("CreateSmartContract", create, fee_limit=5_000 * TRX), key))
        assert receipt["receipt"]["result"] == "SUCCESS", receipt
        return base58_of(bytes.fromhex(receipt["contract_address"]))

    def send(self, signed: str) -> dict[str, Any]:
        """The answer to `broadcasthex`."""
        return dict(self.ask("wallet/broadcasthex", transaction=signed))

    def send_mined(self, signed: str) -> dict[str, Any]:
        """Sends, makes a block and returns the receipt."""
        answer = self.send(signed)
        assert answer["result"] is True, answer
        self.mine()
        return self.receipt(answer["txid"])

    def receipt(self, txid: str, *, solid: bool = False) -> dict[str, Any]:
        return dict(self.ask(f"wallet{'solidity' if solid else ''}/gettransactioninfobyid", value=txid))

    def trx_of(self, address: str) -> int:
        """In sun, with what waits in the pool."""
        return int(self.ask("wallet/getaccount", address=address, visible=True).get("balance", 0))

    def balance_of(self, address: str) -> int:
        """Tokens in the smallest unit."""
        answer = self.ask(
            "wallet/triggerconstantcontract",
            owner_address=self.token,
            contract_address=self.token,
            function_selector="balanceOf(address)",
            parameter=parsed(address).rjust(32, b"\0").hex(),
            visible=True,
        )
        return int(answer["constant_result"][0], 16)


@pytest.fixture(scope="session")
def tron_process(share: Share) -> Iterator[LocalTron]:
    """This worker's node. Its chain is whatever the last test left: use `tron`."""
    (share.folder / "chains").mkdir(exist_ok=True)
    log = share.folder / "chains" / "tron.log"
    node = LocalTron(port=share.ports["tron"], control_port=free_port(), log=log, block_ms=0)
    node.start()
    yield node
    assert node.child is not None
    node.child.kill()


@pytest.fixture
def tron(tron_process: LocalTron) -> LocalTron:
    """A fresh chain: blocks on demand, solid 18 blocks behind the head, the token at a fixed address."""
    tron_process.reset()
    return tron_process
