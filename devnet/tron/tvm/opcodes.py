"""TRON's opcodes and what they cost in energy.

Source: java-tron, actuator/src/main/java/org/tron/core/vm/EnergyCost.java and OperationRegistry.java. The table is that
of Ethereum's first years (SLOAD 50, CALL 40, BALANCE 20), which py-evm has as FRONTIER_OPCODES, with the later opcodes
that TRON took over and its own. A contract of version 0, as all of them are, gives a call all the energy that it asks
for: there is no 63/64 rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth import constants
from eth._utils.address import force_bytes_to_address
from eth._utils.numeric import ceil32
from eth.abc import OpcodeAPI
from eth.exceptions import InsufficientFunds, WriteProtection
from eth.vm import mnemonics
from eth.vm import opcode_values as op
from eth.vm.forks.byzantium.opcodes import ensure_no_static
from eth.vm.forks.frontier.opcodes import FRONTIER_OPCODES
from eth.vm.logic import arithmetic, block, call, context, logging, memory, stack, system
from eth.vm.opcode import as_opcode
from eth_hash.auto import keccak

SLOAD, SSTORE_SET, SSTORE_RESET = 50, 20_000, 5_000
CALL, CALL_VALUE, CALL_STIPEND, NEW_ACCOUNT = 40, 9_000, 2_300, 25_000
CREATE, CODE_DEPOSIT = 32_000, 200
EXTCODEHASH, TRANSIENT, TOKEN_BALANCE, IS_CONTRACT = 400, 100, 20, 20
MAX_DEPTH = 64
"""Calls within calls (Program.MAX_DEPTH of java-tron)."""

CALLTOKEN, TOKENBALANCE, CALLTOKENVALUE, CALLTOKENID, ISCONTRACT = 0xD0, 0xD1, 0xD2, 0xD3, 0xD4

constants.STACK_DEPTH_LIMIT = MAX_DEPTH  # py-evm's calls look it up there; this process runs nothing but TRON's


def sload(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    computation.stack_push_int(computation.state.get_storage(computation.msg.storage_address, slot))


def sstore(computation: Any) -> None:
    slot, value = computation.stack_pop_ints(2)
    address, state = computation.msg.storage_address, computation.state
    fresh = value and not state.get_storage(address, slot)
    computation.consume_gas(SSTORE_SET if fresh else SSTORE_RESET, mnemonics.SSTORE)
    state.set_storage(address, slot, value)


def token_balance(computation: Any) -> None:
    """TRC-10 tokens: there are none on the local chain."""
    computation.stack_pop_ints(2)
    computation.stack_push_int(0)


def is_contract(computation: Any) -> None:
    address = force_bytes_to_address(computation.stack_pop1_bytes())
    computation.stack_push_int(int(bool(computation.state.get_code(address))))


def push_zero(computation: Any) -> None:
    computation.stack_push_int(0)


def tload(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    value = computation.state.get_transient_storage(computation.msg.storage_address, slot)
    computation.stack_push_bytes(value)


def tstore(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    value = computation.stack_pop1_bytes()
    computation.state.set_transient_storage(computation.msg.storage_address, slot, value)


def suicide(computation: Any) -> None:
    heir = force_bytes_to_address(computation.stack_pop1_bytes())
    state, own = computation.state, computation.msg.storage_address
    balance = state.get_balance(own)
    if balance and not state.account_exists(heir):
        computation.consume_gas(constants.GAS_SELFDESTRUCT_NEWACCOUNT, mnemonics.SELFDESTRUCT)
    computation.note_internal("suicide", heir, balance)
    if heir != own:
        state.delta_balance(heir, balance)
        state.set_balance(own, 0)
    computation.contracts_ended.append(own)
    raise system.Halt("SUICIDE")


# --- calls ----------------------------------------------------------------------------------------------------------


class _TronCall:
    """Before a call gets its energy, its own cost is known, and the dynamic factor's part of it is charged."""

    mnemonic: str

    def compute_msg_gas(self, computation: Any, gas: int, to: bytes, value: int) -> tuple[int, int]:
        extra = self.compute_msg_extra_gas(computation, gas, to, value)  # type: ignore[attr-defined]
        computation.consume_gas(extra, self.mnemonic)
        computation.charge_penalty()
        given = min(gas, computation.get_gas_remaining())
        return given + (CALL_STIPEND if value and self.stipend else 0), given

    stipend = True


