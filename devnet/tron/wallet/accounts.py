"""Accounts and their resources: GetAccount*Servlet.java, GetDelegatedResourceV2Servlet.java and others."""

from __future__ import annotations

from devnet.tron import protocol
from devnet.tron.accounts import (
    Account,
    Resource,
    account,
    parameter,
    property_,
    recovered,
    resource_limit,
)
from devnet.tron.actuators import available_to_delegate
from devnet.tron.addresses import decoded, on_wire
from devnet.tron.delegation import Lent
from devnet.tron.printing import Json, as_address, as_hex, printed
from devnet.tron.protocol import Message
from devnet.tron.wallet.registry import Answer, Request, endpoint

# What an active permission may do on the main network (AccountCapsule.createDefaultActivePermission).
ACTIVE_OPERATIONS = bytes.fromhex("7fff1fc0033efb0f" + "00" * 24)
RESOURCE_NUMBERS = {"BANDWIDTH": 0, "ENERGY": 1, "TRON_POWER": 2}


def owner_permission(address: bytes) -> Message:
    made = protocol.message("Permission")(permission_name="owner", threshold=1)
    made.keys.add(address=on_wire(address), weight=1)
    return made


def active_permission(address: bytes) -> Message:
    made = protocol.message("Permission")(type=2, id=2, permission_name="active", threshold=1)
    made.operations = ACTIVE_OPERATIONS
    made.keys.add(address=on_wire(address), weight=1)
    return made


def account_message(address: bytes, found: Account, slot: int) -> Message:
    """The account with its usage as it stands at `slot` (Wallet.getAccount updates it before it answers)."""
    made = protocol.Account(address=on_wire(address), type=found.kind, balance=found.balance)
    made.create_time, made.latest_opration_time = found.created_ms, found.operated_ms
    made.free_net_usage, made.latest_consume_free_time = recovered(found.free_net, slot), found.free_net.slot
    made.net_usage, made.latest_consume_time = recovered(found.net, slot), found.net.slot
    made.net_window_size, made.net_window_optimized = found.net.window, True
    resource = made.account_resource
    resource.energy_usage, resource.latest_consume_time_for_energy = recovered(found.energy, slot), found.energy.slot
    resource.energy_window_size, resource.energy_window_optimized = found.energy.window, True
    resource.delegated_frozenV2_balance_for_energy = found.energy_stake.delegated
    resource.acquired_delegated_frozenV2_balance_for_energy = found.energy_stake.acquired
    made.delegated_frozenV2_balance_for_bandwidth = found.net_stake.delegated
    made.acquired_delegated_frozenV2_balance_for_bandwidth = found.net_stake.acquired
    for kind, amount in ((0, found.net_stake.own), (1, found.energy_stake.own), (2, found.power_stake)):
        made.frozenV2.add(type=kind, amount=amount)
    for each in found.unfreezing:
        made.unfrozenV2.add(
            type=RESOURCE_NUMBERS[each.resource], unfreeze_amount=each.amount, unfreeze_expire_time=each.expires_ms
        )
    if found.kind == 0:
        made.owner_permission.CopyFrom(owner_permission(address))
        made.active_permission.append(active_permission(address))
    return made


@endpoint("getaccount", solidity=True)
def getaccount(request: Request) -> Answer:
    """`{}` for an address that nobody has activated, whatever tokens it holds."""
    address = request.address("address")
    found = account(request.view.state, address) if address is not None else None
    if address is None or found is None:
        return {}
    return printed(account_message(address, found, request.view.head.slot), visible=request.visible)


def _net(request: Request, found: Account) -> Json:
    state, slot = request.view.state, request.view.head.slot
    shown = {
        "freeNetUsed": recovered(found.free_net, slot),
        "freeNetLimit": parameter(state, "getFreeNetLimit"),
        "NetUsed": recovered(found.net, slot),
        "NetLimit": resource_limit(state, found, "BANDWIDTH"),
        "TotalNetLimit": parameter(state, "getTotalNetLimit"),
        "TotalNetWeight": property_(state, "total_net_weight"),
    }
    return {name: value for name, value in shown.items() if value}


@endpoint("getaccountnet", solidity=True)
def getaccountnet(request: Request) -> Answer:
    address = request.address("address")
    found = account(request.view.state, address) if address is not None else None
    return {} if found is None else _net(request, found)


