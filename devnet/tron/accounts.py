"""Accounts, and what their stake gives them: bandwidth and energy that come back over a day.

chainbase/src/main/java/org/tron/core/db/{Resource,Bandwidth,Energy}Processor.java of java-tron. Amounts are in sun,
bandwidth in bytes, times of use in slots of 3 s since the genesis block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from devnet.tron.addresses import base58_of
from devnet.tron.errors import ContractValidateError, ResourceInsufficientError
from devnet.tron.state import State

Resource = Literal["BANDWIDTH", "ENERGY"]

TRX = 1_000_000  # sun
SLOT_MS = 3_000  # BLOCK_PRODUCED_INTERVAL, whatever the local block time is
WINDOW = 86_400_000 // SLOT_MS  # slots in which a used resource comes back
PRECISION = 1_000_000
WINDOW_PRECISION = 1_000
CONTRACT = 2  # AccountType.Contract


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used of a resource, when, and the window (in thousandths of a slot) in which it comes back."""

    used: int = 0
    slot: int = 0
    window: int = WINDOW * WINDOW_PRECISION


@dataclass(frozen=True, slots=True)
class Stake:
    """TRX staked for one resource: one's own, given to others, received from others."""

    own: int = 0
    delegated: int = 0
    acquired: int = 0

    @property
    def counts(self) -> int:
        return self.own + self.acquired


@dataclass(frozen=True, slots=True)
class Unfreezing:
    resource: str
    amount: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Account:
    balance: int = 0
    kind: int = 0
    created_ms: int = 0
    operated_ms: int = 0
    free_net: Usage = Usage()
    net: Usage = Usage()
    energy: Usage = Usage()
    net_stake: Stake = Stake()
    energy_stake: Stake = Stake()
    power_stake: int = 0
    unfreezing: tuple[Unfreezing, ...] = ()

    def usage(self, resource: Resource) -> Usage:
        return self.net if resource == "BANDWIDTH" else self.energy

    def stake(self, resource: Resource) -> Stake:
        return self.net_stake if resource == "BANDWIDTH" else self.energy_stake

    def with_usage(self, resource: Resource, usage: Usage) -> Account:
        return replace(self, net=usage) if resource == "BANDWIDTH" else replace(self, energy=usage)

    def with_stake(self, resource: Resource, stake: Stake) -> Account:
        return replace(self, net_stake=stake) if resource == "BANDWIDTH" else replace(self, energy_stake=stake)


class Reader(Protocol):
    """The state now, or as it was."""

    def get(self, table: str, key: object, default: object = None) -> object: ...


def account(state: Reader, address: bytes) -> Account | None:
    found = state.get("accounts", address)
    assert found is None or isinstance(found, Account)  # noqa: S101  # what the table holds
    return found


def parameter(state: Reader, name: str) -> int:
    found = state.get("parameters", name, 0)
    assert isinstance(found, int)  # noqa: S101  # what the table holds
    return found


def property_(state: Reader, name: str) -> int:
    found = state.get("properties", name, 0)
    assert isinstance(found, int)  # noqa: S101  # what the table holds
    return found


def save(state: State, address: bytes, changed: Account) -> None:
    state.put("accounts", address, changed)


def add_balance(state: State, address: bytes, amount: int) -> bool:
    """Commons.adjustBalance: False, and nothing changed, where the balance does not suffice."""
    found = account(state, address)
    if found is None or found.balance + amount < 0:
        return False
    save(state, address, replace(found, balance=found.balance + amount))
    return True


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _decayed(average: int, window: int, past: int) -> int:
    """Math.round of what is left of an average after `past` slots."""
    if past == 0:
        return average
    if past >= window:
        return 0
    return int(average * ((window - past) / window) + 0.5)


def increased_simply(last: int, usage: int, last_slot: int, now: int, window: int = WINDOW) -> int:
    """ResourceProcessor.increase without an account: free bandwidth."""
    average = _decayed(_ceil(last * PRECISION, window), window, now - last_slot) + _ceil(usage * PRECISION, window)
    return average * window // PRECISION


