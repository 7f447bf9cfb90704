"""The contracts that need no virtual machine: check, then act. One pair per type, messages as java-tron's.

actuator/src/main/java/org/tron/core/actuator/{Transfer,CreateAccount,FreezeBalanceV2,UnfreezeBalanceV2,
WithdrawExpireUnfreeze,CancelAllUnfreezeV2,DelegateResource,UnDelegateResource}Actuator.java.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from devnet.tron.accounts import (
    CONTRACT,
    TRX,
    Account,
    Reader,
    Resource,
    Stake,
    Unfreezing,
    account,
    add_balance,
    parameter,
    property_,
    recovered,
    save,
)
from devnet.tron.delegation import check_delegation, check_undelegation, delegate, undelegate
from devnet.tron.errors import ContractExeError, ContractValidateError
from devnet.tron.protocol import Message
from devnet.tron.state import State

DAY_MS = 86_400_000
UNFREEZE_MAX_TIMES = 32
RESOURCES: dict[int, Resource] = {0: "BANDWIDTH", 1: "ENERGY"}


@dataclass
class Result:
    """What an actuator leaves in the transaction's result, in sun."""

    fee: int = 0
    withdraw_expire_amount: int = 0
    cancel_unfreeze: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """The newest block, on which a transaction builds: its time in ms, and in slots of 3 s since the genesis block."""

    number: int
    time_ms: int

    @property
    def slot(self) -> int:
        return self.time_ms // 3_000


def valid_address(address: bytes) -> bool:
    return len(address) == 21 and address[0] == 0x41


def existing(state: State, address: bytes) -> Account:
    """The owner's account; `address` has the prefix."""
    if not valid_address(address):
        raise ContractValidateError("Invalid address")
    found = account(state, address[1:])
    if found is None:
        raise ContractValidateError(f"Account[{address.hex()}] does not exist")
    return found


def check_transfer(state: State, contract: Message, head: Head) -> None:
    owner, to = contract.owner_address, contract.to_address
    if not valid_address(owner):
        raise ContractValidateError("Invalid ownerAddress!")
    if not valid_address(to):
        raise ContractValidateError("Invalid toAddress!")
    if owner == to:
        raise ContractValidateError("Cannot transfer TRX to yourself.")
    payer = account(state, owner[1:])
    if payer is None:
        raise ContractValidateError("Validate TransferContract error, no OwnerAccount.")
    if contract.amount <= 0:
        raise ContractValidateError("Amount must be greater than 0.")
    receiver = account(state, to[1:])
    fee = 0 if receiver else parameter(state, "getCreateNewAccountFeeInSystemContract")
    if receiver and receiver.kind == CONTRACT and parameter(state, "getForbidTransferToContract") == 1:
        raise ContractValidateError("Cannot transfer TRX to a smartContract.")
    if payer.balance < contract.amount + fee:
        raise ContractValidateError("Validate TransferContract error, balance is not sufficient.")
    if contract.amount + (receiver.balance if receiver else 0) >= 2**63:
        raise ContractValidateError("long overflow")


def transfer(state: State, contract: Message, head: Head) -> Result:
    owner, to = contract.owner_address[1:], contract.to_address[1:]
    fee = 0
    if account(state, to) is None:
        save(state, to, Account(created_ms=head.time_ms))
        fee = parameter(state, "getCreateNewAccountFeeInSystemContract")
    if not add_balance(state, owner, -(contract.amount + fee)):
        raise ContractExeError(f"{contract.owner_address.hex()} insufficient balance, balance: ")
    add_balance(state, to, contract.amount)
    return Result(fee=fee)


def check_account_creation(state: State, contract: Message, head: Head) -> None:
    if not valid_address(contract.owner_address):
        raise ContractValidateError("Invalid ownerAddress")
    payer = account(state, contract.owner_address[1:])
    if payer is None:
        raise ContractValidateError(f"Account[{contract.owner_address.hex()}] not exists")
    if payer.balance < parameter(state, "getCreateNewAccountFeeInSystemContract"):
        raise ContractValidateError("Validate CreateAccountActuator error, insufficient fee.")
    if not valid_address(contract.account_address):
        raise ContractValidateError("Invalid account address")
    if account(state, contract.account_address[1:]) is not None:
        raise ContractValidateError("Account has existed")


