"""The node's HTTP API below /wallet and /walletsolidity: one function per path."""

from devnet.tron.wallet import accounts, blocks, building, chain, constant, sending, transactions
from devnet.tron.wallet.registry import ENDPOINTS, Request

__all__ = ["ENDPOINTS", "Request", "accounts", "blocks", "building", "chain", "constant", "sending", "transactions"]
