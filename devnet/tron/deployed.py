"""The contracts on the chain: their settings and their dynamic energy state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from devnet.tron.addresses import keccak256, on_wire
from devnet.tron.protocol import SmartContract
from devnet.tron.state import State

FUNCTION, VIEWS = 2, (1, 2)  # of an ABI entry: its type, and the mutabilities Pure and View


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract's settings; `message` is its SmartContract as sent, serialized."""

    origin: bytes
    percent: int  # of the energy that the caller pays
    origin_energy_limit: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A contract's dynamic energy state. `factor` is what comes on top of 1, in ten thousandths."""

    usage: int = 0
    factor: int = 0
    cycle: int = 0


def deployed(state: State, address: bytes) -> Deployed | None:
    found = state.get("contracts", address)
    assert found is None or isinstance(found, Deployed)  # noqa: S101  # what the table holds
    return found


def is_constant(found: Deployed, data: bytes) -> bool:
    """Whether the ABI says that the called function changes nothing (Wallet.isConstant)."""
    for entry in SmartContract.FromString(found.message).abi.entrys:
        signature = f"{entry.name}({','.join(each.type for each in entry.inputs)})"
        if entry.type == FUNCTION and keccak256(signature.encode())[:4] == data[:4]:
            return bool(entry.constant or entry.stateMutability in VIEWS)
    return False


def dynamic(state: State, address: bytes) -> Dynamic:
    found = state.get("contract_states", address) or Dynamic()
    assert isinstance(found, Dynamic)  # noqa: S101  # what the table holds
    return found


def set_factor(state: State, address: bytes, factor: int) -> Dynamic:
    return replace(dynamic(state, address), factor=factor)


def register_made(state: State, address: bytes, maker: bytes) -> None:
    """A contract that a contract has made: its caller pays all (Program.createContractImpl)."""
    if state.get("contracts", address) is None:
        made = SmartContract(
            origin_address=on_wire(maker), contract_address=on_wire(address), consume_user_resource_percent=100
        )
        state.put("contracts", address, Deployed(maker, 100, 0, made.SerializeToString()))
