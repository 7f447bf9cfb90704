"""One message of a run: py-evm's computation with TRON's energy, limits and internal transactions.

The dynamic energy model charges each operation of a contract with a factor a second time, in proportion (java-tron,
vm/VM.java): what an operation itself costs, without the energy that a call hands on. Here that part is taken right
after an operation, of calls and creations right before the other message begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from eth.exceptions import Halt, InsufficientFunds, OutOfGas, StackDepthLimit, VMError
from eth.vm.code_stream import CodeStream
from eth.vm.computation import BaseComputation
from eth.vm.logic.invalid import InvalidOpcode
from eth.vm.transaction_context import BaseTransactionContext

from devnet.tron.tvm.opcodes import CODE_DEPOSIT, MAX_DEPTH, OPCODES
from devnet.tron.tvm.precompiles import PRECOMPILES
from devnet.tron.tvm.world import World

MEMORY_LIMIT = 3 * 1024 * 1024
"""Bytes (Program.MEM_LIMIT of java-tron)."""

FACTOR_PRECISION = 10_000
LOOK_AT_CLOCK_EVERY = 512  # operations


class OutOfMemory(VMError):
    """More memory than a contract may have."""


class OutOfTime(VMError):
    """The run took longer than a block producer gives it."""


@dataclass(frozen=True)
class Internal:
    """What a contract did to another account. `data` is not kept."""

    kind: str  # call, create, suicide
    caller: bytes
    to: bytes
    value_sun: int
    frame: Any


@dataclass
class Shared:
    """What all messages of a run have in common. `factors`: what comes on top of 1, in ten thousandths."""

    txid: bytes
    factors: Callable[[bytes], int]
    deadline: float
    internal: list[Internal] = field(default_factory=list)
    penalty: int = 0
    numbers: int = 0
    operations: int = 0

    def count(self) -> int:
        """The next number of something within this transaction, from 0."""
        self.numbers += 1
        return self.numbers - 1


class Context(BaseTransactionContext):
    """py-evm's, with what a run shares."""

    def __init__(self, *, origin: bytes, shared: Shared) -> None:
        super().__init__(gas_price=0, origin=origin)
        self.shared = shared


class Code(CodeStream):
    """Jump destinations are worked out once per code, whatever the number of runs."""

    def __init__(self, code: bytes) -> None:
        super().__init__(code)
        self.jumps = _jump_destinations(code)

    def is_valid_opcode(self, position: int) -> bool:
        return position in self.jumps


@lru_cache(maxsize=256)
def _jump_destinations(code: bytes) -> frozenset[int]:
    found, at = set(), 0
    while at < len(code):
        operation = code[at]
        if operation == 0x5B:
            found.add(at)
        at += 1 + (operation - 0x5F if 0x60 <= operation <= 0x7F else 0)
    return frozenset(found)


class Computation(BaseComputation):
    """One message."""

    opcodes = OPCODES
    _precompiles = PRECOMPILES

    state: World
    transaction_context: Context

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self.code = Code(message.code)
        self.shared: Shared = transaction_context.shared
        self.factor = self.shared.factors(message.code_address) if not message.is_create else 0
        self.began_with = self._gas_meter.gas_remaining
        self.contracts_ended: list[bytes] = []

    # --- energy ---

    def charge_penalty(self) -> None:
        """The factor's part of what was used since the operation began."""
        meter = self._gas_meter
        if self.factor:
            penalty = (self.began_with - meter.gas_remaining) * self.factor // FACTOR_PRECISION
            if penalty > 0:
                self.consume_gas(penalty, "dynamic energy")
                self.shared.penalty += penalty
        self.began_with = -1  # charged: what follows is another message's

    def extend_memory(self, start_position: int, size: int) -> None:
        if size and start_position + size > MEMORY_LIMIT:
            raise OutOfMemory(f"{start_position + size} bytes of memory")
        super().extend_memory(start_position, size)

    # --- running ---

    @classmethod
    def apply_message(cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None) -> Any:
        snapshot = state.snapshot()
        if message.depth > MAX_DEPTH:
            raise StackDepthLimit("too deep")
        if message.should_transfer_value and message.value:
            if state.get_balance(message.sender) < message.value:
                raise InsufficientFunds("the balance is not sufficient")
            state.delta_balance(message.sender, -message.value)
            state.delta_balance(message.storage_address, message.value)
        done = cls.apply_computation(state, message, transaction_context, parent_computation)
        if done.is_error:
            state.revert(snapshot)
        else:
            state.commit(snapshot)
        return done

    @classmethod
    def apply_create_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        snapshot = state.snapshot()
        done = cls.apply_message(state, message, transaction_context, parent_computation)
        if not done.is_error:
            try:
                done.consume_gas(len(done.output) * CODE_DEPOSIT, "save contract code")
            except OutOfGas as error:
                done.error = error
                done.consume_gas(done.get_gas_remaining(), "save contract code")
        if done.is_error:
            state.revert(snapshot)
        else:
            state.set_code(message.storage_address, done.output)
            state.commit(snapshot)
        return done

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        with cls(state, message, transaction_context) as computation:
            if precompile := cls._precompiles.get(message.code_address):
                precompile(computation)
            else:
                computation.run()
        return computation

    def run(self) -> None:
        """Until the code ends, or breaks off with a VMError."""
        lookup, meter, shared = self.opcodes, self._gas_meter, self.shared
        for code in self.code:
            operation = lookup.get(code) or InvalidOpcode(code)
            shared.operations += 1
            if not shared.operations % LOOK_AT_CLOCK_EVERY and time.monotonic() > shared.deadline:
                raise OutOfTime("CPU timeout")
            self.began_with = meter.gas_remaining
            try:
                operation(computation=self)
            except Halt:
                self._charge_the_rest()
                break
            self._charge_the_rest()

    def _charge_the_rest(self) -> None:
        if self.factor and self.began_with >= 0:
            self.charge_penalty()

    # --- other messages ---

    def apply_child_computation(self, child_msg: Any) -> Any:
        if not child_msg.is_create:
            self.shared.count()
            self.note_internal("call", child_msg.to, child_msg.value if child_msg.should_transfer_value else 0)
        return super().apply_child_computation(child_msg)

    def note_internal(self, kind: str, to: bytes, value_sun: int) -> None:
        """Remember what this contract does to another account."""
        self.shared.internal.append(Internal(kind, self.msg.storage_address, to, value_sun, self))

    def all_ended(self) -> list[bytes]:
        """Contracts that ended themselves here and in what was called, unless it was taken back."""
        if self.is_error:
            return []
        return [*self.contracts_ended, *(each for child in self.children for each in child.all_ended())]
