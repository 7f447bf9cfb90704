"""Runs contracts with py-evm's Petersburg rules until the TRON machine is there: right results, not TRON's costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import OutOfGas, Revert, VMError
from eth.vm.forks.petersburg.computation import PetersburgComputation
from eth.vm.message import Message as EvmMessage
from eth.vm.transaction_context import BaseTransactionContext

from devnet.tron.accounts import Account, account, save
from devnet.tron.state import State


@dataclass
class Context:
    block_number: int
    timestamp: int
    coinbase: bytes
    chain_id: int
    difficulty: int = 0
    gas_limit: int = 10**9
    base_fee_per_gas: int = 0
    mix_hash: bytes = bytes(32)
    prev_hashes: tuple[bytes, ...] = ()


class Shim:
    """Our state in the words of py-evm."""

    def __init__(self, state: State, context: Context) -> None:
        self.state = state
        self.execution_context = context
        self.coinbase = context.coinbase
        self.timestamp = context.timestamp
        self.block_number = context.block_number
        self.difficulty = context.difficulty
        self.gas_limit = context.gas_limit

    def get_ancestor_hash(self, number: int) -> bytes:
        return b""

    def get_balance(self, address: bytes) -> int:
        found = account(self.state, address)
        return found.balance if found else 0

    def set_balance(self, address: bytes, balance: int) -> None:
        save(self.state, address, replace(account(self.state, address) or Account(), balance=balance))

    def delta_balance(self, address: bytes, delta: int) -> None:
        self.set_balance(address, self.get_balance(address) + delta)

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        return int(self.state.get("storage", (address, slot), 0))

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self.state.put("storage", (address, slot), value or None)

    def delete_storage(self, address: bytes) -> None:
        for key in [key for key in self.state.tables["storage"] if key[0] == address]:
            self.state.put("storage", key, None)

    def get_code(self, address: bytes) -> bytes:
        return bytes(self.state.get("code", address, b""))

    def set_code(self, address: bytes, code: bytes) -> None:
        self.state.put("code", address, code)

    def get_nonce(self, address: bytes) -> int:
        return 0

    def increment_nonce(self, address: bytes) -> None:
        return None

    def account_exists(self, address: bytes) -> bool:
        return account(self.state, address) is not None

    def account_is_empty(self, address: bytes) -> bool:
        return account(self.state, address) is None

    def has_code_or_nonce(self, address: bytes) -> bool:
        return bool(self.get_code(address))

    def touch_account(self, address: bytes) -> None:
        return None

    def snapshot(self) -> int:
        return self.state.begin()

    def revert(self, snapshot: int) -> None:
        while len(self.state.scopes) >= snapshot:
            self.state.rollback()

    def commit(self, snapshot: int) -> None:
        while len(self.state.scopes) >= snapshot:
            self.state.commit()


@dataclass
class Outcome:
    fault: str | None
    energy_used: int
    output: bytes
    logs: list[tuple[bytes, tuple[bytes, ...], bytes]]


def execute(
    state: State,
    context: Context,
    *,
    caller: bytes,
    contract: bytes,
    value: int,
    data: bytes,
    energy: int,
    creates: bool,
) -> Outcome:
    shim: Any = Shim(state, context)
    message = EvmMessage(
        gas=energy,
        to=CREATE_CONTRACT_ADDRESS if creates else contract,
        sender=caller,
        value=value,
        data=b"" if creates else data,
        code=data if creates else shim.get_code(contract),
        create_address=contract if creates else None,
    )
    transaction: Any = BaseTransactionContext(gas_price=0, origin=caller)
    transaction.__class__.blob_versioned_hashes = ()
    apply = PetersburgComputation.apply_create_message if creates else PetersburgComputation.apply_message
    done: Any = apply(shim, message, transaction)
    fault = None
    if done.is_error:
        fault = _fault(done.error)
    used = done.get_gas_used()
    logs = (
        []
        if fault
        else [(bytes(a), tuple(t.to_bytes(32) for t in topics), bytes(d)) for a, topics, d in done.get_log_entries()]
    )
    return Outcome(fault, used, bytes(done.output), logs)


def _fault(error: VMError) -> str:
    if isinstance(error, Revert):
        return "REVERT"
    return "OUT_OF_ENERGY" if isinstance(error, OutOfGas) else "ILLEGAL_OPERATION"
