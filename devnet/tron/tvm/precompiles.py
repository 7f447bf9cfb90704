"""Contracts that are part of the machine. Source: java-tron, vm/PrecompiledContracts.java.

0x09 and 0x0a (checks of many signatures at once), and those above 0x10000, are not here: a call to them finds no code.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from eth import constants
from eth._utils.address import force_bytes_to_address
from eth._utils.numeric import ceil32
from eth.precompiles.ecadd import ecadd
from eth.precompiles.ecmul import ecmul
from eth.precompiles.ecpairing import ecpairing
from eth.precompiles.ecrecover import ecrecover as plain_ecrecover
from eth.vm.forks.byzantium.computation import BYZANTIUM_PRECOMPILES
from eth.vm.forks.istanbul.constants import GAS_ECADD, GAS_ECMUL, GAS_ECPAIRING_BASE, GAS_ECPAIRING_PER_POINT


def ecrecover(computation: Any) -> Any:
    """Gives an address as TRON writes it, with 0x41 in front."""
    plain_ecrecover(computation)
    if found := computation.output:
        computation.output = bytes(11) + b"\x41" + found[12:]
    return computation


def not_quite_ripemd160(computation: Any) -> Any:
    """What stands at 0x03 on TRON: the SHA-256 of the first twenty bytes of the SHA-256."""
    words = ceil32(len(computation.msg.data)) // 32
    computation.consume_gas(constants.GAS_RIPEMD160 + words * constants.GAS_RIPEMD160WORD, "RIPEMD160")
    computation.output = sha256(sha256(computation.msg.data_as_bytes).digest()[:20]).digest()
    return computation


PRECOMPILES: dict[bytes, Callable[[Any], Any]] = {
    **BYZANTIUM_PRECOMPILES,
    force_bytes_to_address(b"\x01"): ecrecover,
    force_bytes_to_address(b"\x03"): not_quite_ripemd160,
    force_bytes_to_address(b"\x06"): ecadd(gas_cost=GAS_ECADD),
    force_bytes_to_address(b"\x07"): ecmul(gas_cost=GAS_ECMUL),
    force_bytes_to_address(b"\x08"): ecpairing(
        gas_cost_base=GAS_ECPAIRING_BASE, gas_cost_per_point=GAS_ECPAIRING_PER_POINT
    ),
}
