"""One message of a run: py-evm's computation with TRON's energy, limits and internal transactions.

The dynamic energy model raises what each operation itself costs, without the energy that a call hands on, by the factor
of the contract in whose storage the code runs, rounded down operation by operation (java-tron, vm/VM.java and
Program.updateContextContractFactor). Here that part is taken right after an operation, of calls and creations right
before the other message begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from eth.exceptions import FullStack, Halt, InsufficientFunds, InvalidInstruction, Revert, VMError
from eth.vm.code_stream import CodeStream
from eth.vm.computation import BaseComputation
from eth.vm.opcode import _FastOpcode
from eth.vm.opcode_values import DUP1, DUP16, JUMPDEST, PUSH0, PUSH1, PUSH32, STOP, SWAP1, SWAP16
from eth.vm.transaction_context import BaseTransactionContext
from eth_typing import Address

from devnet.tron.tvm.opcodes import OPCODES
from devnet.tron.tvm.precompiles import PRECOMPILES

MEMORY_LIMIT = 3 * 1024 * 1024
"""Bytes (EnergyCost.MEM_LIMIT of java-tron)."""
CODE_DEPOSIT = 200
"""Energy for each byte of a new contract's code; the dynamic factor does not raise it (VMActuator.java)."""

FACTOR_PRECISION = 10_000
STACK_WORDS = 1024
LOOK_AT_CLOCK_EVERY = 512  # operations


class OutOfMemory(VMError):
    """More memory than a contract may have."""


class OutOfTime(VMError):
    """The run took longer than a block producer gives it. Ends the whole run, whichever contract was at it."""


class InvalidCode(VMError):
    """A deployment that returned code which begins with 0xef."""


@dataclass
class Internal:
    """What a contract did to another account. `rejected`: it was taken back."""

    kind: str  # call, create, suicide
    caller: bytes
    to: bytes
    value_sun: int
    rejected: bool = False


@dataclass
class Shared:
    """What all messages of a run have in common. `factors`: what comes on top of 1, in ten thousandths.

    `written`: the slots that the run has written, in order. `made`: the contracts that it made.
    """

    txid: bytes
    factors: Callable[[bytes], int]
    deadline: float
    internal: list[Internal] = field(default_factory=list)
    penalty: int = 0
    numbers: int = 0
    operations: int = 0
    written: dict[tuple[bytes, int], None] = field(default_factory=dict)
    transient: dict[tuple[bytes, int], int] = field(default_factory=dict)
    made: set[bytes] = field(default_factory=set)


class Context(BaseTransactionContext):
    """py-evm's, with what a run shares. GASPRICE is 0."""

    def __init__(self, *, origin: bytes, shared: Shared) -> None:
        super().__init__(gas_price=0, origin=Address(origin))
        self.shared = shared


def _taken_apart(operation: Any) -> tuple[Callable[[Any], None], int, str]:
    """What an operation does, what it costs before that, and its name: py-evm's simple ones are such a triple."""
    if isinstance(operation, _FastOpcode):
        return operation.logic_fn, operation.gas_cost, operation.mnemonic
    return operation, 0, ""


_TABLE = [_taken_apart(OPCODES[code]) if code in OPCODES else None for code in range(256)]


class Code(CodeStream):
    """What its bytes say is worked out once per code, whatever the number of runs."""

    def __init__(self, code: bytes) -> None:
        super().__init__(code)
        self.raw = code
        self.jumps, self.pushes = _read_once(code)


@lru_cache(maxsize=256)
def _read_once(code: bytes) -> tuple[frozenset[int], dict[int, int]]:
    """Where a jump may go, and what each PUSH1 to PUSH32 pushes, by its place."""
    jumps, pushes, at = set(), {}, 0
    while at < len(code):
        operation = code[at]
        if operation == JUMPDEST:
            jumps.add(at)
        size = operation - PUSH0 if PUSH1 <= operation <= PUSH32 else 0
        if size:
            pushes[at] = int.from_bytes(code[at + 1 : at + 1 + size].ljust(size, b"\0"))
        at += 1 + size
    return frozenset(jumps), pushes