def create_account(state: State, contract: Message, head: Head) -> Result:
    fee = parameter(state, "getCreateNewAccountFeeInSystemContract")
    save(state, contract.account_address[1:], Account(created_ms=head.time_ms, kind=contract.type))
    if not add_balance(state, contract.owner_address[1:], -fee):
        raise ContractExeError(f"{contract.owner_address.hex()} insufficient balance")
    return Result(fee=fee)


def resource_of(number: int, *, message: str) -> Resource:
    if number not in RESOURCES:
        raise ContractValidateError(message)
    return RESOURCES[number]


def check_freeze(state: State, contract: Message, head: Head) -> None:
    owner = existing(state, contract.owner_address)
    if contract.frozen_balance <= 0:
        raise ContractValidateError("frozenBalance must be positive")
    if contract.frozen_balance < TRX:
        raise ContractValidateError("frozenBalance must be more than 1TRX")
    if contract.frozen_balance > owner.balance:
        raise ContractValidateError("frozenBalance must be less than accountBalance")
    resource_of(contract.resource, message="ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY]")


def freeze(state: State, contract: Message, head: Head) -> Result:
    address = contract.owner_address[1:]
    found = existing(state, contract.owner_address)
    save(state, address, replace(found, balance=found.balance - contract.frozen_balance))
    _add_stake(state, address, RESOURCES[contract.resource], contract.frozen_balance)
    return Result()


def _add_stake(state: State, address: bytes, resource: Resource, amount: int) -> None:
    """Own stake and the weight of everybody's, which counts whole TRX (addTotalEnergyWeight, addTotalNetWeight)."""
    found = account(state, address)
    assert found is not None  # noqa: S101  # callers checked
    before = found.stake(resource)
    after = replace(before, own=before.own + amount)
    save(state, address, found.with_stake(resource, after))
    name = "total_net_weight" if resource == "BANDWIDTH" else "total_energy_weight"
    gained = (after.own + after.delegated) // TRX - (before.own + before.delegated) // TRX
    state.put("properties", name, property_(state, name) + gained)


def check_unfreeze(state: State, contract: Message, head: Head) -> None:
    owner = existing(state, contract.owner_address)
    resource = resource_of(contract.resource, message="ResourceCode error.valid ResourceCode[BANDWIDTH、Energy]")
    staked = owner.stake(resource).own
    if staked <= 0:
        raise ContractValidateError(f"no frozenBalance({'BANDWIDTH' if resource == 'BANDWIDTH' else 'Energy'})")
    if not 0 < contract.unfreeze_balance <= staked:
        raise ContractValidateError(f"Invalid unfreeze_balance, [{contract.unfreeze_balance}] is error")
    if sum(each.expires_ms > head.time_ms for each in owner.unfreezing) >= UNFREEZE_MAX_TIMES:
        raise ContractValidateError("Invalid unfreeze operation, unfreezing times is over limit")


def unfreeze(state: State, contract: Message, head: Head) -> Result:
    address, resource = contract.owner_address[1:], RESOURCES[contract.resource]
    withdrawn = _withdraw_expired(state, address, head)
    _add_stake(state, address, resource, -contract.unfreeze_balance)
    found = existing(state, contract.owner_address)
    expires = head.time_ms + parameter(state, "getUnfreezeDelayDays") * DAY_MS
    waiting = Unfreezing(resource, contract.unfreeze_balance, expires)
    save(state, address, replace(found, unfreezing=(*found.unfreezing, waiting)))
    return Result(withdraw_expire_amount=withdrawn)


def _withdraw_expired(state: State, address: bytes, head: Head) -> int:
    found = account(state, address)
    assert found is not None  # noqa: S101  # callers checked
    amount = sum(each.amount for each in found.unfreezing if each.expires_ms <= head.time_ms)
    if amount:
        left = tuple(each for each in found.unfreezing if each.expires_ms > head.time_ms)
        save(state, address, replace(found, balance=found.balance + amount, unfreezing=left))
    return amount


def check_withdrawal(state: State, contract: Message, head: Head) -> None:
    owner = existing(state, contract.owner_address)
    if not any(each.expires_ms <= head.time_ms for each in owner.unfreezing):
        raise ContractValidateError("no unFreeze balance to withdraw ")


