"""Stake lent to others: per pair of accounts one part that can be taken back at once and one that is locked.

DelegateResourceActuator.java, UnDelegateResourceActuator.java and DelegatedResourceStore.unLockExpireResource.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from devnet.tron.accounts import (
    TRX,
    Account,
    Resource,
    Usage,
    account,
    parameter,
    property_,
    recovered,
    save,
    take_over_usage,
)
from devnet.tron.errors import ContractValidateError
from devnet.tron.protocol import Message
from devnet.tron.state import State

SLOT_MS = 3_000
DEFAULT_LOCK_SLOTS = 259_200_000 // SLOT_MS  # DELEGATE_PERIOD: three days


@dataclass(frozen=True, slots=True)
class Lent:
    """Stake lent from one account to another, in sun; the times are 0 where nothing is locked."""

    bandwidth: int = 0
    energy: int = 0
    bandwidth_until_ms: int = 0
    energy_until_ms: int = 0

    def amount(self, resource: Resource) -> int:
        return self.bandwidth if resource == "BANDWIDTH" else self.energy

    def until_ms(self, resource: Resource) -> int:
        return self.bandwidth_until_ms if resource == "BANDWIDTH" else self.energy_until_ms

    def plus(self, resource: Resource, amount: int, until_ms: int) -> Lent:
        if resource == "BANDWIDTH":
            return replace(self, bandwidth=self.bandwidth + amount, bandwidth_until_ms=until_ms)
        return replace(self, energy=self.energy + amount, energy_until_ms=until_ms)


Pair = tuple[bytes, bytes, bool]  # owner, receiver, whether locked


def lent(state: State, pair: Pair) -> Lent | None:
    found = state.get("delegations", pair)
    assert found is None or isinstance(found, Lent)  # noqa: S101  # what the table holds
    return found


def _save(state: State, pair: Pair, left: Lent) -> None:
    state.put("delegations", pair, left if left.bandwidth or left.energy else None)


def lock_slots(contract: Message) -> int:
    return int(contract.lock_period) or DEFAULT_LOCK_SLOTS


def check_delegation(state: State, contract: Message, resource: Resource, time_ms: int) -> None:
    """A new lock has to be as long as what is left of the earlier one."""
    if not contract.lock:
        return
    longest = parameter(state, "getMaxDelegateLockPeriod")
    if not 0 <= lock_slots(contract) <= longest:
        raise ContractValidateError(
            f"The lock period of delegate resource cannot be less than 0 and cannot exceed {longest}!"
        )
    earlier = lent(state, (contract.owner_address[1:], contract.receiver_address[1:], True))
    left = earlier.until_ms(resource) - time_ms if earlier else 0
    if lock_slots(contract) * SLOT_MS < left:
        raise ContractValidateError(
            f"The lock period for {resource} this time cannot be less than the remaining time[{left}ms] "
            f"of the last lock period for {resource}!"
        )


def _unlock_expired(state: State, owner: bytes, receiver: bytes, time_ms: int) -> None:
    locked = lent(state, (owner, receiver, True))
    if locked is None:
        return
    free = lent(state, (owner, receiver, False)) or Lent()
    resources: tuple[Resource, Resource] = ("BANDWIDTH", "ENERGY")
    for resource in resources:
        if locked.amount(resource) and locked.until_ms(resource) < time_ms:
            free = free.plus(resource, locked.amount(resource), 0)
            locked = locked.plus(resource, -locked.amount(resource), 0)
    _save(state, (owner, receiver, True), locked)
    _save(state, (owner, receiver, False), free)


def _move(state: State, owner: bytes, receiver: bytes, resource: Resource, amount: int) -> None:
    lender, borrower = account(state, owner), account(state, receiver)
    assert lender is not None  # noqa: S101  # checked before
    stake = lender.stake(resource)
    moved = replace(stake, own=stake.own - amount, delegated=stake.delegated + amount)
    save(state, owner, lender.with_stake(resource, moved))
    if borrower is not None:
        stake = borrower.stake(resource)
        moved = replace(stake, acquired=max(0, stake.acquired + amount))
        save(state, receiver, borrower.with_stake(resource, moved))


def delegate(state: State, contract: Message, resource: Resource, time_ms: int) -> None:
    owner, receiver = contract.owner_address[1:], contract.receiver_address[1:]
    _unlock_expired(state, owner, receiver, time_ms)
    until_ms = time_ms + lock_slots(contract) * SLOT_MS if contract.lock else 0
    pair = (owner, receiver, bool(contract.lock))
    _save(state, pair, (lent(state, pair) or Lent()).plus(resource, contract.balance, until_ms))
    _move(state, owner, receiver, resource, contract.balance)


def check_undelegation(state: State, contract: Message, resource: Resource | None, time_ms: int) -> None:
    owner, receiver = contract.owner_address[1:], contract.receiver_address[1:]
    free, locked = lent(state, (owner, receiver, False)), lent(state, (owner, receiver, True))
    if free is None and locked is None:
        raise ContractValidateError("delegated Resource does not exist")
    if contract.balance <= 0:
        raise ContractValidateError("unDelegateBalance must be more than 0 TRX")
    if resource is None:
        raise ContractValidateError("ResourceCode error.valid ResourceCode[BANDWIDTH、Energy]")
    available = free.amount(resource) if free else 0
    if locked and locked.until_ms(resource) < time_ms:
        available += locked.amount(resource)
    if available < contract.balance:
        name = "delegatedFrozenBalance(BANDWIDTH)" if resource == "BANDWIDTH" else "delegateFrozenBalance(Energy)"
        raise ContractValidateError(f"insufficient {name}, request={contract.balance}, unlock_balance={available}")


def undelegate(state: State, contract: Message, resource: Resource, *, slot: int, time_ms: int) -> None:
    """Takes stake back, and with it the usage that the receiver had of it."""
    owner, receiver = contract.owner_address[1:], contract.receiver_address[1:]
    borrower = account(state, receiver)
    moved, window = 0, 0
    if borrower is not None:
        moved, window = _usage_that_moves(state, borrower, resource, contract.balance, slot)
        usage = borrower.usage(resource)
        left = Usage(recovered(usage, slot) - moved, slot, usage.window)
        save(state, receiver, borrower.with_usage(resource, left))
    _unlock_expired(state, owner, receiver, time_ms)
    pair = (owner, receiver, False)
    _save(state, pair, (lent(state, pair) or Lent()).plus(resource, -contract.balance, 0))
    _move(state, owner, receiver, resource, -contract.balance)
    if moved:
        lender = account(state, owner)
        assert lender is not None  # noqa: S101  # checked before
        usage = take_over_usage(lender.usage(resource), slot, moved, window)
        save(state, owner, lender.with_usage(resource, usage))


def _usage_that_moves(state: State, borrower: Account, resource: Resource, balance: int, slot: int) -> tuple[int, int]:
    """The receiver's usage that goes back with the stake, and the window in which it comes back."""
    stake, usage = borrower.stake(resource), borrower.usage(resource)
    if stake.acquired < balance or not stake.counts:
        return 0, usage.window
    if resource == "BANDWIDTH":
        limit, weight = parameter(state, "getTotalNetLimit"), property_(state, "total_net_weight")
    else:
        limit, weight = parameter(state, "getTotalEnergyCurrentLimit"), property_(state, "total_energy_weight")
    most = int(balance / TRX * (limit / weight)) if weight > 0 else 0
    return min(most, int(recovered(usage, slot) * (balance / stake.counts))), usage.window
