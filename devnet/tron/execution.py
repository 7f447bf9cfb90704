"""What a transaction does to the state, what it costs, and its receipt.

Manager.processTransaction, TransactionTrace.java, TransactionUtil.buildTransactionInfoInstance of java-tron.
"""

from __future__ import annotations

from dataclasses import dataclass

from devnet.tron import contracts
from devnet.tron.accounts import account, add_balance, parameter, pay_bandwidth
from devnet.tron.actuators import ACTUATORS, Head, Result
from devnet.tron.contracts import Run
from devnet.tron.errors import ContractValidateError, ResourceInsufficientError, TooBigTransactionError
from devnet.tron.machine import Block
from devnet.tron.protocol import Message, TransactionInfo
from devnet.tron.state import State
from devnet.tron.transactions import RESULT_ALLOWANCE, Tx

VM_CONTRACTS = ("TriggerSmartContract", "CreateSmartContract")


@dataclass(frozen=True)
class Executed:
    """A transaction's receipt without its block, and the name of its result."""

    info: Message
    result: str


def validate(state: State, tx: Tx, head: Head) -> None:
    """What a node checks before it offers or takes a transaction that needs no virtual machine."""
    actuator = ACTUATORS.get(tx.kind)
    if actuator is None:
        raise ContractValidateError(f"contract type error, this local node has no {tx.kind or 'contract'}")
    actuator[0](state, tx.parameter, head)


def execute(state: State, tx: Tx, head: Head, block: Block) -> Executed:
    """Changes the state; raises `Refused` for what may not be in a block. The caller takes the changes back then."""
    if tx.parameter is None:
        raise ContractValidateError(f"contract type error, this local node has no {tx.kind}")
    info = TransactionInfo(id=tx.txid)
    creates = _creates_account(state, tx)
    largest = parameter(state, "getMaxCreateAccountTxSize")
    if creates and tx.size > largest:
        raise TooBigTransactionError(
            f"Too big new account transaction, TxId {tx.txid.hex()}, the size is {tx.size} bytes, maxTxSize {largest}"
        )
    bill = pay_bandwidth(
        state,
        tx.owner,
        tx.size + RESULT_ALLOWANCE,
        creates_account=creates,
        now=head.slot,
        time_ms=head.time_ms,
    )
    info.receipt.net_usage, info.receipt.net_fee = bill.usage, bill.fee
    memo_fee = _pay_memo(state, tx)
    if tx.kind in VM_CONTRACTS:
        run = contracts.run(state, tx, head, block)
        result, fee = _describe_run(info, run), 0
    else:
        validate(state, tx, head)
        done = ACTUATORS[tx.kind][1](state, tx.parameter, head)
        _describe_result(info, done)
        result, fee = "SUCCESS", done.fee
    info.fee = fee + info.receipt.energy_fee + info.receipt.net_fee + memo_fee
    return Executed(info, result)


def _creates_account(state: State, tx: Tx) -> bool:
    """BandwidthProcessor.contractCreateNewAccount."""
    if tx.kind == "AccountCreateContract":
        return True
    return tx.kind == "TransferContract" and account(state, bytes(tx.parameter.to_address[1:])) is None


def _pay_memo(state: State, tx: Tx) -> int:
    """Manager.consumeMemoFee, in sun."""
    fee = parameter(state, "getMemoFee")
    if not tx.raw.data or not fee:
        return 0
    if not add_balance(state, tx.owner, -fee):
        raise ResourceInsufficientError(f"account [{tx.owner.hex()}] insufficient balance[{fee}] to memo fee")
    return fee


def _describe_result(info: Message, done: Result) -> None:
    info.contractResult.append(b"")
    info.withdraw_expire_amount = done.withdraw_expire_amount
    for name, amount in done.cancel_unfreeze.items():
        info.cancel_unfreezeV2_amount[name] = amount


def _describe_run(info: Message, run: Run) -> str:
    info.contractResult.append(run.output)
    info.contract_address = run.contract
    receipt = info.receipt
    receipt.energy_usage, receipt.energy_fee = run.bill.usage, run.bill.fee
    receipt.origin_energy_usage, receipt.energy_usage_total = run.bill.origin_usage, run.energy_used
    receipt.energy_penalty_total = run.energy_penalty
    receipt.result = contracts.RESULT_NUMBERS[run.result]
    if run.error is not None:
        info.result = 1  # FAILED
        info.resMessage = run.error.encode()
    for log in run.logs:
        info.log.append(log)
    for each in run.internal_transactions:
        info.internal_transactions.append(each)
    return run.result
