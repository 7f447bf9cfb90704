"""Between the chain's state and the virtual machine: one call in, one outcome out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from eth_hash.auto import keccak

from devnet.tron import tvm
from devnet.tron.accounts import CONTRACT, Account, account, save
from devnet.tron.addresses import on_wire
from devnet.tron.deployed import register_made
from devnet.tron.protocol import InternalTransaction, Message, TransactionInfo
from devnet.tron.state import State
from devnet.tron.tvm.world import ExecutionContext, World

OUT_OF_GAS = re.compile(r"Needed (\d+) - Remaining (\d+) - Reason: (.+)")

Factors = Callable[[bytes], int]  # contract -> what comes on top of 1, in ten thousandths


@dataclass(frozen=True)
class Block:
    """The block that a transaction is executed for. `witness` has 20 bytes, `chain_id` is the genesis block's id,
    `id_of` gives earlier blocks' ids."""

    number: int
    time_ms: int
    witness: bytes
    chain_id: bytes
    id_of: Callable[[int], bytes] = lambda _: bytes(32)


@dataclass(frozen=True)
class Done:
    """`error` is None where the run succeeded; `result` is the name in a receipt."""

    result: str
    output: bytes
    energy_used: int
    energy_penalty: int
    error: str | None = None
    logs: list[Message] = field(default_factory=list)
    internal_transactions: list[Message] = field(default_factory=list)


class _World(World):
    """The machine's view of the state. Code that is not there any more is kept as none."""

    def __init__(self, state: State, block: Block, caller: bytes) -> None:
        super().__init__()
        self._caller = caller
        self._state = state
        self._block = block
        self.coinbase = block.witness
        self.timestamp = block.time_ms // 1000
        self.block_number = block.number

    @cached_property
    def execution_context(self) -> ExecutionContext:  # type: ignore[override]  # made when it is asked for
        return ExecutionContext(int.from_bytes(self._block.chain_id[-4:], "big"))

    def account_exists(self, address: bytes) -> bool:
        return account(self._state, address) is not None

    def get_balance(self, address: bytes) -> int:
        found = account(self._state, address)
        return found.balance if found else 0

    def set_balance(self, address: bytes, balance: int) -> None:
        found = account(self._state, address) or Account(created_ms=self._block.time_ms)
        save(self._state, address, replace(found, balance=balance))

    def get_code(self, address: bytes) -> bytes:
        return bytes(self._state.get("code", address, b""))

    def set_code(self, address: bytes, code: bytes) -> None:
        if code and account(self._state, address) is None:
            save(self._state, address, Account(kind=CONTRACT, created_ms=self._block.time_ms))
        self._state.put("code", address, code or None)
        if code:
            register_made(self._state, address, self._caller)

    def get_storage(self, address: bytes, slot: int) -> int:
        return int(self._state.get("storage", (address, slot), 0))

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self._state.put("storage", (address, slot), value or None)

    def get_ancestor_hash(self, number: int) -> bytes:
        if not self.block_number - 256 <= number < self.block_number:
            return bytes(32)
        return self._block.id_of(number)

    def snapshot(self) -> int:
        return self._state.begin()

    def commit(self, snapshot: object) -> None:
        """Also what was opened within it and never closed: a run that breaks off leaves such scopes."""
        while len(self._state.scopes) >= _depth(snapshot):
            self._state.commit()

    def revert(self, snapshot: object) -> None:
        while len(self._state.scopes) >= _depth(snapshot):
            self._state.rollback()


def _depth(snapshot: object) -> int:
    assert isinstance(snapshot, int)  # noqa: S101  # what `snapshot` gave
    return snapshot


def call(
    state: State,
    block: Block,
    *,
    caller: bytes,
    contract: bytes,
    value: int,
    data: bytes,
    energy_limit: int,
    txid: bytes,
    factors: Factors,
) -> Done:
    """Calls a contract; the state keeps what it changed if it succeeded."""
    outcome = tvm.call(
        _World(state, block, caller),
        caller=caller,
        to=contract,
        value_sun=value,
        data=data,
        energy_limit=energy_limit,
        txid=txid,
        factors=factors,
    )
    return _done(outcome, txid, energy_limit)


def create(
    state: State,
    block: Block,
    *,
    caller: bytes,
    contract: bytes,
    value: int,
    code: bytes,
    energy_limit: int,
    txid: bytes,
    factors: Factors,
) -> Done:
    """Runs a contract's deployment; the state keeps its code if that succeeded."""
    outcome = tvm.create(
        _World(state, block, caller),
        caller=caller,
        address=contract,
        value_sun=value,
        code=code,
        energy_limit=energy_limit,
        txid=txid,
        factors=factors,
    )
    return _done(outcome, txid, energy_limit)


def _done(outcome: tvm.Outcome, txid: bytes, energy_limit: int) -> Done:
    return Done(
        result=str(outcome.fault) if outcome.fault else "SUCCESS",
        output=outcome.output,
        energy_used=outcome.energy_used,
        energy_penalty=outcome.energy_penalty,
        error=_said(outcome, energy_limit) if outcome.fault else None,
        logs=[TransactionInfo.Log(address=log.address, topics=log.topics, data=log.data) for log in outcome.logs],
        internal_transactions=[
            _internal(each, number, txid) for number, each in enumerate(outcome.internal_transactions)
        ],
    )


def _said(outcome: tvm.Outcome, energy_limit: int) -> str:
    """java-tron's text for what runs out of energy (Program.Exception.notEnoughOpEnergy), else the machine's."""
    found = OUT_OF_GAS.search(outcome.said)
    if outcome.fault != tvm.Fault.OUT_OF_ENERGY or found is None:
        return outcome.said or str(outcome.fault)
    needed, remaining, operation = found.groups()
    return (
        f"Not enough energy for '{operation}' operation executing: curInvokeEnergyLimit[{energy_limit}], "
        f"curOpEnergy[{needed}], usedEnergy[{energy_limit - int(remaining)}]"
    )


def _internal(each: tvm.InternalTransaction, number: int, txid: bytes) -> Message:
    """Its hash is of what it says and of where it stands, as in java-tron's InternalTransaction."""
    facts = each.caller + each.to + each.value_sun.to_bytes(8, "big") + number.to_bytes(8, "big")
    made = InternalTransaction(
        hash=keccak(txid + facts),
        caller_address=on_wire(each.caller),
        transferTo_address=on_wire(each.to),
        note=each.kind.encode(),
        rejected=each.rejected,
    )
    made.callValueInfo.add(callValue=each.value_sun)
    return made
