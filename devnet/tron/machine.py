"""Between the chain's state and the virtual machine: one call in, one outcome out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from devnet.tron import protocol
from devnet.tron.protocol import Message
from devnet.tron.state import State

Factors = Callable[[bytes], int]  # contract -> what comes on top of 1, in ten thousandths


@dataclass(frozen=True)
class Block:
    """The block that a transaction is executed for. `witness` has 20 bytes, `chain_id` is the genesis block's id."""

    number: int
    time_ms: int
    witness: bytes
    chain_id: bytes


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
    return _run(state, block, caller, contract, value, data, energy_limit, factors(contract), creates=False)


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
    return _run(state, block, caller, contract, value, code, energy_limit, 0, creates=True)


def _run(
    state: State,
    block: Block,
    caller: bytes,
    contract: bytes,
    value: int,
    data: bytes,
    energy: int,
    factor: int,
    *,
    creates: bool,
) -> Done:
    from devnet.tron import interim

    context = interim.Context(block.number, block.time_ms // 1000, block.witness, int.from_bytes(block.chain_id[-4:]))
    limit = energy * 10_000 // (10_000 + factor)
    outcome = interim.execute(
        state, context, caller=caller, contract=contract, value=value, data=data, energy=limit, creates=creates
    )
    penalty = outcome.energy_used * factor // 10_000
    used = outcome.energy_used + penalty
    error = None
    if outcome.fault == "REVERT":
        error = "REVERT opcode executed"
    elif outcome.fault:
        used = energy
        error = "Not enough energy" if outcome.fault == "OUT_OF_ENERGY" else outcome.fault
    log = protocol.message("TransactionInfo.Log")
    return Done(
        result=outcome.fault or "SUCCESS",
        output=outcome.output if not creates or outcome.fault else outcome.output,
        energy_used=used,
        energy_penalty=penalty,
        error=error,
        logs=[log(address=address, topics=topics, data=data) for address, topics, data in outcome.logs],
    )
