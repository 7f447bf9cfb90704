"""Reading a network for deposits, range by range, and never past a place where the chain changed under us.

Each range is read outside any transaction, then stored in one that moves the cursor from exactly where the range
began: what the cursor passed is in the database, whoever else scans at the same time and wherever this process dies.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.db import transaction

from treasury import failpoints
from treasury.alarms import raise_alarm, resolve_alarm
from treasury.chains import registry
from treasury.chains.errors import BlockNotAvailable, ReorgInFlight
from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ChainAdapter, ScannedRange
from treasury.deposits import cursors
from treasury.deposits.cursors import Cursor, CursorMoved
from treasury.deposits.reorgs import Rewound, rewind_to, rewind_to_common_block, take_back
from treasury.deposits.storing import store_transfers
from treasury.models import Alarm, Deposit

logger = logging.getLogger(__name__)

RANGES_PER_RUN = 20
"""A run ends after so many ranges, however far behind it is: the next one goes on. Others want the worker too."""

SECONDS_PER_RUN = 30.0
"""Nor does it read on after this long: what was found waits to be confirmed."""

REWINDS_PER_RUN = 3

SHOWN_AT_ONCE = 1_000
"""Deposits above the final block that are compared with the chain in one run."""


@dataclass(slots=True)
class ScanReport:
    """What one run did. `behind`: blocks between the cursor and the head when it ended."""

    network: str
    scanned_to: int = 0
    head: int = 0
    ranges: int = 0
    logs: int = 0
    stored: int = 0
    rewinds: int = 0
    note: str = ""

    @property
    def behind(self) -> int:
        return max(self.head - self.scanned_to, 0)


def scan_deposits(network_code: str, *, max_ranges: int = RANGES_PER_RUN) -> ScanReport:
    """Read on from the cursor to the head, at most `max_ranges` ranges. Safe to run twice at once, and to kill.

    A halted network is read too (its deposits wait, uncredited). Raises the chain errors of `DepositSource`; what was
    stored before one of them stays. A run that finds the chain changing under it ends early, with a note.
    """
    network, chain = registry.network(network_code), registry.adapter(network_code)
    run = _Run(network, chain, ScanReport(network_code))
    try:
        run.go(max_ranges)
    except (CursorMoved, ReorgInFlight, BlockNotAvailable) as ended:
        run.report.note = f"{type(ended).__name__}: {ended}"
        logger.info("scan of %s ended early: %s", network_code, run.report.note)
    return run.report


def rewind_scan(network_code: str, *, to_block: int) -> Rewound:
    """An operator's decision: believe the chain as it is now from `to_block` on, and read it again from there.

    Deposits above it that the chain no longer has are taken back, credited ones too. Raises ValueError if `to_block`
    is above the cursor or the chain has no such block.
    """
    network, chain = registry.network(network_code), registry.adapter(network_code)
    position = cursors.position_of(network)
    block = chain.block(to_block)
    if position is None or block is None or to_block > position.cursor.number:
        raise ValueError(f"cannot rewind {network_code} to block {to_block}")
    return rewind_to(network, chain, position, Cursor(block.number, block.block_hash))


class _Ahead:
    """Up to which unfinal block this process has shown deposits. Forgotten with the process: it only saves reading."""

    def __init__(self) -> None:
        self._last: dict[str, BlockRef] = {}

    def next_block(self, network_code: str, chain: ChainAdapter, cursor: Cursor) -> int:
        """The first block to show: behind what was shown, or behind the cursor if that was replaced."""
        last = self._last.get(network_code)
        if last is None or last.number <= cursor.number or chain.block(last.number) != last:
            return cursor.number + 1
        return last.number + 1

    def seen(self, network_code: str, block: BlockRef) -> None:
        self._last[network_code] = block


_ahead = _Ahead()


class _Run:
    """One run over one network: where the cursor is, and what was done."""

    def __init__(self, network: Network, chain: ChainAdapter, report: ScanReport) -> None:
        self.network = network
        self.chain = chain
        self.report = report
        from treasury.address_filter import pool_filter  # numpy: only who scans loads it

        self.wanted = pool_filter(network.family)

    def go(self, max_ranges: int) -> None:
        head, final = self.chain.head(), self.chain.finalized()
        self.position = cursors.position_of(self.network) or cursors.begin(self.network, self.chain, final)
        self._at(self.position.cursor)
        self.report.head = head.number
        cursors.record_heights(self.network.code, head=head, final=None)
        if not self._stands_on_chain(head):
            return
        cursors.record_heights(self.network.code, head=head, final=final)
        if not self.network.reads_ahead:
            self._read_on(head.number - self.network.scan_head_lag_blocks, max_ranges)
            return
        self._read_on(final.number, max_ranges)
        if self.position.cursor.number == final.number:
            self._look_ahead(head)

    # --- is the cursor's block still there? ---------------------------------------------------------------------

    def _stands_on_chain(self, head: BlockRef) -> bool:
        """Read the last blocks once more, for logs that the node did not have at once; rewind if they were replaced.

        False: there is nothing to read on from now.
        """
        for _ in range(REWINDS_PER_RUN):
            if head.number < self.position.cursor.number:
                if self._is_only_behind(head):
                    return False
            elif self._read_overlap():
                return True
            if not self._rewind():
                return False
        self.report.note = "the chain keeps changing"
        return False

    def _is_only_behind(self, head: BlockRef) -> bool:
        """Whether a chain that is shorter than what we read is the same chain as far as it goes."""
        known = next((point for point in cursors.retained(self.network.code) if point.number <= head.number), None)
        block = self.chain.block(known.number) if known else None
        if known is None or block is None or block.block_hash != known.block_hash:
            return False
        self.report.note = "the node is behind what was scanned"
        if head.number < self.position.finalized_number:
            raise_alarm(
                key=f"chain_behind:{self.network.code}",
                severity=Alarm.Severity.CRITICAL,
                network=self.network.code,
                message="The chain is shorter than what was final: its nodes are behind, or forgot blocks.",
                facts={"head": head.number, "final": self.position.finalized_number},
            )
        return True

    def _read_overlap(self) -> bool:
        """Whether the last blocks up to the cursor are still those that were read."""
        cursor = self.position.cursor
        first = max(cursor.number - self.network.scan_overlap_blocks + 1, 1)
        if first > cursor.number:
            block = self.chain.block(cursor.number)
            return block is not None and block.block_hash == cursor.block_hash
        ranges = list(self.chain.scan(first, cursor.number, self.wanted))
        if ranges[-1].last.block_hash != cursor.block_hash:
            return False
        transfers = [transfer for each in ranges for transfer in each.transfers]
        if transfers:
            with transaction.atomic(durable=True):
                cursors.move(self.network.code, found=cursor, to=cursor)
                self.report.stored += store_transfers(self.network, transfers)
        return True

    def _rewind(self) -> bool:
        """Go back to the newest block that the chain still has. False: there is none among those that we know."""
        rewound = rewind_to_common_block(self.network, self.chain, self.position)
        if rewound is None:
            self.report.note = "the chain does not hold any block that was read"
            return False
        self.report.rewinds += 1
        self.position = rewound.position
        self._at(self.position.cursor)
        return True

    # --- reading on ---------------------------------------------------------------------------------------------

    def _read_on(self, last_block: int, max_ranges: int) -> None:
        resolve_alarm(key=f"chain_behind:{self.network.code}", actor_label="system:watcher")
        first = self.position.cursor.number + 1
        if first > last_block or max_ranges <= 0:
            return
        give_way = time.monotonic() + SECONDS_PER_RUN
        for found in self.chain.scan(first, last_block, self.wanted):
            cursor = self.position.cursor
            if found.before is None or found.before.block_hash != cursor.block_hash:
                self.report.note = "the chain changed while it was read"  # the next run finds the common block
                return
            self._store(found, cursor)
            self.report.ranges += 1
            self.report.logs += found.logs_seen
            if self.report.ranges >= max_ranges or time.monotonic() > give_way:
                return

    def _look_ahead(self, head: BlockRef) -> None:
        """Show what blocks hold that are not final yet. The cursor stays: they are read again once they are final, and
        what was shown of a block that was taken back is taken back too."""
        first = _ahead.next_block(self.network.code, self.chain, self.position.cursor)
        if first == self.position.cursor.number + 1:
            self._take_back_replaced()
        if first > head.number:
            return
        for found in self.chain.scan(first, head.number, self.wanted):
            if found.transfers:
                with transaction.atomic(durable=True):
                    self.report.stored += store_transfers(self.network, found.transfers)
                failpoints.hit("after_scan_commit")
            self.report.logs += found.logs_seen
            _ahead.seen(self.network.code, found.last)

    def _take_back_replaced(self) -> None:
        """Deposits that were shown of blocks which the chain does not have any more."""
        shown = list(
            Deposit.objects.filter(network=self.network.code, state=Deposit.State.SEEN)
            .order_by("-block_number")
            .values_list("pk", "block_number", "block_hash")[:SHOWN_AT_ONCE]
        )
        blocks = {number: self.chain.block(number) for number in sorted({number for _, number, _ in shown})}
        gone = [
            pk
            for pk, number, block_hash in shown
            if (block := blocks[number]) is not None and block.block_hash != block_hash
        ]
        if gone:
            with transaction.atomic(durable=True):
                take_back(self.network, gone, reason="its block was replaced before it was final")
            self.report.rewinds += 1

    def _store(self, found: ScannedRange, cursor: Cursor) -> None:
        reached = Cursor(found.last.number, found.last.block_hash)
        with transaction.atomic(durable=True):
            cursors.move(self.network.code, found=cursor, to=reached)
            self.report.stored += store_transfers(self.network, found.transfers)
            cursors.remember(self.network.code, [reached])
            failpoints.hit("before_scan_commit")
        failpoints.hit("after_scan_commit")
        self.position = cursors.Position(reached, self.position.finalized_number)
        self._at(reached)

    def _at(self, cursor: Cursor) -> None:
        self.report.scanned_to = cursor.number
