"""The local TRON node for a figure: funded wallets, what it took, and what is in its blocks."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.support import Bench
from devnet import networks
from devnet.anvil import free_port
from devnet.tron.server import TronNode
from treasury.chains.addresses import raw_tron_address, tron_address

BLOCK_MS = 3_000  # as on the real network
BLOCKS_BEFORE = 25  # so that what is solid is no genesis block
TRX = 1_000_000  # sun


def start(bench: Bench, *, block_ms: int = BLOCK_MS) -> TronNode:
    """A node of this run's own, in memory."""
    log = bench.folder / "tron.log"
    node = TronNode(port=free_port(), control_port=free_port(), log=log, block_ms=block_ms, solid_lag=18)
    node.start()
    return node


def attached(url: str, control_url: str) -> TronNode:
    """The same node, from another process."""
    port, control_port = (int(each.rpartition(":")[2]) for each in (url, control_url))
    return TronNode(port=port, control_port=control_port, log=Path("/dev/null"))


def fund(node: TronNode, wallet: str, *, tokens: int) -> None:
    """The wallet has so many more of the token's smallest unit, TRX enough, and nothing waits."""
    node.fund(wallet, 1_000_000 * TRX)
    node.mint(wallet, tokens)
    node.mine(BLOCKS_BEFORE)


def held(node: TronNode, wallet: str) -> int:
    """The wallet's tokens less what waits in the pool. No fault touches this; the pool itself would cost more."""
    asked = {"owner_address": wallet, "contract_address": networks.TRON_TOKEN, "visible": True}
    parameter = raw_tron_address(wallet)[1:].rjust(32, b"\0").hex()
    answer = node.ask(
        "honest/wallet/triggerconstantcontract", function_selector="balanceOf(address)", parameter=parameter, **asked
    )
    return int(answer["constant_result"][0], 16)


def taken(node: TronNode) -> set[str]:
    """Transactions that wait in the node's pool."""
    return set(node.control("status")["pool"])


def in_blocks(node: TronNode, first: int) -> list[dict[str, Any]]:
    """Receipts of all blocks from `first` to the head."""
    return [
        receipt
        for number in range(first, node.height + 1)
        for receipt in node.ask("wallet/gettransactioninfobyblocknum", num=number, timeout=60)
    ]


def recipient(label: str, number: int) -> str:
    """An address that never held anything."""
    return tron_address(sha256(f"{label}:{number}".encode()).digest()[:20])
