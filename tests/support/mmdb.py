"""Writes small MaxMind databases: the format's own bytes, so that the real readers read a real file.

https://maxmind.github.io/MaxMind-DB/: a binary tree of the addresses' bits, 16 zero bytes, the data, and the metadata.
"""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

MARK = b"\xab\xcd\xefMaxMind.com"
BITS = 128
STRING, DOUBLE, UINT16, UINT32, MAP, ARRAY, UINT64 = 2, 3, 5, 6, 7, 11, 9


def write(path: Path, database_type: str, networks: dict[str, Any]) -> Path:
    """A database of `database_type` that knows the record of each network."""
    data, records = b"", {}
    for network, record in networks.items():
        records[network] = len(data)
        data += _encoded(record)
    nodes: list[list[int | None]] = [[None, None]]
    for network, offset in records.items():
        _put(nodes, ipaddress.ip_network(network), offset)
    count = len(nodes)
    tree = b"".join(_record(side, count) for node in nodes for side in node)
    path.write_bytes(tree + bytes(16) + data + MARK + _encoded(_metadata(database_type, count)))
    return path


def _put(nodes: list[list[int | None]], network: Any, offset: int) -> None:
    """IPv4 lies in the first 32 bits below ::/96. A node is a number, data an offset below zero."""
    value, length = int(network.network_address), network.prefixlen
    if network.version == 4:
        length += 96
    node = 0
    for depth in range(length):
        side = (value >> (BITS - 1 - depth)) & 1
        if depth == length - 1:
            nodes[node][side] = -offset - 1
            return
        following = nodes[node][side]
        if following is None:
            nodes.append([None, None])
            following = nodes[node][side] = len(nodes) - 1
        node = following


def _record(side: int | None, count: int) -> bytes:
    number = count if side is None else side if side >= 0 else count + 16 + (-side - 1)
    return struct.pack(">I", number)


def _metadata(database_type: str, count: int) -> dict[str, Any]:
    return {
        "node_count": (UINT32, count),
        "record_size": (UINT16, 32),
        "ip_version": (UINT16, 6),
        "database_type": database_type,
        "languages": ["en", "ru"],
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1_790_000_000),
        "description": {"en": "made for a test"},
    }


def _encoded(value: Any) -> bytes:
    match value:
        case str():
            raw = value.encode()
            return _control(STRING, len(raw)) + raw
        case float():
            return _control(DOUBLE, 8) + struct.pack(">d", value)
        case (int(kind), int(number)):
            raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
            return _control(kind, len(raw)) + raw
        case list():
            return _control(ARRAY, len(value)) + b"".join(map(_encoded, value))
        case dict():
            return _control(MAP, len(value)) + b"".join(_encoded(k) + _encoded(v) for k, v in value.items())
        case _:
            raise TypeError(type(value))


def _control(kind: int, size: int) -> bytes:
    """The byte before a value: its type and size, both of them small here."""
    assert size < 29 + 256
    head, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | head]) + more if kind < 8 else bytes([head, kind - 7]) + more