class Computation(BaseComputation):
    """One message."""

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self.code = Code(message.code)
        self.shared: Shared = transaction_context.shared
        self.factor = self.shared.factors(message.storage_address)
        self.began_with: int | None = None  # energy before the operation; None: its penalty has been charged
        self.contracts_ended: list[bytes] = []

    @property
    def is_revert(self) -> bool:
        return self.is_error and isinstance(self.error, Revert)

    # --- energy ---

    def charge_penalty(self) -> None:
        """The factor's part of what the operation has used so far. What it uses later is another message's."""
        if not self.factor or self.began_with is None:
            return
        used = self.began_with - self._gas_meter.gas_remaining
        self.began_with = None
        penalty = used * self.factor // FACTOR_PRECISION
        self.consume_gas(penalty, "dynamic energy")
        self.shared.penalty += penalty

    def extend_memory(self, start_position: int, size: int) -> None:
        if size and start_position + size > MEMORY_LIMIT:
            raise OutOfMemory("Out of Memory: a contract may have 3 MB")
        super().extend_memory(start_position, size)

    # --- running ---

    @classmethod
    def apply_message(cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None) -> Any:
        value = message.value if message.should_transfer_value else 0
        if value and state.get_balance(message.sender) < value:
            raise InsufficientFunds("Validate InternalTransfer error, balance is not sufficient.")
        shared: Shared = transaction_context.shared
        snapshot, written, transient = state.snapshot(), len(shared.written), dict(shared.transient)
        if value:
            state.delta_balance(message.sender, -value)
            state.delta_balance(message.storage_address, value)
        done = cls.apply_computation(state, message, transaction_context, parent_computation)
        if done.is_error:
            state.revert(snapshot)
            shared.transient = transient
            while len(shared.written) > written:
                shared.written.popitem()
        else:
            state.commit(snapshot)
        return done

    @classmethod
    def apply_create_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        transaction_context.shared.made.add(message.storage_address)
        snapshot = state.snapshot()
        done = cls.apply_message(state, message, transaction_context, parent_computation)
        if not done.is_error:
            try:
                if done.output[:1] == b"\xef":
                    raise InvalidCode("invalid code: must not begin with 0xef")
                done.consume_gas(len(done.output) * CODE_DEPOSIT, "save just created contract code")
            except VMError as error:
                done.error = error
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
        computation: Any = cls(state, message, transaction_context)
        with computation:  # which catches a VMError, and has it as `error` from then on
            if not message.is_create and (precompile := PRECOMPILES.get(message.code_address)):
                precompile(computation)
            else:
                computation.run()
        return computation

    def run(self) -> None:  # noqa: C901  # one loop: a method per case would cost the call that it saves
        """Until the code ends, or breaks off with a VMError.

        Nearly all of a node's time passes here. So what py-evm does around an operation (a generator over the code, an
        object that is called and that charges the energy) is written out; so are `charge_penalty` and the operations
        that only move words on the stack, which are two of three.
        """
        meter, shared, factor = self._gas_meter, self.shared, self.factor
        stream: Any = self.code
        stack: Any = self._stack
        raw, length, pushes, words = stream.raw, len(stream.raw), stream.pushes, stack.values
        while True:
            at = stream.program_counter
            code = raw[at] if at < length else STOP
            stream.program_counter = at + 1
            if not shared.operations % LOOK_AT_CLOCK_EVERY and time.monotonic() >= shared.deadline:
                raise OutOfTime("CPU timeout")  # uncounted, so that whoever called this one looks again, and ends too
            shared.operations += 1
            known = _TABLE[code]
            if known is None:
                raise InvalidInstruction(f"Invalid operation code: opCode[{code:02x}];")
            operation, cost, name = known
            self.began_with = before = meter.gas_remaining
            if cost > before:
                meter.consume_gas(cost, name)  # which raises OutOfGas
            meter.gas_remaining = before - cost
            if PUSH1 <= code <= PUSH32:
                if len(words) >= STACK_WORDS:
                    raise FullStack("Stack limit reached")
                words.append(pushes[at])
                stream.program_counter = at + 1 + code - PUSH0
            elif DUP1 <= code <= DUP16:
                stack.dup(code - DUP1 + 1)
            elif SWAP1 <= code <= SWAP16:
                stack.swap(code - SWAP1 + 1)
            else:
                try:
                    operation(self)
                except Halt:
                    self.charge_penalty()
                    break
                except Revert:
                    self.charge_penalty()
                    raise
            if factor and self.began_with is not None:
                penalty = (before - meter.gas_remaining) * factor // FACTOR_PRECISION
                if penalty > meter.gas_remaining:
                    meter.consume_gas(penalty, "dynamic energy")  # likewise
                meter.gas_remaining -= penalty
                shared.penalty += penalty

    # --- other messages ---

    def run_other(self, message: Any, kind: str | None, to: bytes, value_sun: int) -> Any:
        """Runs a call or a creation of this contract. `kind` None: it is not noted, as with precompiled contracts."""
        first = len(self.shared.internal)
        if kind is not None:
            self.note_internal(kind, to, value_sun)
        child = self.apply_child_computation(message)
        if child.is_error:
            for each in self.shared.internal[first:]:
                each.rejected = True
        return child

    def note_internal(self, kind: str, to: bytes, value_sun: int, *, rejected: bool = False) -> None:
        """Remember, and count, what this contract does to another account."""
        self.shared.numbers += 1
        self.shared.internal.append(Internal(kind, self.msg.storage_address, to, value_sun, rejected))

    def all_ended(self) -> list[bytes]:
        """Contracts that ended themselves here and in what was called, unless it was taken back."""
        if self.is_error:
            return []
        children: list[Any] = self.children
        return [*self.contracts_ended, *(each for child in children for each in child.all_ended())]
