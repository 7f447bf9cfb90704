"""Which recipients may be ours: a bitmap of fixed size per address family and process, whatever the pool's size.

An address is the end of a hash, so slices of it are as good as hashes of it: each address sets two bits, named by 28
bits of its first and of its second four bytes. With ten million addresses one stranger in two hundred passes; the join
with the pool, where the deposits are stored, tells them from ours. An address of the pool always passes.

The bitmap follows the pool by id: the signer takes a lock before it draws ids, so they become visible in order. It is
brought up to date in `pick`, that is after a range's logs were read: an address that received money in that range was
shown to somebody before, and committed before that.
"""

from __future__ import annotations

import threading
from array import array
from binascii import unhexlify
from collections.abc import Sequence
from itertools import compress

from django.db import DataError, connection

BITMAP_BYTES = 2**25
# Of a 32-bit word the upper 25 bits name a byte of the bitmap, the lowest three a bit of that byte.
_TO_BYTE = 7
_BIT = 7
_WORDS_IN_ADDRESS = 5  # 20 bytes
ROWS_AT_ONCE = 200_000

# The first eight bytes of each address, the first and last id, over the next rows of the pool.
_NEXT_ROWS = """
    SELECT min(id), max(id), count(*), string_agg(decode(substr(address, 3, 16), 'hex'), ''::bytea ORDER BY id)
    FROM (SELECT id, address FROM treasury_depositaddress
          WHERE family = %s AND id >= %s ORDER BY id LIMIT %s) AS next_rows
"""
# The same where a row was spoilt by somebody: it must not keep all others from being watched. Slower.
_NEXT_ROWS_WITH_SPOILT_ONES = _NEXT_ROWS.replace(
    "SELECT id, address FROM",
    """SELECT id, CASE WHEN address ~ '^0x[0-9a-fA-F]{40}$' THEN address ELSE '0x' || repeat('0', 40) END AS address
          FROM""",
)


class PoolFilter:
    """An `AddressFilter` (see `chains.ports`) over the pool of one family of hexadecimal addresses."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._bits = bytearray(BITMAP_BYTES)
        self._last_id = 0
        self._last_slice = b""
        self.size = 0

    def pick(self, recipients: Sequence[bytes]) -> Sequence[int]:
        """Positions of the recipients that may be ours, ascending; see `AddressFilter.pick`."""
        if not recipients:
            return []
        self.refresh()
        words = array("I", unhexlify(b"".join(recipients)))
        first, second, bits = words[::_WORDS_IN_ADDRESS], words[1::_WORDS_IN_ADDRESS], self._bits
        # The loop over all of them is C's; most meet an empty byte, and only the others are looked at closely.
        found = map(bits.__getitem__, [word >> _TO_BYTE for word in first])
        return [
            position
            for position in compress(range(len(first)), found)
            if bits[(word := first[position]) >> _TO_BYTE] >> (word & _BIT) & 1
            and bits[(word := second[position]) >> _TO_BYTE] >> (word & _BIT) & 1
        ]

    def refresh(self) -> None:
        """Take in the rows that were added to the pool since the last time."""
        with self._lock:
            while self._take_next_rows():
                pass

    def _take_next_rows(self) -> bool:
        """Whether there may be more. The last row is read again each time: is this still the same database?"""
        try:
            first_id, last_id, count, slices = self._read(_NEXT_ROWS)
        except DataError:
            first_id, last_id, count, slices = self._read(_NEXT_ROWS_WITH_SPOILT_ONES)
        if self._last_id and (first_id != self._last_id or not slices.startswith(self._last_slice)):
            self._forget()  # a database was put in place of ours, from a backup perhaps: ids start anew
            return True
        if last_id is None or last_id == self._last_id:
            return False
        self._set(slices[len(self._last_slice) :])
        self.size += count - bool(self._last_id)
        self._last_id, self._last_slice = last_id, slices[-8:]
        return count == ROWS_AT_ONCE

    def _read(self, query: str) -> tuple[int | None, int | None, int, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(query, [self.family, self._last_id, ROWS_AT_ONCE])
            first_id, last_id, count, slices = cursor.fetchone()
        return first_id, last_id, count, bytes(slices or b"")

    def _set(self, slices: bytes) -> None:
        bits = self._bits
        for word in array("I", slices):
            bits[word >> _TO_BYTE] |= 1 << (word & _BIT)


_filters: dict[str, PoolFilter] = {}
_filters_lock = threading.Lock()


def pool_filter(family: str) -> PoolFilter:
    """This process's filter for `family`; empty until its first `pick` or `refresh`."""
    with _filters_lock:
        if family not in _filters:
            _filters[family] = PoolFilter(family)
        return _filters[family]
