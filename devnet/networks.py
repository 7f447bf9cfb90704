"""The networks file of the local chains: what `NETWORKS_FILE` names in the demo and in the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devnet.anvil import ARBITRUM, BSC, CHAINS, Chain

# anvil's first development account deploys the token with its first transaction, so its address is known beforehand.
TOKEN_ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"

TRON = "tron"
CODES = (TRON, *CHAINS)
"""Every local network, in the order of the pages: most retail USDT moves on TRON."""

# What the first block of the local TRON chain gives (devnet/tron/genesis.py); a test compares.
TRON_CHAIN_ID = 3_380_385_443
TRON_TOKEN = "TVfS8BLQri4h2ucs2cJEUEPgrEELbf99dJ"

NAMES = {TRON: "TRON", **{code: chain.name for code, chain in CHAINS.items()}}

COMMON: dict[str, Any] = {
    "asset": "USDT",
    "block_seconds": 1.0,
    "min_deposit_micro": 1_000_000,
    # Not above the signer's own cap for one payment (SIGNER_PAYMENT_CAP_MICRO, 50,000 USDT unless set): people could
    # approve what the signer then refuses.
    "max_withdrawal_micro": 50_000_000_000,
}
EVM: dict[str, Any] = {
    "family": "evm",
    "finality": "depth",
    "gas_limit_max": 500_000,
    "scan_max_blocks": 2_000,
    "scan_overlap_blocks": 10,
    "scan_head_lag_blocks": 0,
}
OWN: dict[str, dict[str, Any]] = {
    TRON: {
        "family": "tron",
        "name": "TRON",
        "chain_id": TRON_CHAIN_ID,
        "token_contract": TRON_TOKEN,
        "token_decimals": 6,
        "native_symbol": "TRX",
        "finality": "tag",
        "confirmations": 18,
        "block_seconds": 0.5,
        "withdrawal_fee_micro": 1_000_000,
        "min_withdrawal_micro": 5_000_000,
        "fee_policy": "tron",
        "fee_limit_sun_max": 100_000_000,
        "energy_price_sun_max": 500,
        "expiration_seconds": 600,
        "native_price_micro": 300_000,
        "scan_max_blocks": 100,  # of a busy chain 26 MB
        "scan_overlap_blocks": 0,
        "endpoint_max_lag_blocks": 10,
        "explorer_tx_url": "https://tronscan.org/#/transaction/{hash}",
    },
    ARBITRUM.code: {
        "confirmations": 5,
        "withdrawal_fee_micro": 1_000_000,
        "min_withdrawal_micro": 2_000_000,
        "fee_policy": "arbitrum",
        "priority_fee_floor_wei": 0,
        "max_fee_cap_wei": 100_000_000_000,
        "explorer_tx_url": "https://arbiscan.io/tx/{hash}",
    },
    BSC.code: {
        "confirmations": 3,
        "withdrawal_fee_micro": 500_000,
        "min_withdrawal_micro": 1_500_000,
        "fee_policy": "bsc",
        "priority_fee_floor_wei": 50_000_000,
        "max_fee_cap_wei": 100_000_000_000,
        "explorer_tx_url": "https://bscscan.com/tx/{hash}",
    },
}


def network(chain: Chain, *, rpc_urls: Sequence[str], token: str = TOKEN_ADDRESS, **changes: Any) -> dict[str, Any]:
    """The settings of one local chain; `changes` override single keys."""
    own = {
        "name": chain.name,
        "chain_id": chain.chain_id,
        "rpc_urls": list(rpc_urls),
        "token_contract": token,
        "token_decimals": chain.token_decimals,
        "native_symbol": chain.native_symbol,
    }
    return COMMON | EVM | own | OWN[chain.code] | changes


def tron(*, rpc_urls: Sequence[str], **changes: Any) -> dict[str, Any]:
    """The settings of the local TRON chain."""
    return COMMON | OWN[TRON] | {"rpc_urls": list(rpc_urls)} | changes


def of(code: str, *, rpc_urls: Sequence[str], **changes: Any) -> dict[str, Any]:
    """The settings of one of `CODES`."""
    if code == TRON:
        return tron(rpc_urls=rpc_urls, **changes)
    return network(CHAINS[code], rpc_urls=rpc_urls, **changes)


def to_toml(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a networks file. JSON's strings, numbers and lists of them read the same in TOML."""
    lines = []
    for code, keys in networks.items():
        lines.append(f"[{code}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        lines.append("")
    return "\n".join(lines)


def write(path: Path, networks: Mapping[str, Mapping[str, Any]]) -> None:
    """Replaces the networks file as a whole, so that no process ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(to_toml(networks), encoding="utf-8")
    draft.replace(path)
