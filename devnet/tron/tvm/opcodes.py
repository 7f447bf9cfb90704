"""TRON's opcodes and what they cost in energy.

Source: java-tron, actuator/src/main/java/org/tron/core/vm/EnergyCost.java, OperationRegistry.java and
OperationActions.java. The table is that of Ethereum's first years (SLOAD 50, BALANCE 20), which py-evm has as
FRONTIER_OPCODES, with the later opcodes that TRON took over and its own. Where TRON differs from both:

- MLOAD, MSTORE and MSTORE8 cost 1 and the memory, CALLDATACOPY, CODECOPY and RETURNDATACOPY only words and memory.
- A slot that this transaction has written counts as set, also where it wrote 0 (Storage.java keeps the row).
- GASPRICE, GASLIMIT and DIFFICULTY are 0, BASEFEE is energy's price in sun, COINBASE has the 0x41 of an address.

Contracts are of version 0 (getAllowTvmCompatibleEvm is off): no 63/64 rule, and GASPRICE says 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth import constants
from eth._utils.address import force_bytes_to_address
from eth.exceptions import Halt, InvalidJumpDestination, VMError
from eth.vm import mnemonics
from eth.vm import opcode_values as op
from eth.vm.forks.byzantium.opcodes import ensure_no_static
from eth.vm.forks.frontier.opcodes import FRONTIER_OPCODES
from eth.vm.logic import arithmetic, block, context, logging, memory, stack, system
from eth.vm.opcode import as_opcode

from devnet.tron.tvm import calls
from devnet.tron.tvm.calls import NEW_ACCOUNT, check_token_id

SLOAD, SSTORE_SET, SSTORE_RESET = 50, 20_000, 5_000
MEMORY_ACCESS, COPY = 1, 0
BALANCE, EXTCODEHASH, TRANSIENT, SUICIDE = 20, 400, 100, 5_000

TOKENBALANCE, CALLTOKENVALUE, CALLTOKENID, ISCONTRACT = 0xD1, 0xD2, 0xD3, 0xD4
BLOBHASH, BLOBBASEFEE = 0x49, 0x4A

Operation = Callable[[Any], Any]


def sload(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    computation.stack_push_int(computation.state.get_storage(computation.msg.storage_address, slot))


def sstore(computation: Any) -> None:
    slot, value = computation.stack_pop_ints(2)
    address, state, written = computation.msg.storage_address, computation.state, computation.shared.written
    fresh = value and (address, slot) not in written and not state.get_storage(address, slot)
    computation.consume_gas(SSTORE_SET if fresh else SSTORE_RESET, mnemonics.SSTORE)
    state.set_storage(address, slot, value)
    written[(address, slot)] = None


def tload(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    computation.stack_push_int(computation.shared.transient.get((computation.msg.storage_address, slot), 0))


def tstore(computation: Any) -> None:
    slot, value = computation.stack_pop_ints(2)
    computation.shared.transient[(computation.msg.storage_address, slot)] = value


def jump(computation: Any) -> None:
    _jump_to(computation, computation.stack_pop1_int())


def jumpi(computation: Any) -> None:
    destination, condition = computation.stack_pop_ints(2)
    if condition:
        _jump_to(computation, destination)


def _jump_to(computation: Any, destination: int) -> None:
    code = computation.code
    if destination not in code.jumps:
        shown = destination if destination < 1 << 32 else -1  # verifyJumpDest of Program.java
        raise InvalidJumpDestination(f"Operation with pc isn't 'JUMPDEST': PC[{shown}];")
    code.program_counter = destination


def coinbase(computation: Any) -> None:
    computation.stack_push_bytes(b"\x41" + computation.state.coinbase)


def token_balance(computation: Any) -> None:
    """Nobody holds TRC-10 tokens on the local chain."""
    token_id, _holder = computation.stack_pop_ints(2)
    check_token_id(token_id, below_range=VMError)
    computation.stack_push_int(0)


def is_contract(computation: Any) -> None:
    address = force_bytes_to_address(computation.stack_pop1_bytes())
    computation.stack_push_int(int(bool(computation.state.get_code(address))))


def push_zero(computation: Any) -> None:
    computation.stack_push_int(0)


def blob_hash(computation: Any) -> None:
    """TRON has no blobs."""
    computation.stack_pop1_int()
    computation.stack_push_int(0)


def suicide(computation: Any) -> None:
    """Program.suicide2: a contract ends only in the transaction that made it, else it gives its TRX away and stays."""
    heir = force_bytes_to_address(computation.stack_pop1_bytes())
    state, own = computation.state, computation.msg.storage_address
    computation.consume_gas(SUICIDE + (0 if state.account_exists(heir) else NEW_ACCOUNT), "SUICIDE")
    balance = state.get_balance(own)
    computation.note_internal("suicide", heir, balance)
    ends = own in computation.shared.made
    if heir != own:
        state.delta_balance(heir, balance)
    if heir != own or ends:  # what an ending contract leaves to itself is burnt
        state.set_balance(own, 0)
    if ends:
        computation.contracts_ended.append(own)
    raise Halt("SUICIDE")


# --- the table ------------------------------------------------------------------------------------------------------


def _plain(logic: Callable[..., Any], name: str, energy: int) -> Operation:
    made: Operation = as_opcode(logic_fn=logic, mnemonic=name, gas_cost=energy)
    return made


_LOGS = {
    op.LOG0 + topics: _plain(ensure_no_static(getattr(logging, f"log{topics}")), f"LOG{topics}", constants.GAS_LOG)
    for topics in range(5)
}
OPCODES: dict[int, Operation] = {
    **FRONTIER_OPCODES,
    **_LOGS,
    **calls.OPCODES,
    op.MLOAD: _plain(memory.mload, mnemonics.MLOAD, MEMORY_ACCESS),
    op.MSTORE: _plain(memory.mstore, mnemonics.MSTORE, MEMORY_ACCESS),
    op.MSTORE8: _plain(memory.mstore8, mnemonics.MSTORE8, MEMORY_ACCESS),
    op.CALLDATACOPY: _plain(context.calldatacopy, mnemonics.CALLDATACOPY, COPY),
    op.CODECOPY: _plain(context.codecopy, mnemonics.CODECOPY, COPY),
    op.RETURNDATACOPY: _plain(context.returndatacopy, mnemonics.RETURNDATACOPY, COPY),
    op.RETURNDATASIZE: _plain(context.returndatasize, mnemonics.RETURNDATASIZE, constants.GAS_BASE),
    op.SLOAD: _plain(sload, mnemonics.SLOAD, SLOAD),
    op.SSTORE: _plain(ensure_no_static(sstore), mnemonics.SSTORE, 0),
    op.TLOAD: _plain(tload, mnemonics.TLOAD, TRANSIENT),
    op.TSTORE: _plain(ensure_no_static(tstore), mnemonics.TSTORE, TRANSIENT),
    op.MCOPY: _plain(memory.mcopy, mnemonics.MCOPY, constants.GAS_VERYLOW),
    op.JUMP: _plain(jump, mnemonics.JUMP, constants.GAS_MID),
    op.JUMPI: _plain(jumpi, mnemonics.JUMPI, constants.GAS_HIGH),
    op.SHL: _plain(arithmetic.shl, mnemonics.SHL, constants.GAS_VERYLOW),
    op.SHR: _plain(arithmetic.shr, mnemonics.SHR, constants.GAS_VERYLOW),
    op.SAR: _plain(arithmetic.sar, mnemonics.SAR, constants.GAS_VERYLOW),
    op.PUSH0: _plain(stack.push0, "PUSH0", constants.GAS_BASE),
    op.COINBASE: _plain(coinbase, mnemonics.COINBASE, constants.GAS_BASE),
    op.CHAINID: _plain(context.chain_id, mnemonics.CHAINID, constants.GAS_BASE),
    op.SELFBALANCE: _plain(context.selfbalance, mnemonics.SELFBALANCE, constants.GAS_LOW),
    op.BASEFEE: _plain(block.basefee, mnemonics.BASEFEE, constants.GAS_BASE),
    op.EXTCODEHASH: _plain(context.extcodehash, mnemonics.EXTCODEHASH, EXTCODEHASH),
    op.REVERT: _plain(system.revert, mnemonics.REVERT, 0),
    op.SELFDESTRUCT: _plain(ensure_no_static(suicide), "SUICIDE", 0),
    BLOBHASH: _plain(blob_hash, "BLOBHASH", constants.GAS_VERYLOW),
    BLOBBASEFEE: _plain(push_zero, "BLOBBASEFEE", constants.GAS_BASE),
    TOKENBALANCE: _plain(token_balance, "TOKENBALANCE", BALANCE),
    CALLTOKENVALUE: _plain(push_zero, "CALLTOKENVALUE", constants.GAS_BASE),
    CALLTOKENID: _plain(push_zero, "CALLTOKENID", constants.GAS_BASE),
    ISCONTRACT: _plain(is_contract, "ISCONTRACT", BALANCE),
}
"""0xd5 to 0xdf (staking, voting and delegating by contracts) are illegal operations on the local chain."""
