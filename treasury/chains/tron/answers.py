"""Reading single values out of a TRON node's answers, strictly. What is not what it should be is a MalformedAnswer.

java-tron leaves out fields that have their default value, and answers `{}` for what it does not find.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from treasury.chains.addresses import raw_tron_address, tron_address
from treasury.chains.errors import InvalidTransaction, MalformedAnswer
from treasury.chains.ports import BlockRef
from treasury.chains.tron.wire import bytes_field, varint_field

_HASH = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_ADDRESS = re.compile(r"41[0-9a-fA-F]{40}")


def integer(value: Any, what: str) -> int:
    """A whole number that is not negative; a missing one is 0."""
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise MalformedAnswer(f"{what} is not a number: {_short(value)}")
    return value


def hash32(value: Any, what: str) -> str:
    """A hash in canonical form."""
    if not isinstance(value, str) or not _HASH.fullmatch(value.lower()):
        raise MalformedAnswer(f"{what} is not a hash: {_short(value)}")
    return value.lower()


def data(value: Any, what: str) -> bytes:
    """Bytes in hex; missing ones are none."""
    if value is None:
        return b""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise MalformedAnswer(f"{what} is not data: {_short(value)}")
    return bytes.fromhex(value)


def address(value: Any, what: str) -> str:
    """An address in either of the node's forms (41 and 40 hex digits, or base58check), canonical."""
    return tron_address(raw_address(value, what)[1:])


def raw_address(value: Any, what: str) -> bytes:
    """The same as the 21 bytes that TRON signs over, 0x41 first."""
    if isinstance(value, str) and _ADDRESS.fullmatch(value):
        return bytes.fromhex(value)
    try:
        return raw_tron_address(str(value))
    except ValueError:
        raise MalformedAnswer(f"{what} is not an address: {_short(value)}") from None


def mapping(value: Any, what: str) -> dict[str, Any]:
    """A JSON object; a missing one is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedAnswer(f"{what} is not an object: {_short(value)}")
    return value


def sequence(value: Any, what: str) -> list[Any]:
    """A JSON array; a missing one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedAnswer(f"{what} is not a list: {_short(value)}")
    return value


def block_ref(value: Any) -> BlockRef | None:
    """A block's header; None for `{}`. `timestamp` comes in milliseconds and is kept in seconds.

    A block's id is its height and the hash of its header: a header that does not give the id is refused.
    """
    block = mapping(value, "block")
    if not block:
        return None
    raw = mapping(mapping(block.get("block_header"), "block header").get("raw_data"), "block header")
    number = integer(raw.get("number"), "block number")
    block_id = hash32(block.get("blockID"), "block id")
    if number and block_id != _block_id(raw, number):
        raise MalformedAnswer(f"the header of block {number} does not give its id")
    return BlockRef(
        number=number,
        block_hash=block_id,
        parent_hash=hash32(raw.get("parentHash"), "parent hash"),
        timestamp=integer(raw.get("timestamp"), "block timestamp") // 1000,
    )


def block_at(value: Any, number: int) -> BlockRef | None:
    """The same, for a question about one height: another height in the answer is malformed."""
    block = block_ref(value)
    if block is not None and block.number != number:
        raise MalformedAnswer(f"asked for block {number}, got {block.number}")
    return block


def timestamp_ms(value: Any) -> int:
    """The time in a block's header, milliseconds."""
    raw = mapping(mapping(mapping(value, "block").get("block_header"), "header").get("raw_data"), "header")
    return integer(raw.get("timestamp"), "block timestamp")


def _block_id(raw: dict[str, Any], number: int) -> str:
    """Fields of BlockHeader.raw: tronprotocol/protocol, core/Tron.proto; the id: java-tron, BlockCapsule.BlockId."""
    try:
        header = b"".join(
            (
                varint_field(1, integer(raw.get("timestamp"), "block timestamp")),
                bytes_field(2, data(raw.get("txTrieRoot"), "transactions' root")),
                bytes_field(3, data(raw.get("parentHash"), "parent hash")),
                varint_field(7, number),
                varint_field(8, integer(raw.get("witness_id"), "witness id")),
                bytes_field(9, raw_address(raw.get("witness_address"), "witness")),
                varint_field(10, integer(raw.get("version"), "version")),
                bytes_field(11, data(raw.get("accountStateRoot"), "accounts' root")),
            )
        )
    except InvalidTransaction as error:
        raise MalformedAnswer(f"a header that cannot be: {error.message}") from None
    return number.to_bytes(8, "big").hex() + sha256(header).hexdigest()[16:]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
