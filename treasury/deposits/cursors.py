"""How far a network has been read: one row that moves only from where the mover found it, and hashes to hold on to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Min
from django.utils import timezone

from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ChainAdapter
from treasury.models import DepositAddress, NetworkState, ScannedBlock

RETAINED_HASHES = 1000
"""Known (height, hash) points per network: some twenty minutes of scans. A reorg below them is for an operator."""

BEFORE_FIRST_ADDRESS = timedelta(hours=1)
"""How long before the first deposit address was given out the scan of a new network starts; clocks differ."""


class CursorMoved(Exception):
    """Another scanner was faster: the cursor is not where this one found it. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to `number` is read, and the chain was the one on which that block has `block_hash`."""

    number: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class Position:
    """A network's cursor and the highest block that was ever final."""

    cursor: Cursor
    finalized_number: int


def position_of(network: Network) -> Position | None:
    """Where the scan of this network stands; None if it never began."""
    state = NetworkState.objects.filter(network=network.code).exclude(scanned_hash="").first()
    if state is None:
        return None
    return Position(Cursor(state.scanned_number, state.scanned_hash), state.finalized_number)


def begin(network: Network, chain: ChainAdapter, final: BlockRef) -> Position:
    """Start the scan of a network: at the final block, or early enough for every address that was given out already."""
    start = _first_block_of_interest(network, chain, final)
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO treasury_networkstate (network, scanned_number, scanned_hash, scanned_at, head_number,
                                               finalized_number, foreign_number, foreign_last_number,
                                               foreign_address_id, halt_reason)
            VALUES (%(network)s, %(number)s, %(block_hash)s, %(now)s, 0, 0, %(number)s, 0, 0, '')
            ON CONFLICT (network) DO UPDATE
                SET scanned_number = EXCLUDED.scanned_number, scanned_hash = EXCLUDED.scanned_hash,
                    scanned_at = EXCLUDED.scanned_at, foreign_number = EXCLUDED.foreign_number
                WHERE treasury_networkstate.scanned_hash = ''
            """,
            {"network": network.code, "number": start.number, "block_hash": start.block_hash, "now": now},
        )
    position = position_of(network)
    if position is None:
        raise AssertionError("the cursor that was just written is not there")
    return position


def _first_block_of_interest(network: Network, chain: ChainAdapter, final: BlockRef) -> BlockRef:
    first = DepositAddress.objects.filter(family=network.family).aggregate(at=Min("assigned_at"))["at"]
    if first is None:
        return final
    wanted = int((first - BEFORE_FIRST_ADDRESS).timestamp())
    if final.timestamp <= wanted:
        return final
    low, high = 0, final.number  # the block at `high` is too young, or we are done
    while low < high:
        middle = (low + high) // 2
        block = chain.block(middle)
        if block is not None and block.timestamp <= wanted:
            low = middle + 1
        else:
            high = middle
    return chain.block(max(low - 1, 0)) or final


def move(network_code: str, *, found: Cursor, to: Cursor) -> None:
    """Move the cursor from where it was found; locks its row until the commit. Raises CursorMoved."""
    moved = NetworkState.objects.filter(
        network=network_code, scanned_number=found.number, scanned_hash=found.block_hash
    ).update(scanned_number=to.number, scanned_hash=to.block_hash, scanned_at=timezone.now())
    if moved != 1:
        raise CursorMoved(network_code)


def record_heights(network_code: str, *, head: BlockRef, final: BlockRef | None) -> None:
    """Keep what the chain says of itself, for pages and readiness. `final` None: only that the head was seen."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE treasury_networkstate
            SET head_number = %s, head_seen_at = %s, finalized_number = GREATEST(finalized_number, %s)
            WHERE network = %s
            """,
            [head.number, now, final.number if final else 0, network_code],
        )
    if final is not None:
        remember(network_code, [Cursor(final.number, final.block_hash)])


def remember(network_code: str, points: Iterable[Cursor]) -> None:
    """Retain hashes, and let go of the oldest beyond RETAINED_HASHES."""
    wanted = list(points)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH let_go AS (
                DELETE FROM treasury_scannedblock WHERE network = %(network)s AND number <
                    (SELECT number FROM treasury_scannedblock WHERE network = %(network)s
                     ORDER BY number DESC OFFSET %(before)s LIMIT 1)
            )
            INSERT INTO treasury_scannedblock (network, number, block_hash)
            SELECT %(network)s, number, block_hash
            FROM unnest(%(numbers)s::bigint[], %(hashes)s::text[]) AS point (number, block_hash)
            ON CONFLICT (network, number) DO UPDATE SET block_hash = EXCLUDED.block_hash
                WHERE treasury_scannedblock.block_hash <> EXCLUDED.block_hash
            """,
            {
                "network": network_code,
                "numbers": [point.number for point in wanted],
                "hashes": [point.block_hash for point in wanted],
                "before": RETAINED_HASHES - 2,
            },
        )


def retained(network_code: str) -> list[Cursor]:
    """Known points, highest first."""
    rows = ScannedBlock.objects.filter(network=network_code).order_by("-number").values_list("number", "block_hash")
    return [Cursor(number, block_hash) for number, block_hash in rows]