@endpoint("getaccountresource", solidity=True)
def getaccountresource(request: Request) -> Answer:
    address = request.address("address")
    found = account(request.view.state, address) if address is not None else None
    if found is None:
        return {}
    state, slot = request.view.state, request.view.head.slot
    power = found.net_stake.own + found.net_stake.delegated + found.energy_stake.own + found.energy_stake.delegated
    shown = _net(request, found) | {
        "EnergyUsed": recovered(found.energy, slot),
        "EnergyLimit": resource_limit(state, found, "ENERGY"),
        "TotalEnergyLimit": parameter(state, "getTotalEnergyCurrentLimit"),
        "TotalEnergyWeight": property_(state, "total_energy_weight"),
        "tronPowerLimit": power // 1_000_000,
    }
    return {name: value for name, value in shown.items() if value}


def _pair_shown(request: Request, owner: bytes, receiver: bytes, found: Lent) -> Json:
    made = protocol.DelegatedResource()
    setattr(made, "from", on_wire(owner))
    made.to = on_wire(receiver)
    made.frozen_balance_for_bandwidth, made.frozen_balance_for_energy = found.bandwidth, found.energy
    made.expire_time_for_bandwidth = found.bandwidth_until_ms
    made.expire_time_for_energy = found.energy_until_ms
    return printed(made, visible=request.visible)


@endpoint("getdelegatedresourcev2", solidity=True)
def getdelegatedresourcev2(request: Request) -> Answer:
    """What one account lends to another: first what can be taken back at once, then what is locked."""
    owner, receiver = request.address("fromAddress"), request.address("toAddress")
    if owner is None or receiver is None:
        return {}
    found = [request.view.state.get("delegations", (owner, receiver, locked)) for locked in (False, True)]
    shown = [_pair_shown(request, owner, receiver, each) for each in found if isinstance(each, Lent)]
    return {"delegatedResource": shown} if shown else {}


@endpoint("getdelegatedresourceaccountindexv2", solidity=True)
def getdelegatedresourceaccountindexv2(request: Request) -> Answer:
    """With whom an account has lendings, either way."""
    address = request.address("value")
    if address is None:
        return {}
    keys = request.view.keys("delegations")
    show = as_address if request.visible else as_hex
    shown: Json = {"account": show(on_wire(address))}
    to = sorted({receiver for owner, receiver, _ in keys if owner == address})
    given = sorted({owner for owner, receiver, _ in keys if receiver == address})
    if given:
        shown["fromAccounts"] = [show(on_wire(each)) for each in given]
    if to:
        shown["toAccounts"] = [show(on_wire(each)) for each in to]
    return shown


@endpoint("getcandelegatedmaxsize", solidity=True)
def getcandelegatedmaxsize(request: Request) -> Answer:
    """`type` 0: bandwidth, 1: energy; the answer in sun."""
    address = request.address("owner_address", "ownerAddress")
    found = account(request.view.state, address) if address is not None else None
    if found is None:
        return {}
    resource: Resource = "ENERGY" if request.integer("type") == 1 else "BANDWIDTH"
    size = available_to_delegate(request.view.state, found, resource, request.view.head.slot)
    return {"max_size": size} if size else {}


@endpoint("getcanwithdrawunfreezeamount", solidity=True)
def getcanwithdrawunfreezeamount(request: Request) -> Answer:
    address = request.address("owner_address")
    found = account(request.view.state, address) if address is not None else None
    if found is None:
        return {}
    until = request.integer("timestamp") or request.view.head.time_ms
    amount = sum(each.amount for each in found.unfreezing if each.expires_ms <= until)
    return {"amount": amount} if amount else {}


@endpoint("getavailableunfreezecount", solidity=True)
def getavailableunfreezecount(request: Request) -> Answer:
    address = request.address("owner_address")
    found = account(request.view.state, address) if address is not None else None
    if found is None:
        return {}
    waiting = sum(each.expires_ms > request.view.head.time_ms for each in found.unfreezing)
    return {"count": 32 - waiting} if waiting < 32 else {}


@endpoint("validateaddress")
def validateaddress(request: Request) -> Answer:
    """ValidateAddressServlet: says in which notation an address is right, or what is wrong."""
    text = request.text("address")
    if len(text) == 42:
        good, message = text.startswith("41") and _is_hex(text), "Hex string format"
    elif len(text) == 34:
        good, message = decoded(text) is not None, "Base58check format"
    elif len(text) == 28:
        good, message = False, "Base64 format"
    else:
        good, message = False, "Length error"
    return {"result": good, "message": message if good or message == "Length error" else "Invalid address"}


def _is_hex(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
