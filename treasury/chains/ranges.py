"""Reading a long stretch of blocks in pieces that the node accepts. Pure: works over any DepositSource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from treasury.chains.errors import RangeRefused
from treasury.chains.ports import AddressFilter, ScannedRange


class _ReadsTransfers(Protocol):
    def transfers(self, first_block: int, last_block: int, wanted: AddressFilter) -> ScannedRange: ...


def scan_ranges(
    source: _ReadsTransfers, first_block: int, last_block: int, wanted: AddressFilter, *, widest: int
) -> Iterator[ScannedRange]:
    """Consecutive ranges from `first_block` to `last_block`, each of at most `widest` blocks.

    Halves where the node refuses a range, and widens again by a quarter with each success: a node's limit on results
    makes some stretches narrow, and doubling at once would ask for a refusal every other time.
    Raises RangeRefused if a single block is refused.
    """
    width = widest
    at = first_block
    while at <= last_block:
        end = min(at + width - 1, last_block)
        try:
            found = source.transfers(at, end, wanted)
        except RangeRefused:
            if at == end:
                raise
            width = (end - at + 1) // 2
            continue
        yield found
        at = end + 1
        width = min(widest, width + width // 4 + 1)