class Call(_TronCall, call.CallByzantium):
    """A new account is paid for only if value goes to it (EnergyCost.getCallCost)."""


class CallCode(_TronCall, call.CallCode):
    pass


class DelegateCall(_TronCall, call.DelegateCall):
    stipend = False


class StaticCall(_TronCall, call.StaticCall):
    pass


class CallToken(Call):
    """A call that may send TRC-10 tokens. There are none on the local chain, so it can send 0 of them."""

    def get_call_params(self, computation: Any) -> Any:
        gas = computation.stack_pop1_int()
        to = force_bytes_to_address(computation.stack_pop1_bytes())
        value, _token, *memory_places = computation.stack_pop_ints(6)
        if value:
            raise InsufficientFunds("no TRC-10 token is held by anybody")
        return (gas, 0, to, None, None, *memory_places, False, computation.msg.is_static)


# --- creating -------------------------------------------------------------------------------------------------------


class Create(system.Create):
    """All energy that is left goes along; the address comes from the transaction, not from a nonce of the contract."""

    def generate_contract_address(self, stack_data: Any, call_data: bytes, computation: Any) -> bytes:
        number = computation.shared.count()
        return keccak(computation.shared.txid + number.to_bytes(8, "big"))[12:]

    def __call__(self, computation: Any) -> None:
        if computation.msg.is_static:
            raise WriteProtection("CREATE in a static call")
        data = self.get_stack_data(computation)
        computation.consume_gas(self.get_gas_cost(data), self.mnemonic)
        computation.extend_memory(data.memory_start, data.memory_length)
        computation.charge_penalty()
        computation.return_data = b""
        state, own = computation.state, computation.msg.storage_address
        too_deep = computation.msg.depth + 1 > MAX_DEPTH
        if too_deep or state.get_balance(own) < data.endowment:
            computation.stack_push_int(0)
            return
        code = computation.memory_read_bytes(data.memory_start, data.memory_length)
        address = self.generate_contract_address(data, code, computation)
        given = computation.get_gas_remaining()
        computation.consume_gas(given, self.mnemonic)
        computation.note_internal("create", address, data.endowment)
        if state.get_code(address):
            computation.stack_push_int(0)
            return
        child_message = computation.prepare_child_message(
            gas=given,
            to=constants.CREATE_CONTRACT_ADDRESS,
            value=data.endowment,
            data=b"",
            code=code,
            create_address=address,
        )
        child = computation.apply_child_computation(child_message)
        if child.is_error:
            computation.stack_push_int(0)
        else:
            computation.stack_push_bytes(address)
        computation.return_gas(child.get_gas_remaining())


