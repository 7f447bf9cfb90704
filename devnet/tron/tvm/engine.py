"""One run: a message in, its outcome out. The world keeps what it changed only if it succeeded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eth import constants
from eth.exceptions import (
    FullStack,
    InsufficientFunds,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    Revert,
    VMError,
)
from eth.vm.message import Message
from eth_typing import Address

from devnet.tron.tvm.calls import TransferFailed
from devnet.tron.tvm.computation import Computation, Context, InvalidCode, OutOfMemory, OutOfTime, Shared
from devnet.tron.tvm.world import World

MAX_SECONDS = 2.0
"""How long a run may take. Block producers give 80 ms; Python takes some 50 times what they take."""


@dataclass(frozen=True)
class Log:
    """One entry, in the order of the run."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class InternalTransaction:
    """What a contract did to another account. `rejected`: it was taken back."""

    kind: str
    caller: bytes
    to: bytes
    value_sun: int
    rejected: bool


class Fault(StrEnum):
    """Why a run failed: java-tron's names of a contract result. PRECOMPILED_CONTRACT, STACK_OVERFLOW and
    JVM_STACK_OVER_FLOW do not happen here."""

    REVERT = "REVERT"
    OUT_OF_ENERGY = "OUT_OF_ENERGY"
    OUT_OF_TIME = "OUT_OF_TIME"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    ILLEGAL_OPERATION = "ILLEGAL_OPERATION"
    BAD_JUMP_DESTINATION = "BAD_JUMP_DESTINATION"
    STACK_TOO_SMALL = "STACK_TOO_SMALL"
    STACK_TOO_LARGE = "STACK_TOO_LARGE"
    INVALID_CODE = "INVALID_CODE"
    TRANSFER_FAILED = "TRANSFER_FAILED"
    UNKNOWN = "UNKNOWN"


_FAULTS: tuple[tuple[type[VMError], Fault], ...] = (
    (Revert, Fault.REVERT),
    (OutOfGas, Fault.OUT_OF_ENERGY),
    (OutOfTime, Fault.OUT_OF_TIME),
    (OutOfMemory, Fault.OUT_OF_MEMORY),
    (InvalidJumpDestination, Fault.BAD_JUMP_DESTINATION),
    (InvalidInstruction, Fault.ILLEGAL_OPERATION),
    (InsufficientStack, Fault.STACK_TOO_SMALL),
    (FullStack, Fault.STACK_TOO_LARGE),
    (InvalidCode, Fault.INVALID_CODE),
    (TransferFailed, Fault.TRANSFER_FAILED),
    (InsufficientFunds, Fault.TRANSFER_FAILED),
)


@dataclass(frozen=True)
class Outcome:
    """`fault` is None where the run succeeded. `energy_used` includes `energy_penalty`, the dynamic factor's part.

    `output` is what was returned, or the revert's data. `said` explains a fault to people.
    """

    fault: Fault | None
    energy_used: int
    energy_penalty: int
    output: bytes
    logs: tuple[Log, ...]
    internal_transactions: tuple[InternalTransaction, ...]
    said: str = ""


def call(
    world: World,
    *,
    caller: bytes,
    to: bytes,
    value_sun: int = 0,
    data: bytes = b"",
    energy_limit: int,
    txid: bytes,
    factors: Callable[[bytes], int] = lambda _: 0,
    static: bool = False,
    max_seconds: float = MAX_SECONDS,
) -> Outcome:
    """Call a contract. REVERT and TRANSFER_FAILED pay what was used; any other fault burns all of `energy_limit`.

    `txid` is where addresses of new contracts come from. `static`: nothing may be changed. `factors`: a contract's
    dynamic energy factor, what comes on top of 1, in ten thousandths.
    """
    message = Message(
        gas=energy_limit,
        to=Address(to),
        sender=Address(caller),
        value=value_sun,
        data=data,
        code=world.get_code(to),
        is_static=static,
    )
    return _run(world, Computation.apply_message, message, txid, factors, max_seconds)


def create(
    world: World,
    *,
    caller: bytes,
    address: bytes,
    value_sun: int = 0,
    code: bytes,
    energy_limit: int,
    txid: bytes,
    factors: Callable[[bytes], int] = lambda _: 0,
    max_seconds: float = MAX_SECONDS,
) -> Outcome:
    """Run `code` and keep what it returns as the code of `address`."""
    message = Message(
        gas=energy_limit,
        to=constants.CREATE_CONTRACT_ADDRESS,
        sender=Address(caller),
        value=value_sun,
        data=b"",
        code=code,
        create_address=Address(address),
    )
    return _run(world, Computation.apply_create_message, message, txid, factors, max_seconds)


def _run(
    world: World, apply: Callable[..., Any], message: Message, txid: bytes, factors: Any, max_seconds: float
) -> Outcome:
    shared = Shared(txid=txid, factors=factors, deadline=time.monotonic() + max_seconds)
    snapshot = world.snapshot()
    try:
        done = apply(world, message, Context(origin=message.sender, shared=shared))
    except VMError as refused:  # before the first operation: nothing but the limit is known
        world.revert(snapshot)
        return Outcome(_fault(refused), message.gas, 0, b"", (), (), str(refused))
    if done.is_error:
        world.revert(snapshot)
    else:
        for ended in done.all_ended():
            world.set_code(ended, b"")
        world.commit(snapshot)
    error: VMError | None = done.error if done.is_error else None
    return Outcome(
        fault=None if error is None else _fault(error),
        energy_used=message.gas - done.get_gas_remaining(),
        energy_penalty=shared.penalty,
        output=bytes(done.output) if error is None or isinstance(error, Revert) else b"",
        logs=tuple(
            Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
            for address, topics, data in done.get_log_entries()
        ),
        internal_transactions=tuple(
            InternalTransaction(each.kind, each.caller, each.to, each.value_sun, each.rejected or error is not None)
            for each in shared.internal
        ),
        said="" if error is None else ("REVERT opcode executed" if isinstance(error, Revert) else str(error)),
    )


def _fault(error: VMError) -> Fault:
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.UNKNOWN)
