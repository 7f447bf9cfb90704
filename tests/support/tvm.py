"""TRON's virtual machine by itself, over a state of its own: no node, no database. And a small assembler for it."""

from __future__ import annotations

import json
from typing import Any

from eth.vm import opcode_values

from devnet.tron import machine, tvm
from devnet.tron.accounts import Account, account, save
from devnet.tron.acting import call_data
from devnet.tron.genesis import ARTIFACTS
from devnet.tron.state import State

CALLER, CONTRACT, OTHER, NOBODY = (bytes([number]) * 20 for number in (0xAA, 0xCC, 0xDD, 0xEE))
TXID = bytes(range(32))
LIMIT = 100_000_000  # energy
BLOCK = machine.Block(number=1_000, time_ms=1_700_000_000_000, witness=b"\x09" * 20, chain_id=bytes(range(32)))

_OPCODES = {name: value for name, value in vars(opcode_values).items() if name.isupper()} | {
    "SUICIDE": 0xFF, "CALLTOKEN": 0xD0, "TOKENBALANCE": 0xD1, "CALLTOKENVALUE": 0xD2, "CALLTOKENID": 0xD3,
    "ISCONTRACT": 0xD4, "BLOBHASH": 0x49, "BLOBBASEFEE": 0x4A, "PUSH0": 0x5F,
}  # fmt: skip


def code(*parts: str | int | bytes) -> bytes:
    """Bytecode: a name is that opcode, a number or bytes are pushed (3 energy) in as few bytes as it takes."""
    made = b""
    for part in parts:
        if isinstance(part, str):
            made += bytes([_OPCODES[part]])
        else:
            value = part if isinstance(part, bytes) else part.to_bytes(max(1, (part.bit_length() + 7) // 8))
            made += bytes([0x5F + len(value)]) + value
    return made


def deploying(runtime: bytes) -> bytes:
    """Code that leaves `runtime`, of at most 32 bytes, as the code of a new contract."""
    return code(runtime, 0, "MSTORE", len(runtime), 32 - len(runtime), "RETURN")


class Machine:
    """CALLER has a million TRX, CONTRACT is there; everything else is as a test makes it."""

    def __init__(self) -> None:
        self.state = State()
        self.give(CALLER, 10**12)
        self.put(CONTRACT, b"")
        self.factors: dict[bytes, int] = {}

    @property
    def world(self) -> tvm.World:
        return machine._World(self.state, BLOCK, CALLER)

    def give(self, address: bytes, sun: int) -> None:
        found = account(self.state, address) or Account(created_ms=0)
        save(self.state, address, Account(balance=found.balance + sun, created_ms=0))

    def put(self, address: bytes, runtime: bytes) -> None:
        """A contract that has always been there."""
        self.give(address, 0)
        self.state.put("code", address, runtime or None)

    def run(self, runtime: bytes, *, to: bytes = CONTRACT, **changes: Any) -> tvm.Outcome:
        """CALLER calls CONTRACT, which has this code."""
        self.put(to, runtime)
        return self.call(to=to, **changes)

    def call(self, *, caller: bytes = CALLER, to: bytes = CONTRACT, **changes: Any) -> tvm.Outcome:
        changes = {"energy_limit": LIMIT, "txid": TXID, **changes}
        return tvm.call(self.world, caller=caller, to=to, factors=lambda each: self.factors.get(each, 0), **changes)

    def create(self, init: bytes, *, address: bytes = NOBODY, **changes: Any) -> tvm.Outcome:
        changes = {"energy_limit": LIMIT, "txid": TXID, **changes}
        return tvm.create(self.world, caller=CALLER, address=address, code=init, **changes)

    def slot(self, number: int, of: bytes = CONTRACT) -> int:
        return self.world.get_storage(of, number)


class Token:
    """TronTetherLike at `address`, made by CALLER, which holds a million of it."""

    def __init__(self, machine: Machine, address: bytes = CONTRACT) -> None:
        self.machine, self.address = machine, address
        bytecode = json.loads((ARTIFACTS / "TronTetherLike.json").read_text(encoding="utf-8"))["bytecode"]
        made = machine.create(bytes.fromhex(bytecode.removeprefix("0x")), address=address)
        assert made.fault is None
        assert self.call("issue(uint256)", 10**12).fault is None

    def call(self, signature: str, *values: int | bytes, caller: bytes = CALLER, **changes: Any) -> tvm.Outcome:
        return self.machine.call(caller=caller, to=self.address, data=call_data(signature, *values), **changes)

    def read(self, signature: str, *values: int | bytes) -> int:
        outcome = self.call(signature, *values, static=True)
        assert outcome.fault is None, outcome
        return int.from_bytes(outcome.output)

    def transfer(self, to: bytes, amount: int, *, caller: bytes = CALLER, **changes: Any) -> tvm.Outcome:
        return self.call("transfer(address,uint256)", to, amount, caller=caller, **changes)

    def balance_of(self, holder: bytes) -> int:
        return self.read("balanceOf(address)", holder)
