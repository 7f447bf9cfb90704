"""The protobuf wire format, as much of it as TRON's transactions use: varints and bytes. Pure.

Own, because what is signed must be what was decided: the decoder takes one encoding of a message only (ascending
fields, shortest varints, no defaults, no unknown fields), which a library's parser does not check. The format:
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treasury.chains.errors import InvalidTransaction

VARINT, BYTES = 0, 2
_MAX_INT64 = 2**63 - 1


def varint_field(number: int, value: int) -> bytes:
    """A field of an integer, left out if it is 0. Raises InvalidTransaction for what no non-negative int64 holds."""
    if type(value) is not int or not 0 <= value <= _MAX_INT64:
        raise InvalidTransaction(f"field {number} is out of range: {value!r}")
    return _varint(number << 3 | VARINT) + _varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A field of bytes, text or a message, left out if it is empty."""
    return message_field(number, value) if value else b""


def message_field(number: int, value: bytes) -> bytes:
    """A field that is written even if it is empty: a member of a repeated one."""
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


class Fields:
    """One message, read. Each field once, but for `repeated` ones."""

    def __init__(self, encoded: bytes, *, kinds: Mapping[int, int], repeated: frozenset[int] = frozenset()) -> None:
        """`kinds`: the numbers of all fields that may be there, each VARINT or BYTES.

        Raises InvalidTransaction for anything that this module would not have written.
        """
        self._found: dict[int, list[int | bytes]] = {}
        last = 0
        for number, value in _read(encoded, kinds):
            again = number == last and number in repeated
            if number <= last and not again:
                raise InvalidTransaction(f"field {number} is out of order")
            if not value and number not in repeated:
                raise InvalidTransaction(f"field {number} is written though it is empty")
            self._found.setdefault(number, []).append(value)
            last = number

    def integer(self, number: int) -> int:
        """The field, 0 if it is not there."""
        value = self._found.get(number, [0])[0]
        if not isinstance(value, int):
            raise InvalidTransaction(f"field {number} is no integer")
        return value

    def data(self, number: int) -> bytes:
        """The field, empty if it is not there."""
        value = self._found.get(number, [b""])[0]
        if not isinstance(value, bytes):
            raise InvalidTransaction(f"field {number} is no bytes")
        return value

    def all_data(self, number: int) -> list[bytes]:
        """Every occurrence of a repeated field."""
        return [value for value in self._found.get(number, []) if isinstance(value, bytes)]


def _read(encoded: bytes, kinds: Mapping[int, int]) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(encoded):
        tag, at = _read_varint(encoded, at)
        number, kind = tag >> 3, tag & 7
        if kinds.get(number) != kind:
            raise InvalidTransaction(f"an unknown field: {number}, of wire type {kind}")
        value, at = _read_varint(encoded, at)
        if kind == VARINT:
            yield number, value
            continue
        end = at + value
        if end > len(encoded):
            raise InvalidTransaction("the message ends within a field")
        yield number, encoded[at:end]
        at = end


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(encoded: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(encoded) or shift > 63:
            raise InvalidTransaction("not a varint")
        byte = encoded[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if byte == 0 and shift > 7:
                raise InvalidTransaction("a varint with needless zeros")
            if value > _MAX_INT64:
                raise InvalidTransaction("an integer beyond 63 bits")
            return value, at