class Create2(Create):
    """The address's prefix is the creator's own with 0x41 in front (WalletUtil.generateContractAddress2)."""

    def get_stack_data(self, computation: Any) -> system.CreateOpcodeStackData:
        endowment, start, length, salt = computation.stack_pop_ints(4)
        return system.CreateOpcodeStackData(endowment, start, length, salt)

    def get_gas_cost(self, data: system.CreateOpcodeStackData) -> int:
        return CREATE + constants.GAS_SHA3WORD * (ceil32(data.memory_length) // 32)

    def generate_contract_address(self, stack_data: Any, call_data: bytes, computation: Any) -> bytes:
        computation.shared.count()
        salt = stack_data.salt.to_bytes(32, "big")
        return keccak(b"\x41" + computation.msg.storage_address + salt + keccak(call_data))[12:]


# --- the table ------------------------------------------------------------------------------------------------------


def _plain(logic: Callable[..., Any], name: str, energy: int) -> OpcodeAPI:
    return as_opcode(logic_fn=logic, mnemonic=name, gas_cost=energy)


_LOGS = {
    op.LOG0 + topics: _plain(ensure_no_static(getattr(logging, f"log{topics}")), f"LOG{topics}", constants.GAS_LOG)
    for topics in range(5)
}
OPCODES: dict[int, OpcodeAPI] = {
    **FRONTIER_OPCODES,
    **_LOGS,
    op.SLOAD: _plain(sload, mnemonics.SLOAD, SLOAD),
    op.SSTORE: _plain(ensure_no_static(sstore), mnemonics.SSTORE, 0),
    op.CALL: Call.configure(__name__="CALL", mnemonic=mnemonics.CALL, gas_cost=CALL)(),
    CALLTOKEN: CallToken.configure(__name__="CALLTOKEN", mnemonic="CALLTOKEN", gas_cost=CALL)(),
    op.CALLCODE: CallCode.configure(__name__="CALLCODE", mnemonic=mnemonics.CALLCODE, gas_cost=CALL)(),
    op.DELEGATECALL: DelegateCall.configure(__name__="DELEGATECALL", mnemonic=mnemonics.DELEGATECALL, gas_cost=CALL)(),
    op.STATICCALL: StaticCall.configure(__name__="STATICCALL", mnemonic=mnemonics.STATICCALL, gas_cost=CALL)(),
    op.CREATE: Create.configure(__name__="CREATE", mnemonic=mnemonics.CREATE, gas_cost=CREATE)(),
    op.CREATE2: Create2.configure(__name__="CREATE2", mnemonic=mnemonics.CREATE2, gas_cost=CREATE)(),
    op.SELFDESTRUCT: _plain(ensure_no_static(suicide), "SUICIDE", 0),
    op.REVERT: _plain(system.revert, mnemonics.REVERT, 0),
    op.RETURNDATASIZE: _plain(context.returndatasize, mnemonics.RETURNDATASIZE, constants.GAS_BASE),
    op.RETURNDATACOPY: _plain(context.returndatacopy, mnemonics.RETURNDATACOPY, constants.GAS_VERYLOW),
    op.SHL: _plain(arithmetic.shl, mnemonics.SHL, constants.GAS_VERYLOW),
    op.SHR: _plain(arithmetic.shr, mnemonics.SHR, constants.GAS_VERYLOW),
    op.SAR: _plain(arithmetic.sar, mnemonics.SAR, constants.GAS_VERYLOW),
    op.EXTCODEHASH: _plain(context.extcodehash, mnemonics.EXTCODEHASH, EXTCODEHASH),
    op.CHAINID: _plain(context.chain_id, mnemonics.CHAINID, constants.GAS_BASE),
    op.SELFBALANCE: _plain(context.selfbalance, mnemonics.SELFBALANCE, constants.GAS_LOW),
    op.BASEFEE: _plain(block.basefee, mnemonics.BASEFEE, constants.GAS_BASE),
    op.PUSH0: _plain(stack.push0, "PUSH0", constants.GAS_BASE),
    op.MCOPY: _plain(memory.mcopy, mnemonics.MCOPY, constants.GAS_VERYLOW),
    op.TLOAD: _plain(tload, mnemonics.TLOAD, TRANSIENT),
    op.TSTORE: _plain(ensure_no_static(tstore), mnemonics.TSTORE, TRANSIENT),
    TOKENBALANCE: _plain(token_balance, "TOKENBALANCE", TOKEN_BALANCE),
    CALLTOKENVALUE: _plain(push_zero, "CALLTOKENVALUE", constants.GAS_BASE),
    CALLTOKENID: _plain(push_zero, "CALLTOKENID", constants.GAS_BASE),
    ISCONTRACT: _plain(is_contract, "ISCONTRACT", IS_CONTRACT),
}
"""0xd5 to 0xde (voting and staking by contracts) are not here: they are illegal operations on the local chain."""
