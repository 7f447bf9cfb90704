"""The chain's parameters, prices, the node, contracts."""

from __future__ import annotations

from devnet.tron import protocol
from devnet.tron.accounts import parameter
from devnet.tron.addresses import keccak256
from devnet.tron.blocks import witnesses
from devnet.tron.deployed import Deployed, Dynamic
from devnet.tron.parameters import PARAMETERS
from devnet.tron.printing import Json, as_address, printed
from devnet.tron.wallet.registry import Answer, Request, endpoint

CODE_VERSION = "4.8.1"  # of the java-tron that this node takes after
DYNAMIC_ENERGY_SINCE = 1_542_607_200_000  # some time of an earlier price, as real histories start with one


@endpoint("getchainparameters")
def getchainparameters(request: Request) -> Answer:
    """Zeros have no `value`, as ever."""
    rows: list[Json] = []
    for name in PARAMETERS:
        value = parameter(request.view.state, name)
        rows.append({"key": name, "value": value} if value else {"key": name})
    return {"chainParameter": rows}


def _prices(request: Request, name: str) -> Answer:
    return {"prices": f"0:{PARAMETERS[name]},{DYNAMIC_ENERGY_SINCE}:{parameter(request.view.state, name)}"}


@endpoint("getenergyprices", solidity=True)
def getenergyprices(request: Request) -> Answer:
    """`time:price` pairs, the last one holds."""
    return _prices(request, "getEnergyFee")


@endpoint("getbandwidthprices", solidity=True)
def getbandwidthprices(request: Request) -> Answer:
    return _prices(request, "getTransactionFee")


@endpoint("getmemofee")
def getmemofee(request: Request) -> Answer:
    return _prices(request, "getMemoFee")


@endpoint("getnodeinfo")
def getnodeinfo(request: Request) -> Answer:
    view = request.view
    solid = view.block(view.solid_number)
    return {
        "beginSyncNum": view.number,
        "block": f"Num:{view.number},ID:{view.newest.id.hex()}",
        "solidityBlock": f"Num:{view.solid_number},ID:{solid.id.hex() if solid else ''}",
        "currentConnectCount": 1,
        "activeConnectCount": 1,
        "passiveConnectCount": 0,
        "totalFlow": 0,
        "peerList": [],
        "configNodeInfo": {"codeVersion": CODE_VERSION, "p2pVersion": "11111", "dbVersion": 2, "supportConstant": True},
        "machineInfo": {"threadCount": 1},
        "cheatWitnessInfoMap": {},
    }


@endpoint("listnodes")
def listnodes(request: Request) -> Answer:
    return {}


@endpoint("listwitnesses", solidity=True)
def listwitnesses(request: Request) -> Answer:
    rows = []
    for index, key in enumerate(witnesses(request.chain.settings.seed)):
        address = b"\x41" + key.address
        rows.append(
            {
                "address": as_address(address) if request.visible else address.hex(),
                "voteCount": 1_000_000_000 - index,
                "url": f"http://witness-{index}.invalid",
                "isJobs": True,
            }
        )
    return {"witnesses": rows}


@endpoint("getcontract")
def getcontract(request: Request) -> Answer:
    found = _deployed(request)
    return {} if found is None else printed(protocol.SmartContract.FromString(found.message), visible=request.visible)


def _deployed(request: Request) -> Deployed | None:
    address = request.address("value")
    found = request.view.state.get("contracts", address) if address is not None else None
    return found if isinstance(found, Deployed) else None


@endpoint("getcontractinfo")
def getcontractinfo(request: Request) -> Answer:
    """With the code that runs and the dynamic energy state, whose factor is what comes on top of 1, in 1/10,000."""
    found = _deployed(request)
    address = request.address("value")
    if found is None or address is None:
        return {}
    state = request.view.state.get("contract_states", address) or Dynamic()
    code = request.view.state.get("code", address) or b""
    assert isinstance(state, Dynamic)  # noqa: S101  # what the table holds
    assert isinstance(code, bytes)  # noqa: S101  # what the table holds
    made = protocol.SmartContractDataWrapper(runtimecode=code)
    made.smart_contract.MergeFromString(found.message)
    made.smart_contract.code_hash = keccak256(code)
    made.contract_state.energy_usage = state.usage
    made.contract_state.energy_factor = state.factor
    made.contract_state.update_cycle = request.view.head.time_ms // parameter(
        request.view.state, "getMaintenanceTimeInterval"
    )
    return printed(made, visible=request.visible)
