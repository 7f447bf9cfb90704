"""What the settings say about one network, checked once and frozen. Pure: `registry.py` brings the settings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from treasury.chains.addresses import is_canonical, parse_address
from treasury.chains.errors import ConfigurationError, InvalidAddress

MICRO_DECIMALS = 6
"""The ledger's unit for USDT is 10^-6."""


class Finality(StrEnum):
    DEPTH = "depth"  # `confirmations` blocks on top
    TAG = "tag"  # the node's `finalized` block


class FeePolicy(StrEnum):
    ARBITRUM = "arbitrum"  # base fee moves fast, tips are not collected: max fee >= 2 x base fee
    BSC = "bsc"  # base fee 0: the node's suggested tip, not below the floor
    TRON = "tron"  # energy and bandwidth at the chain's prices, capped by each transaction's fee_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network of NETWORKS_FILE. Amounts `_micro` are 10^-6 USDT, `_raw` the token's own unit, `_wei` and `_sun`
    native. `chain_id` of a TRON network is the last four bytes of its first block's id, as wallets have it.
    """

    code: str
    family: str
    name: str
    asset: str
    chain_id: int
    rpc_urls: tuple[str, ...]
    token_contract: str
    token_decimals: int
    native_symbol: str
    finality: Finality
    confirmations: int
    block_seconds: float
    min_deposit_micro: int
    withdrawal_fee_micro: int
    min_withdrawal_micro: int
    max_withdrawal_micro: int
    fee_policy: FeePolicy
    # Of EVM networks.
    priority_fee_floor_wei: int = 0
    max_fee_cap_wei: int = 0
    gas_limit_max: int = 0
    # Of TRON: the most that one transaction may burn, what is added to an estimate of energy (the factor of a busy
    # contract rises every six hours), the highest price of energy, how long a transaction lives, what a TRX is worth.
    fee_limit_sun_max: int = 0
    energy_margin_percent: int = 20
    energy_price_sun_max: int = 0
    expiration_seconds: int = 600
    native_price_micro: int = 0
    scan_max_blocks: int
    scan_overlap_blocks: int
    scan_head_lag_blocks: int = 0
    explorer_tx_url: str = ""
    rpc_timeout_seconds: float = 10.0
    rpc_batch_size: int = 100
    rpc_max_answer_bytes: int = 128 * 1024 * 1024
    endpoint_max_lag_blocks: int = 20

    @property
    def micro_in_raw(self) -> int:
        """Raw token units in one micro: 1 for 6 decimals, 10^12 for 18."""
        return int(10 ** (self.token_decimals - MICRO_DECIMALS))

    def raw_to_micro(self, amount_raw: int) -> tuple[int, int]:
        """(whole micros, what is left in raw units): the second is the dust of a token with more than 6 decimals."""
        if amount_raw < 0:
            raise ValueError("a token amount is never negative")
        return divmod(amount_raw, self.micro_in_raw)

    def micro_to_raw(self, amount_micro: int) -> int:
        """Raw token units, exact."""
        if amount_micro < 0:
            raise ValueError("a token amount is never negative")
        return amount_micro * self.micro_in_raw

    @property
    def native_decimals(self) -> int:
        """Decimals of the native coin: 18 for wei, 6 for sun."""
        return 6 if self.family == "tron" else 18

    @property
    def reads_ahead(self) -> bool:
        """Whether the scan's cursor stays on final blocks, and what lies above them is only shown as confirming."""
        return self.family == "tron"

    def explorer_url(self, tx_hash: str) -> str:
        """Where people look the transaction up, "" if none is configured."""
        return self.explorer_tx_url.replace("{hash}", tx_hash)