def recovered(usage: Usage, now: int) -> int:
    """What still counts as used at slot `now` (ResourceProcessor.recovery)."""
    return increased_simply(usage.used, 0, usage.slot, now, max(1, usage.window // WINDOW_PRECISION))


def increased(usage: Usage, more: int, now: int) -> Usage:
    """ResourceProcessor.increaseV2: `more` used at slot `now`; the window becomes the weighted mean of both."""
    window = max(1, usage.window // WINDOW_PRECISION)
    past = now - usage.slot
    average = _decayed(_ceil(usage.used * PRECISION, window), window, past)
    remaining = average * window // PRECISION
    total = (average * window + _ceil(more * PRECISION, WINDOW) * WINDOW) // PRECISION
    if remaining == 0:
        return Usage(total, now, WINDOW * WINDOW_PRECISION)
    left = usage.window - past * WINDOW_PRECISION
    mean = _ceil(remaining * left + more * WINDOW * WINDOW_PRECISION, total)
    return Usage(total, now, min(mean, WINDOW * WINDOW_PRECISION))


def resource_limit(state: Reader, found: Account, resource: Resource) -> int:
    """What an account's stake gives it a day (calculateGlobalNetLimitV2, calculateGlobalEnergyLimitV2)."""
    staked = found.stake(resource).counts
    if resource == "BANDWIDTH":
        total, weight = parameter(state, "getTotalNetLimit"), property_(state, "total_net_weight")
    else:
        total, weight = parameter(state, "getTotalEnergyCurrentLimit"), property_(state, "total_energy_weight")
    return int(staked / TRX * (total / weight)) if weight > 0 else 0


def resource_left(state: Reader, found: Account, resource: Resource, now: int) -> int:
    return max(0, resource_limit(state, found, resource) - recovered(found.usage(resource), now))


def use_resource(state: State, address: bytes, resource: Resource, amount: int, now: int, time_ms: int) -> None:
    found = account(state, address)
    if found is not None:
        usage = increased(found.usage(resource), amount, now)
        save(state, address, replace(found.with_usage(resource, usage), operated_ms=time_ms))


@dataclass(frozen=True)
class NetBill:
    """What a transaction's bytes cost: bandwidth, or sun burned instead. Never a bit of both."""

    usage: int = 0
    fee: int = 0


def pay_bandwidth(state: State, owner: bytes, size: int, *, creates_account: bool, now: int, time_ms: int) -> NetBill:
    """BandwidthProcessor.consume for one contract; `size` in bytes, with the 64 that are allowed for the result."""
    found = account(state, owner)
    if found is None:
        raise ContractValidateError(f"account [{base58_of(owner)}] does not exist")
    if creates_account:
        return _pay_for_new_account(state, owner, found, size, now, time_ms)
    if size <= resource_left(state, found, "BANDWIDTH", now):
        use_resource(state, owner, "BANDWIDTH", size, now, time_ms)
        return NetBill(usage=size)
    if _use_free(state, owner, found, size, now, time_ms):
        return NetBill(usage=size)
    fee = parameter(state, "getTransactionFee") * size
    if add_balance(state, owner, -fee):
        return NetBill(fee=fee)
    raise ResourceInsufficientError(
        f"account [{base58_of(owner)}] has insufficient bandwidth[{size}] and balance[{fee}] to create new account"
    )


def _pay_for_new_account(state: State, owner: bytes, found: Account, size: int, now: int, time_ms: int) -> NetBill:
    """Staked bandwidth or the fee: the free bandwidth does not open accounts (consumeForCreateNewAccount)."""
    cost = size * parameter(state, "getCreateNewAccountBandwidthRate")
    if cost <= resource_left(state, found, "BANDWIDTH", now):
        use_resource(state, owner, "BANDWIDTH", cost, now, time_ms)
        return NetBill(usage=cost)
    fee = parameter(state, "getCreateAccountFee")
    if add_balance(state, owner, -fee):
        return NetBill(fee=fee)
    raise ResourceInsufficientError(
        f"account [{base58_of(owner)}] has insufficient bandwidth[{size}] and balance[{fee}] to create new account"
    )


def _use_free(state: State, owner: bytes, found: Account, size: int, now: int, time_ms: int) -> bool:
    """BandwidthProcessor.useFreeNet: the account's free bytes a day, out of a pot that everybody shares."""
    used = increased_simply(found.free_net.used, 0, found.free_net.slot, now)
    public_slot = property_(state, "public_net_slot")
    public = increased_simply(property_(state, "public_net_usage"), 0, public_slot, now)
    if size > parameter(state, "getFreeNetLimit") - used or size > property_(state, "public_net_limit") - public:
        return False
    usage = Usage(increased_simply(used, size, now, now), now)
    save(state, owner, replace(found, free_net=usage, operated_ms=time_ms))
    state.put("properties", "public_net_usage", increased_simply(public, size, now, now))
    state.put("properties", "public_net_slot", now)
    return True


def take_over_usage(owner: Usage, owner_now: int, moved: int, receiver_window: int) -> Usage:
    """What the owner has used once a receiver's usage of undelegated stake comes back to it (unDelegateIncreaseV2)."""
    own = increased(owner, 0, owner_now)
    total = own.used + moved
    if total == 0:
        return Usage(0, owner_now)
    mean = _ceil(own.used * max(own.window, 0) + moved * max(receiver_window, 0), total)
    return Usage(total, owner_now, min(mean, WINDOW * WINDOW_PRECISION))
