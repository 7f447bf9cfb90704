"""Smart contracts on the chain: what a call may spend, what it spent and who pays for it.

actuator/src/main/java/org/tron/core/actuator/VMActuator.java and
chainbase/src/main/java/org/tron/core/capsule/ReceiptCapsule.java (payEnergyBill) of java-tron.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from devnet.tron import machine
from devnet.tron.accounts import (
    CONTRACT,
    Account,
    account,
    add_balance,
    parameter,
    resource_left,
    save,
    use_resource,
)
from devnet.tron.actuators import Head
from devnet.tron.addresses import base58_of, contract_address, on_wire, sha256
from devnet.tron.deployed import Deployed, deployed, dynamic
from devnet.tron.errors import ContractExeError, ContractValidateError
from devnet.tron.machine import Block
from devnet.tron.protocol import ContractResult, Message, SmartContract
from devnet.tron.state import State
from devnet.tron.transactions import Tx

CONSTANT_CALL_ENERGY = 100_000_000  # vm.maxEnergyLimitForConstant
RESULT_NUMBERS = {value.name: value.number for value in ContractResult.values}


@dataclass(frozen=True)
class EnergyBill:
    """Who paid a run's energy: the caller's stake, the caller's balance (sun), the contract's origin."""

    usage: int = 0
    fee: int = 0
    origin_usage: int = 0


@dataclass(frozen=True)
class Run:
    """What a run of the virtual machine left, ready for the receipt. `error` is None where it succeeded."""

    result: str
    output: bytes
    contract: bytes
    energy_used: int
    energy_penalty: int
    bill: EnergyBill = EnergyBill()
    error: str | None = None
    logs: list[Message] = field(default_factory=list)
    internal_transactions: list[Message] = field(default_factory=list)


def run(state: State, tx: Tx, head: Head, block: Block) -> Run:
    """Executes a CreateSmartContract or TriggerSmartContract and has it paid."""
    return _create(state, tx, head, block) if tx.kind == "CreateSmartContract" else _call(state, tx, head, block)


def _check_fee_limit(state: State, tx: Tx) -> None:
    most = parameter(state, "getMaxFeeLimit")
    if not 0 <= tx.fee_limit <= most:
        raise ContractValidateError(f"feeLimit must be >= 0 and <= {most}")


def _check_values(call_value: int, token_value: int) -> None:
    if call_value < 0:
        raise ContractValidateError("callValue must be >= 0")
    if token_value < 0:
        raise ContractValidateError("tokenValue must be >= 0")


def caller_energy_limit(state: State, caller: Account, fee_limit: int, call_value: int, slot: int) -> int:
    """Staked energy and what the balance buys, both within the fee limit (getAccountEnergyLimitWithFixRatio)."""
    price = parameter(state, "getEnergyFee") or 100
    left = resource_left(state, caller, "ENERGY", slot)
    bought = max(caller.balance - call_value, 0) // price
    return min(left + bought, fee_limit // price)


def _origin_energy_limit(state: State, found: Deployed, callers: int, slot: int) -> int:
    """What the contract's maker lets a caller use of its stake (getTotalEnergyLimitWithFixRatio)."""
    origin = account(state, found.origin)
    if origin is None or found.percent >= 100:
        return 0
    most = min(resource_left(state, origin, "ENERGY", slot), found.origin_energy_limit)
    if found.percent <= 0:
        return most
    return min(callers * (100 - found.percent) // found.percent, most)


def _call(state: State, tx: Tx, head: Head, block: Block) -> Run:
    call = tx.parameter
    address = bytes(call.contract_address[1:])
    found = deployed(state, address)
    if found is None:
        raise ContractValidateError("No contract or not a smart contract")
    _check_values(call.call_value, call.call_token_value)
    _check_fee_limit(state, tx)
    caller = account(state, tx.owner)
    assert caller is not None  # noqa: S101  # it has paid for bandwidth
    if call.call_value > caller.balance:
        raise ContractValidateError("Validate InternalTransfer error, balance is not sufficient.")
    limit = caller_energy_limit(state, caller, tx.fee_limit, call.call_value, head.slot)
    if found.origin != tx.owner:
        limit += _origin_energy_limit(state, found, limit, head.slot)
    done = machine.call(
        state,
        block,
        caller=tx.owner,
        contract=address,
        value=call.call_value,
        data=bytes(call.data),
        energy_limit=limit,
        txid=tx.txid,
        factors=lambda each: dynamic(state, each).factor,
    )
    bill = pay_energy(state, tx.owner, found, done.energy_used, head)
    return _as_run(done, address, bill)


def _create(state: State, tx: Tx, head: Head, block: Block) -> Run:
    sent = tx.parameter.new_contract
    if tx.parameter.owner_address != sent.origin_address:
        raise ContractValidateError("OwnerAddress is not equals OriginAddress")
    if len(sent.name.encode()) > 32:
        raise ContractValidateError("contractName's length cannot be greater than 32")
    if not 0 <= sent.consume_user_resource_percent <= 100:
        raise ContractValidateError("percent must be >= 0 and <= 100")
    address = contract_address(tx.txid, tx.owner)
    if account(state, address) is not None:
        raise ContractValidateError(f"Trying to create a contract with existing contract address: {base58_of(address)}")
    _check_fee_limit(state, tx)
    _check_values(sent.call_value, tx.parameter.call_token_value)
    if sent.origin_energy_limit <= 0:
        raise ContractValidateError("The originEnergyLimit must be > 0")
    creator = account(state, tx.owner)
    assert creator is not None  # noqa: S101  # it has paid for bandwidth
    if sent.call_value > creator.balance:
        raise ContractValidateError("Validate InternalTransfer error, balance is not sufficient.")
    limit = caller_energy_limit(state, creator, tx.fee_limit, sent.call_value, head.slot)
    state.begin()
    save(state, address, Account(kind=CONTRACT, created_ms=head.time_ms))
    done = machine.create(
        state,
        block,
        caller=tx.owner,
        contract=address,
        value=sent.call_value,
        code=bytes(sent.bytecode),
        energy_limit=limit,
        txid=tx.txid,
        factors=lambda each: dynamic(state, each).factor,
    )
    if done.error is None:
        state.put("contracts", address, _settings(tx, sent, address))
        state.commit()
    else:
        state.rollback()
    bill = pay_energy(state, tx.owner, None, done.energy_used, head)
    return _as_run(done, address, bill)


def _settings(tx: Tx, sent: Message, address: bytes) -> Deployed:
    kept = SmartContract()
    kept.CopyFrom(sent)
    kept.contract_address = on_wire(address)
    kept.trx_hash = tx.txid
    return Deployed(
        origin=tx.owner,
        percent=sent.consume_user_resource_percent,
        origin_energy_limit=sent.origin_energy_limit,
        message=kept.SerializeToString(),
    )


def _as_run(done: machine.Done, address: bytes, bill: EnergyBill) -> Run:
    return Run(
        result=done.result,
        output=done.output,
        contract=on_wire(address),
        energy_used=done.energy_used,
        energy_penalty=done.energy_penalty,
        bill=bill,
        error=done.error,
        logs=done.logs,
        internal_transactions=done.internal_transactions,
    )


def pay_energy(state: State, caller: bytes, found: Deployed | None, used: int, head: Head) -> EnergyBill:
    """The origin's share out of its stake, the rest out of the caller's stake, then its balance."""
    if used <= 0:
        return EnergyBill()
    origin_usage = 0
    if found is not None and found.origin != caller and (origin := account(state, found.origin)) is not None:
        share = used * (100 - found.percent) // 100
        left = resource_left(state, origin, "ENERGY", head.slot)
        origin_usage = min(share, left, found.origin_energy_limit)
        use_resource(state, found.origin, "ENERGY", origin_usage, head.slot, head.time_ms)
    payer = account(state, caller)
    assert payer is not None  # noqa: S101  # it has paid for bandwidth
    own = used - origin_usage
    staked = min(resource_left(state, payer, "ENERGY", head.slot), own)
    use_resource(state, caller, "ENERGY", staked, head.slot, head.time_ms)
    fee = (own - staked) * (parameter(state, "getEnergyFee") or 100)
    if not add_balance(state, caller, -fee):
        raise ContractExeError(f"{on_wire(caller).hex()} insufficient balance")
    return EnergyBill(usage=staked, fee=fee, origin_usage=origin_usage)


class RunFailure(Exception):
    """A constant call that broke off; `java` is the exception that java-tron would name."""

    def __init__(self, result: str, text: str) -> None:
        super().__init__(text)
        words = "".join(word.capitalize() for word in result.split("_"))
        self.java = f"org.tron.core.vm.program.Program${words}Exception"


def constant(state: State, call: Message, block: Block, head: Head, *, creates: bool) -> machine.Done:
    """Runs a call with the energy of constant calls, unpaid. The caller takes the changes back."""
    caller = bytes(call.owner_address[1:])
    txid = sha256(call.SerializeToString())
    if creates:
        address = contract_address(txid, caller)
        save(state, address, Account(kind=CONTRACT, created_ms=head.time_ms))
        return machine.create(
            state,
            block,
            caller=caller,
            contract=address,
            value=call.call_value,
            code=bytes(call.data),
            energy_limit=CONSTANT_CALL_ENERGY,
            txid=txid,
            factors=lambda each: dynamic(state, each).factor,
        )
    address = bytes(call.contract_address[1:])
    if deployed(state, address) is None:
        raise ContractValidateError("Smart contract is not exist.")
    return machine.call(
        state,
        block,
        caller=caller,
        contract=address,
        value=call.call_value,
        data=bytes(call.data),
        energy_limit=CONSTANT_CALL_ENERGY,
        txid=txid,
        factors=lambda each: dynamic(state, each).factor,
    )