def withdraw(state: State, contract: Message, head: Head) -> Result:
    return Result(withdraw_expire_amount=_withdraw_expired(state, contract.owner_address[1:], head))


def check_cancellation(state: State, contract: Message, head: Head) -> None:
    if not existing(state, contract.owner_address).unfreezing:
        raise ContractValidateError("No unfreezeV2 list to cancel")


def cancel_unfreezing(state: State, contract: Message, head: Head) -> Result:
    """What still waits is staked again, what has waited long enough is paid out."""
    address = contract.owner_address[1:]
    withdrawn = _withdraw_expired(state, address, head)
    found = existing(state, contract.owner_address)
    save(state, address, replace(found, unfreezing=()))
    cancelled = {"BANDWIDTH": 0, "ENERGY": 0, "TRON_POWER": 0}
    for each in found.unfreezing:
        _add_stake(state, address, "BANDWIDTH" if each.resource == "BANDWIDTH" else "ENERGY", each.amount)
        cancelled[each.resource] += each.amount
    return Result(withdraw_expire_amount=withdrawn, cancel_unfreeze=cancelled)


def available_to_delegate(state: Reader, owner: Account, resource: Resource, now: int) -> int:
    """Own stake, in sun, that no used resource rests on (Wallet.calcCanDelegated*MaxSize)."""
    used = recovered(owner.usage(resource), now)
    if resource == "BANDWIDTH":
        weight, limit = property_(state, "total_net_weight"), parameter(state, "getTotalNetLimit")
    else:
        weight, limit = property_(state, "total_energy_weight"), parameter(state, "getTotalEnergyCurrentLimit")
    stake: Stake = owner.stake(resource)
    rests_on = max(0, int(used * TRX * (weight / limit)) - stake.acquired)
    return max(0, stake.own - rests_on)


def check_delegate(state: State, contract: Message, head: Head) -> None:
    owner = existing(state, contract.owner_address)
    if contract.balance < TRX:
        raise ContractValidateError("delegateBalance must be more than 1TRX")
    resource = resource_of(contract.resource, message="ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY]")
    if available_to_delegate(state, owner, resource, head.slot) < contract.balance:
        name = "FreezeBandwidthV2" if resource == "BANDWIDTH" else "FreezeEnergyV2"
        raise ContractValidateError(f"delegateBalance must be less than available {name} balance")
    to = contract.receiver_address
    if not valid_address(to):
        raise ContractValidateError("Invalid receiverAddress")
    if to == contract.owner_address:
        raise ContractValidateError("receiverAddress must not be the same as ownerAddress")
    receiver = existing(state, to)
    check_delegation(state, contract, resource, head.time_ms)
    if receiver.kind == CONTRACT:
        raise ContractValidateError("Do not allow delegate resources to contract addresses")


def act_delegate(state: State, contract: Message, head: Head) -> Result:
    delegate(state, contract, RESOURCES[contract.resource], head.time_ms)
    return Result()


def check_undelegate(state: State, contract: Message, head: Head) -> None:
    existing(state, contract.owner_address)
    if not valid_address(contract.receiver_address):
        raise ContractValidateError("Invalid receiverAddress")
    if contract.receiver_address == contract.owner_address:
        raise ContractValidateError("receiverAddress must not be the same as ownerAddress")
    check_undelegation(state, contract, RESOURCES.get(contract.resource), head.time_ms)


def act_undelegate(state: State, contract: Message, head: Head) -> Result:
    undelegate(state, contract, RESOURCES[contract.resource], slot=head.slot, time_ms=head.time_ms)
    return Result()


Check = Callable[[State, Message, Head], None]
Act = Callable[[State, Message, Head], Result]

ACTUATORS: dict[str, tuple[Check, Act]] = {
    "TransferContract": (check_transfer, transfer),
    "AccountCreateContract": (check_account_creation, create_account),
    "FreezeBalanceV2Contract": (check_freeze, freeze),
    "UnfreezeBalanceV2Contract": (check_unfreeze, unfreeze),
    "WithdrawExpireUnfreezeContract": (check_withdrawal, withdraw),
    "CancelAllUnfreezeV2Contract": (check_cancellation, cancel_unfreezing),
    "DelegateResourceContract": (check_delegate, act_delegate),
    "UnDelegateResourceContract": (check_undelegate, act_undelegate),
}
