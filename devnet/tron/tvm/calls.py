"""What leads from one contract to another: the calls, CREATE and CREATE2.

Source: java-tron, vm/EnergyCost.java (getCalculateCallCost), vm/OperationActions.java (exeCall) and
vm/program/Program.java (callToAddress, callToPrecompiledAddress, checkTokenId, createContractImpl). A call gets the
energy that it asks for, up to all that is left; a creation gets all that is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from eth import constants
from eth._utils.address import force_bytes_to_address
from eth._utils.numeric import ceil32
from eth.exceptions import VMError, WriteProtection
from eth.vm import opcode_values as op
from eth_hash.auto import keccak

from devnet.tron.tvm.precompiles import PRECOMPILES

CALL, CALL_VALUE, CALL_STIPEND, NEW_ACCOUNT = 40, 9_000, 2_300, 25_000
CREATE = 32_000
MAX_DEPTH = 64
"""Calls within calls (Program.MAX_DEPTH)."""
MAX_LONG = (1 << 63) - 1
MIN_TOKEN_ID = 1_000_000

CALLTOKEN = 0xD0


class TransferFailed(VMError):
    """A transfer that cannot be. Unlike any other exception it leaves the caller the energy that it did not use."""

    burns_gas = False


@dataclass(frozen=True)
class Kind:
    """How one opcode calls. `here`: the other's code runs in the caller's storage, `as_is`: with its caller and value
    too."""

    name: str
    has_value: bool = False
    has_token: bool = False
    here: bool = False
    as_is: bool = False
    static: bool = False


@dataclass(frozen=True)
class _Wanted:
    """What stood on the stack."""

    energy: int
    to: bytes
    value: int
    token_id: int
    input: tuple[int, int]  # where in memory, and how much of it
    output: tuple[int, int]


def call(computation: Any, *, kind: Kind) -> None:
    """CALL, CALLCODE, DELEGATECALL, STATICCALL, CALLTOKEN."""
    wanted = _pop(computation, kind)
    given = _pay(computation, kind, wanted)
    if wanted.value and computation.msg.is_static and not kind.here:
        raise WriteProtection("Attempt to call a state modifying opcode inside STATICCALL")
    computation.return_data = b""
    energy = given + (CALL_STIPEND if wanted.value else 0)
    if computation.msg.depth >= MAX_DEPTH or not _can_pay(computation, kind, wanted, energy):
        computation.stack_push_int(0)
        computation.return_gas(energy)
        return
    child = _run(computation, kind, wanted, energy)
    computation.stack_push_int(0 if child.is_error else 1)
    if child.is_error and not child.is_revert:
        return  # whatever broke it off, the energy that it was given is gone
    start, size = wanted.output
    written = child.output[:size]
    computation.memory_write(start, len(written), written)
    computation.return_gas(child.get_gas_remaining())


def _pop(computation: Any, kind: Kind) -> _Wanted:
    energy = computation.stack_pop1_int()
    to = force_bytes_to_address(computation.stack_pop1_bytes())
    value = computation.stack_pop1_int() if kind.has_value else 0
    token_id = computation.stack_pop1_int() if kind.has_token else 0
    in_start, in_size, out_start, out_size = computation.stack_pop_ints(4)
    return _Wanted(energy, to, value, token_id, (in_start, in_size), (out_start, out_size))


def _pay(computation: Any, kind: Kind, wanted: _Wanted) -> int:
    """Takes the call's own cost, the dynamic factor's part of it, and the energy for the call, which it returns."""
    cost = CALL
    if wanted.value:
        cost += CALL_VALUE
        if not kind.here and not computation.state.account_exists(wanted.to):
            cost += NEW_ACCOUNT
    computation.consume_gas(cost, kind.name)
    computation.extend_memory(*wanted.input)
    computation.extend_memory(*wanted.output)
    computation.charge_penalty()
    given = min(wanted.energy, computation.get_gas_remaining())
    computation.consume_gas(given, kind.name)
    return given


def _can_pay(computation: Any, kind: Kind, wanted: _Wanted, energy: int) -> bool:
    """Whether the caller has what it wants to send. What may never be sent breaks the caller off."""
    try:
        if wanted.value > MAX_LONG:
            raise TransferFailed("endowment out of long range")
        if kind.has_token:
            check_token_id(wanted.token_id, below_range=TransferFailed)
            return not wanted.value  # nobody holds TRC-10 tokens on the local chain
        own = computation.msg.storage_address
        if computation.state.get_balance(own) < wanted.value:
            return False
        if wanted.value and wanted.to == own and not kind.here:
            raise TransferFailed("transfer trx failed: Cannot transfer TRX to yourself.")
    except TransferFailed:
        computation.return_gas(energy)
        raise
    return True


def check_token_id(token_id: int, *, below_range: type[VMError]) -> None:
    """Ids of TRC-10 tokens are above a million; they are read as signed numbers."""
    signed = token_id - (1 << 256) if token_id >> 255 else token_id
    text = "validateForSmartContract failure, not valid token id"
    if not -MAX_LONG - 1 <= signed <= MAX_LONG:
        raise TransferFailed(text)
    if signed <= MIN_TOKEN_ID:
        raise below_range(text)


def _run(computation: Any, kind: Kind, wanted: _Wanted, energy: int) -> Any:
    message, own = computation.msg, computation.msg.storage_address
    child_message = computation.prepare_child_message(
        gas=energy,
        to=own if kind.here else wanted.to,
        value=message.value if kind.as_is else (0 if kind.has_token else wanted.value),
        data=computation.memory_read_bytes(*wanted.input),
        code=computation.state.get_code(wanted.to),
        sender=message.sender if kind.as_is else own,
        code_address=wanted.to,
        should_transfer_value=not kind.here,
        is_static=kind.static or message.is_static,
    )
    sent = 0 if kind.as_is or kind.has_token else wanted.value
    return computation.run_other(child_message, None if wanted.to in PRECOMPILES else "call", child_message.to, sent)


# --- creating -------------------------------------------------------------------------------------------------------


def create(computation: Any) -> None:
    """The address comes from the transaction and the number of what it did before, not from a nonce of the contract."""
    value, start, size = computation.stack_pop_ints(3)
    number: int = computation.shared.numbers
    address = keccak(computation.shared.txid + number.to_bytes(8, "big"))[12:]
    _create(computation, "CREATE", (value, start, size), CREATE, lambda _: address)


def create2(computation: Any) -> None:
    """The prefix is the creator's address with its 0x41 (WalletUtil.generateContractAddress2)."""
    value, start, size, salt = computation.stack_pop_ints(4)
    prefix = b"\x41" + computation.msg.storage_address + salt.to_bytes(32, "big")
    energy = CREATE + constants.GAS_SHA3WORD * (ceil32(size) // 32)
    _create(computation, "CREATE2", (value, start, size), energy, lambda code: keccak(prefix + keccak(code))[12:])


def _create(
    computation: Any, name: str, wanted: tuple[int, int, int], cost: int, address_of: Callable[[bytes], bytes]
) -> None:
    value, start, size = wanted
    state, own = computation.state, computation.msg.storage_address
    computation.consume_gas(cost, name)
    computation.extend_memory(start, size)
    computation.charge_penalty()
    if computation.msg.is_static:
        raise WriteProtection("Attempt to call a state modifying opcode inside STATICCALL")
    computation.return_data = b""
    if computation.msg.depth >= MAX_DEPTH or state.get_balance(own) < value:
        computation.stack_push_int(0)
        return
    code = computation.memory_read_bytes(start, size)
    address = address_of(code)
    given = computation.get_gas_remaining()
    computation.consume_gas(given, name)
    if state.get_code(address):  # what it was given is gone
        computation.note_internal("create", address, value, rejected=True)
        computation.stack_push_int(0)
        return
    message = computation.prepare_child_message(
        gas=given, to=constants.CREATE_CONTRACT_ADDRESS, value=value, data=b"", code=code, create_address=address
    )
    child = computation.run_other(message, "create", address, value)
    if child.is_error:
        computation.stack_push_int(0)
    else:
        computation.stack_push_bytes(b"\x41" + address)
    if not child.is_error or child.is_revert:
        computation.return_gas(child.get_gas_remaining())


OPCODES: dict[int, Callable[[Any], Any]] = {
    op.CREATE: create,
    op.CREATE2: create2,
    op.CALL: partial(call, kind=Kind("CALL", has_value=True)),
    op.CALLCODE: partial(call, kind=Kind("CALLCODE", has_value=True, here=True)),
    op.DELEGATECALL: partial(call, kind=Kind("DELEGATECALL", here=True, as_is=True)),
    op.STATICCALL: partial(call, kind=Kind("STATICCALL", static=True)),
    CALLTOKEN: partial(call, kind=Kind("CALLTOKEN", has_value=True, has_token=True)),
}
