"""Between the chain's state and the virtual machine: one call in, one outcome out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from devnet.tron.errors import ContractValidateError
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
    raise ContractValidateError("No contract or not a smart contract")


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
    raise ContractValidateError("vm work is off, need to be opened by the committee")
