"""Making a block: its header, its id, the root over its transactions, and the witness who signs it.

chainbase/src/main/java/org/tron/core/capsule/BlockCapsule.java and utils/MerkleTree.java of java-tron.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from devnet.tron import protocol
from devnet.tron.addresses import Key, on_wire, sha256
from devnet.tron.protocol import Message
from devnet.tron.store import Mined

WITNESSES = 27
VERSION = 32  # of the block's format, as of java-tron 4.8
NO_HASH = bytes(32)


@lru_cache(maxsize=4)
def witnesses(seed: str) -> tuple[Key, ...]:
    return tuple(Key.derived(seed, f"witness {index}") for index in range(WITNESSES))


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """sha256 over pairs; an odd one out is passed up as it is."""
    level = list(leaves) or [NO_HASH]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [sha256(pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def block_id(number: int, header_hash: bytes) -> bytes:
    return number.to_bytes(8) + header_hash[8:]


def make_block(
    *,
    number: int,
    parent: bytes,
    time_ms: int,
    witness: Key | None,
    transactions: Sequence[Message],
    infos: list[Message],
) -> Mined:
    """A block of these transactions, with their receipts; nobody signs the genesis block."""
    message = protocol.Block()
    for each in transactions:
        message.transactions.append(each)
    raw = message.block_header.raw_data
    raw.timestamp, raw.number, raw.parentHash = time_ms, number, parent
    raw.txTrieRoot = merkle_root([sha256(each.SerializeToString()) for each in transactions])
    if witness is not None:
        raw.version = VERSION
        raw.witness_address = on_wire(witness.address)
    digest = sha256(raw.SerializeToString())
    if witness is not None:
        message.block_header.witness_signature = witness.sign(digest)
    for info in infos:
        info.blockNumber, info.blockTimeStamp = number, time_ms
    return Mined(number=number, id=block_id(number, digest), time_ms=time_ms, message=message, infos=infos)
