"""Reading single values out of a node's JSON answer, strictly. A value that is not what it should be is a
MalformedAnswer, never a guess."""

from __future__ import annotations

import re
from typing import Any

from treasury.chains.addresses import checksummed
from treasury.chains.errors import MalformedAnswer
from treasury.chains.ports import BlockRef, TransactionInfo

_QUANTITY = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
_HASH = re.compile(r"0[xX][0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")
_DATA = re.compile(r"0[xX](?:[0-9a-fA-F]{2})*")


def quantity(value: Any, what: str) -> int:
    """A JSON-RPC quantity: hex text, leading zeros tolerated."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise MalformedAnswer(f"{what} is not a quantity: {_short(value)}")
    return int(value, 16)


def optional_quantity(value: Any, what: str, *, default: int = 0) -> int:
    """A quantity that not every node gives."""
    return default if value is None else quantity(value, what)


def hash32(value: Any, what: str) -> str:
    """A 32-byte hash in canonical form."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise MalformedAnswer(f"{what} is not a hash: {_short(value)}")
    return value.lower()


def address(value: Any, what: str) -> str:
    """An address, checksummed."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise MalformedAnswer(f"{what} is not an address: {_short(value)}")
    return checksummed(value)


def data(value: Any, what: str) -> bytes:
    """Bytes of any length."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise MalformedAnswer(f"{what} is not data: {_short(value)}")
    return bytes.fromhex(value[2:])


def mapping(value: Any, what: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise MalformedAnswer(f"{what} is not an object: {_short(value)}")
    return value


def block_ref(value: Any) -> BlockRef | None:
    """The answer of eth_getBlockByNumber; None for null."""
    if value is None:
        return None
    block = mapping(value, "block")
    return BlockRef(
        number=quantity(block.get("number"), "block number"),
        block_hash=hash32(block.get("hash"), "block hash"),
        parent_hash=hash32(block.get("parentHash"), "parent hash"),
        timestamp=quantity(block.get("timestamp"), "block timestamp"),
    )


def block_at(value: Any, number: int) -> BlockRef | None:
    """The same, for a question about one height: another height in the answer is malformed."""
    block = block_ref(value)
    if block is not None and block.number != number:
        raise MalformedAnswer(f"asked for block {number}, got {block.number}")
    return block


def transaction_info(value: Any) -> TransactionInfo | None:
    """The answer of eth_getTransactionByHash; None for null."""
    if value is None:
        return None
    given = mapping(value, "transaction")
    mined = given.get("blockHash") is not None and given.get("blockNumber") is not None
    return TransactionInfo(
        tx_hash=hash32(given.get("hash"), "transaction hash"),
        nonce=quantity(given.get("nonce"), "nonce"),
        sender=address(given.get("from"), "sender"),
        to=None if given.get("to") is None else address(given["to"], "recipient"),
        value_wei=quantity(given.get("value"), "value"),
        data=data(given.get("input", given.get("data")), "input"),
        block_number=quantity(given["blockNumber"], "block number") if mined else None,
        block_hash=hash32(given["blockHash"], "block hash") if mined else None,
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
