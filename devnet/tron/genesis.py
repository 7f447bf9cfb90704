"""The first block: who has TRX, and the token that stands from the beginning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from devnet.tron import protocol
from devnet.tron.accounts import TRX, Account
from devnet.tron.actuators import Head
from devnet.tron.addresses import Key, contract_address, on_wire, sha256
from devnet.tron.blocks import make_block, witnesses
from devnet.tron.execution import execute
from devnet.tron.machine import Block
from devnet.tron.parameters import PARAMETERS, PROPERTIES
from devnet.tron.state import State
from devnet.tron.store import Mined
from devnet.tron.transactions import Tx

ARTIFACTS = Path(__file__).resolve().parent.parent / "contracts" / "artifacts"
DEFAULT_SEED = "exchequer"
TOKEN = "TronTetherLike"
FAUCET_TRX = 50_000_000_000
OWNER_TRX = 1_000_000_000
DEPLOYMENT_FEE_LIMIT = 15_000 * TRX


@dataclass(frozen=True)
class Actors:
    """The keys that the node itself acts with. Everybody can derive them from the seed: devnet only."""

    faucet: Key
    token_owner: Key

    @classmethod
    def of(cls, seed: str) -> Actors:
        return _actors(seed)


@lru_cache(maxsize=4)
def _actors(seed: str) -> Actors:
    return Actors(faucet=Key.derived(seed, "faucet"), token_owner=Key.derived(seed, "token owner"))


@lru_cache(maxsize=1)
def token_artifact() -> dict[str, Any]:
    """ABI and bytecode of the token."""
    made: dict[str, Any] = json.loads((ARTIFACTS / f"{TOKEN}.json").read_text(encoding="utf-8"))
    return made


def abi_message(abi: list[dict[str, Any]]) -> protocol.Message:
    """Solidity's JSON ABI as TRON keeps it."""
    made = protocol.message("SmartContract.ABI")()
    for entry in abi:
        kept = made.entrys.add(
            name=entry.get("name", ""),
            type=_number("EntryType", entry.get("type", "")),
            anonymous=entry.get("anonymous", False),
            payable=entry.get("stateMutability") == "payable",
            constant=entry.get("stateMutability") in {"view", "pure"},
            stateMutability=_number("StateMutabilityType", entry.get("stateMutability", "")),
        )
        for side, params in (("inputs", kept.inputs), ("outputs", kept.outputs)):
            for each in entry.get(side, ()):
                params.add(name=each.get("name", ""), type=each["type"], indexed=each.get("indexed", False))
    return made


def _number(enum: str, name: str) -> int:
    values = protocol.message("SmartContract.ABI.Entry").DESCRIPTOR.enum_types_by_name[enum].values_by_name
    found = values.get(name.capitalize())
    return int(found.number) if found else 0


def deployment(owner: Key) -> Tx:
    """The token's deployment, the same to the byte for one seed, so that its address is known beforehand."""
    made = token_artifact()
    create = protocol.CONTRACTS["CreateSmartContract"](owner_address=on_wire(owner.address))
    sent = create.new_contract
    sent.origin_address = on_wire(owner.address)
    sent.bytecode = bytes.fromhex(made["bytecode"].removeprefix("0x"))
    sent.abi.CopyFrom(abi_message(made["abi"]))
    sent.name = TOKEN
    sent.consume_user_resource_percent, sent.origin_energy_limit = 100, 10_000_000
    message = protocol.Transaction()
    message.raw_data.contract.append(protocol.pack("CreateSmartContract", create))
    message.raw_data.fee_limit = DEPLOYMENT_FEE_LIMIT
    tx = Tx.of(message)
    message.signature.append(owner.sign(tx.txid))
    return Tx.of(message)


def token_address(seed: str) -> bytes:
    owner = Actors.of(seed).token_owner
    return contract_address(deployment(owner).txid, owner.address)


def make_genesis(seed: str, name: str) -> tuple[State, Mined]:
    """State and block number 0. Its id depends on `seed` and `name` alone: two networks differ in it."""
    actors = Actors.of(seed)
    state = State()
    state.tables["parameters"].update(PARAMETERS)
    state.tables["properties"].update(PROPERTIES)
    rich = {actors.faucet.address: FAUCET_TRX, actors.token_owner.address: OWNER_TRX}
    accounts = {address: Account(balance=amount * TRX) for address, amount in rich.items()}
    state.tables["accounts"].update({key.address: Account() for key in witnesses(seed)} | accounts)
    tx = deployment(actors.token_owner)
    context = Block(number=0, time_ms=0, witness=witnesses(seed)[0].address, chain_id=sha256(name.encode()))
    done = execute(state, tx, Head(0, 0), context)
    if done.result != "SUCCESS":
        raise RuntimeError(f"the token's deployment: {done.result} {done.info.resMessage.decode(errors='replace')}")
    tx.message.ret.add(contractRet=1)
    mined = make_block(
        number=0,
        parent=sha256(name.encode()),
        time_ms=0,
        witness=None,
        transactions=[tx.message],
        infos=[done.info],
    )
    return state, mined
