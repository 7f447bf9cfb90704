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
from binascii import unhexlify
from collections.abc import Sequence

import numpy as np
from django.db import DataError, connection
from numpy.typing import NDArray

BITMAP_BYTES = 2**25
# Of a 32-bit word the upper 25 bits name a byte of the bitmap, the lowest three a bit of that byte.
_TO_BYTE = 7
_BIT = 7
_WORDS_IN_ADDRESS = 5  # 20 bytes
ROWS_AT_ONCE = 200_000
BYTES_OF_ADDRESS = 8  # of each are read: what two words of the bitmap need

# The first eight bytes of each address, the first and last id, over the next rows of the pool.
_NEXT_ROWS = """
    SELECT min(id), max(id), count(*), string_agg(decode(substr(address, 3, 16), 'hex'), ''::bytea ORDER BY id)
    FROM (SELECT id, address FROM treasury_depositaddress
          WHERE family = %s AND id >= %s ORDER BY id LIMIT %s) AS next_rows
"""
# The same with TRON's addresses whole: the bytes are behind a change of base.
_NEXT_TRON_ROWS = """
    SELECT min(id), max(id), count(*), string_agg(convert_to(address, 'LATIN1'), ''::bytea ORDER BY id)
    FROM (SELECT id, CASE WHEN address ~ '^T[1-9A-HJ-NP-Za-km-z]{33}$' THEN address
                          ELSE 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb' END AS address
          FROM treasury_depositaddress WHERE family = %s AND id >= %s ORDER BY id LIMIT %s) AS next_rows
"""
# The same where a row was spoilt by somebody: it must not keep all others from being watched. Slower.
_NEXT_ROWS_WITH_SPOILT_ONES = _NEXT_ROWS.replace(
    "SELECT id, address FROM",
    """SELECT id, CASE WHEN address ~ '^0x[0-9a-fA-F]{40}$' THEN address ELSE '0x' || repeat('0', 40) END AS address
          FROM""",
)


class PoolFilter:
    """An `AddressFilter` (see `chains.ports`) over the pool of one family of addresses."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._bits = np.zeros(BITMAP_BYTES, dtype=np.uint8)
        self._last_id = 0
        self._last_slice = b""
        self._last_text = b""
        self.size = 0

    def pick(self, recipients: bytes) -> Sequence[int]:
        """Positions of the recipients that may be ours, ascending; see `AddressFilter.pick`."""
        if not recipients:
            return []
        self.refresh()
        # All look-ups at once: one by one, each would wait for its own miss of the processor's caches.
        words = np.frombuffer(unhexlify(recipients), dtype=np.uint32).reshape(-1, _WORDS_IN_ADDRESS)
        passed = np.flatnonzero(self._has(words[:, 0]))
        return [int(position) for position in passed[self._has(words[passed, 1])]]

    def _has(self, words: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether the bit that each word names is set."""
        return (self._bits[words >> _TO_BYTE] >> (words & _BIT) & 1).astype(bool)

    def refresh(self) -> None:
        """Take in the rows that were added to the pool since the last time."""
        with self._lock:
            while self._take_next_rows():
                pass

    def _take_next_rows(self) -> bool:
        """Whether there may be more. The last row is read again each time: is this still the same database?"""
        first_id, last_id, count, slices = self._next_rows()
        if self._last_id and (first_id != self._last_id or not slices.startswith(self._last_slice)):
            self._forget()  # a database was put in place of ours, from a backup perhaps: ids start anew
            return True
        if last_id is None or last_id == self._last_id:
            return False
        self._set(slices[len(self._last_slice) :])
        self.size += count - bool(self._last_id)
        self._last_id, self._last_slice = last_id, slices[-8:]
        return count == ROWS_AT_ONCE

    def _next_rows(self) -> tuple[int | None, int | None, int, bytes]:
        if self.family == "tron":
            first_id, last_id, count, texts = self._read(_NEXT_TRON_ROWS)
            if self._last_id and texts == self._last_text:  # nothing new, as nearly always
                return first_id, last_id, count, self._last_slice
            self._last_text = texts[-_TRON_TEXT:]
            return first_id, last_id, count, account_heads(texts)
        try:
            first_id, last_id, count, slices = self._read(_NEXT_ROWS)
            if len(slices) != BYTES_OF_ADDRESS * count:
                raise DataError("a row holds another text than an address")
        except DataError:
            first_id, last_id, count, slices = self._read(_NEXT_ROWS_WITH_SPOILT_ONES)
        return first_id, last_id, count, slices

    def _read(self, query: str) -> tuple[int | None, int | None, int, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(query, [self.family, self._last_id, ROWS_AT_ONCE])
            first_id, last_id, count, slices = cursor.fetchone()
        return first_id, last_id, count, bytes(slices or b"")

    def _set(self, slices: bytes) -> None:
        words = np.frombuffer(slices, dtype=np.uint32)
        np.bitwise_or.at(self._bits, words >> _TO_BYTE, np.left_shift(1, words & _BIT).astype(np.uint8))


def account_heads(texts: bytes) -> bytes:
    """The first eight of the twenty bytes behind each of many TRON addresses, 34 base58 digits each, all at once.

    The checksums are not looked at: an address that is none passes nobody's money.
    """
    digits = _BASE58_VALUES[np.frombuffer(texts, dtype=np.uint8).reshape(-1, _TRON_TEXT)]
    limbs = np.zeros((_LIMBS, len(digits)), dtype=np.uint64)  # of 32 bits each, the lowest first
    for column in digits.T:
        carry = column.astype(np.uint64)
        for limb in limbs:
            carry += limb * np.uint64(58)
            limb[:] = carry & _LOW_32
            carry >>= np.uint64(32)
    # 25 bytes: one of prefix, twenty of the account, four of checksum. The account's first eight are bytes 16 to 23.
    first = (limbs[5] << np.uint64(32)) | limbs[4]
    return first.astype(">u8").tobytes()


_TRON_TEXT = 34
_LIMBS = 7
_LOW_32 = np.uint64(0xFFFFFFFF)
_BASE58_VALUES = np.zeros(256, dtype=np.uint8)
for _value, _digit in enumerate(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"):
    _BASE58_VALUES[_digit] = _value

_filters: dict[str, PoolFilter] = {}
_filters_lock = threading.Lock()


def pool_filter(family: str) -> PoolFilter:
    """This process's filter for `family`; empty until its first `pick` or `refresh`."""
    with _filters_lock:
        if family not in _filters:
            _filters[family] = PoolFilter(family)
        return _filters[family]