def network_from_settings(code: str, given: dict[str, Any]) -> Network:
    """Build and check one network. Raises ConfigurationError that names the network, the key and what is wrong."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,31}", code):
        raise ConfigurationError(f"network code {code!r}: lower-case letters, digits and _ only")
    fields = {field.name: field for field in dataclasses.fields(Network) if field.name != "code"}
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise ConfigurationError(f"unknown keys: {', '.join(unknown)}", network=code)
    needed = _NEEDED_BY.get(str(given.get("family")), frozenset())
    missing = sorted(
        name
        for name, field in fields.items()
        if (field.default is dataclasses.MISSING or name in needed) and name not in given
    )
    if missing:
        raise ConfigurationError(f"missing keys: {', '.join(missing)}", network=code)
    network = Network(code=code, **{name: _typed(code, name, str(fields[name].type), given[name]) for name in given})
    for wrong in _contradictions(network):
        raise ConfigurationError(wrong, network=code)
    return network


_NEEDED_BY = {
    "evm": frozenset({"priority_fee_floor_wei", "max_fee_cap_wei", "gas_limit_max"}),
    "tron": frozenset({"fee_limit_sun_max", "energy_price_sun_max", "native_price_micro"}),
}
"""Keys without which a network of the family cannot pay."""


def _typed(code: str, name: str, wanted: str, value: object) -> Any:
    read, what = _READERS[wanted]
    try:
        return read(value)
    except ValueError:
        raise ConfigurationError(f"{name} must be {what}, not {value!r}", network=code) from None


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:  # `type is`: True is an int too
        raise ValueError
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(_text(item) for item in value)


_READERS: dict[str, tuple[Callable[[object], Any], str]] = {
    "int": (_whole, "a whole number, not negative"),
    "float": (_seconds, "a number of seconds"),
    "str": (_text, "text"),
    "tuple[str, ...]": (_texts, "a list of texts"),
    "Finality": (lambda value: Finality(str(value)), " or ".join(Finality)),
    "FeePolicy": (lambda value: FeePolicy(str(value)), " or ".join(FeePolicy)),
}


def _contradictions(network: Network) -> list[str]:
    checks = (
        (network.family in _NEEDED_BY, "family must be evm or tron"),
        (_has_its_policy(network), "fee_policy is not one of this family"),
        (network.chain_id > 0, "chain_id must be positive"),
        (bool(network.rpc_urls), "rpc_urls is empty"),
        (len(set(network.rpc_urls)) == len(network.rpc_urls), "rpc_urls names one endpoint twice"),
        (all(_is_http(url) for url in network.rpc_urls), "rpc_urls must be http:// or https://"),
        (_is_address(network), "token_contract is not a checksummed address of this family"),
        (MICRO_DECIMALS <= network.token_decimals <= 30, "token_decimals must be 6 to 30"),
        (network.finality is Finality.TAG or network.confirmations > 0, "confirmations must be at least 1"),
        (0 < network.block_seconds <= 600, "block_seconds must be above 0, at most 600"),
        (0 < network.min_withdrawal_micro <= network.max_withdrawal_micro, "min_withdrawal_micro to max is empty"),
        (
            network.min_withdrawal_micro > network.withdrawal_fee_micro,
            "min_withdrawal_micro must exceed withdrawal_fee_micro",
        ),
        *(_evm_contradictions(network) if network.family == "evm" else _tron_contradictions(network)),
        (network.scan_max_blocks > 0, "scan_max_blocks must be positive"),
        (network.scan_overlap_blocks < network.scan_max_blocks, "scan_overlap_blocks must be below scan_max_blocks"),
        (0 < network.rpc_timeout_seconds <= 120, "rpc_timeout_seconds must be above 0, at most 120"),
        (0 < network.rpc_batch_size <= 1000, "rpc_batch_size must be 1 to 1000"),
        (network.rpc_max_answer_bytes >= 1024 * 1024, "rpc_max_answer_bytes must be at least 1 MiB"),
        (network.endpoint_max_lag_blocks > 0, "endpoint_max_lag_blocks must be positive"),
        (not network.explorer_tx_url or "{hash}" in network.explorer_tx_url, "explorer_tx_url lacks {hash}"),
    )
    return [message for holds, message in checks if not holds]


def _evm_contradictions(network: Network) -> tuple[tuple[bool, str], ...]:
    return (
        (network.max_fee_cap_wei > network.priority_fee_floor_wei, "max_fee_cap_wei must exceed the tip's floor"),
        (network.gas_limit_max >= 50_000, "gas_limit_max is below what a token transfer costs"),
    )


def _tron_contradictions(network: Network) -> tuple[tuple[bool, str], ...]:
    return (
        (0 < network.fee_limit_sun_max <= 15_000_000_000, "fee_limit_sun_max must be 1 to 15,000 TRX, in sun"),
        (network.energy_price_sun_max > 0, "energy_price_sun_max must be positive"),
        (5 <= network.energy_margin_percent <= 500, "energy_margin_percent must be 5 to 500"),
        (60 <= network.expiration_seconds <= 3600, "expiration_seconds must be 60 to 3600"),
        (network.native_price_micro > 0, "native_price_micro must be positive"),
        (network.finality is Finality.TAG, "finality must be tag: TRON's nodes say what is solid"),
        (network.scan_overlap_blocks == 0, "scan_overlap_blocks must be 0: only what is solid moves the cursor"),
    )


def _has_its_policy(network: Network) -> bool:
    return (network.fee_policy is FeePolicy.TRON) == (network.family == "tron")


def _is_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_address(network: Network) -> bool:
    try:
        return is_canonical(network.family, network.token_contract) and bool(
            parse_address(network.family, network.token_contract)
        )
    except (InvalidAddress, ValueError):
        return False
