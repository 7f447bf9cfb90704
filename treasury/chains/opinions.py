"""What the other endpoints of a network say: the same questions for every family of chains.

A node that hides a transfer must not make us miss it, so a range is read from all that can be reached, and what any of
them shows counts as seen. A node that invents one must not have it credited, so all have to agree before that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from treasury.chains.endpoints import EndpointPool
from treasury.chains.http import HttpClient
from treasury.chains.network import Network
from treasury.chains.ports import AddressFilter, BlockRef, Receipt, ScannedRange, SecondOpinions, Transfer
from treasury.chains.ranges import scan_ranges

logger = logging.getLogger(__name__)

type Told = tuple[int, str, bool, tuple[Transfer, ...]]
"""What endpoints have to agree on of a receipt: its block, its status, its transfers."""


class AsksAll[C: HttpClient]:
    """What is asked of several endpoints, over an adapter's own questions to one."""

    network: Network
    _pool: EndpointPool[C]

    def _block_of(self, client: C, number: int) -> BlockRef | None:
        raise NotImplementedError

    def _receipts_of(self, client: C, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        raise NotImplementedError

    def _transfers_of(self, client: C, first: int, last: int, wanted: AddressFilter) -> ScannedRange:
        raise NotImplementedError

    def transfers(self, first_block: int, last_block: int, wanted: AddressFilter) -> ScannedRange:
        if not 0 <= first_block <= last_block:
            raise ValueError(f"not a range of blocks: {first_block} to {last_block}")
        ask = partial(self._transfers_of, first=first_block, last=last_block, wanted=wanted)
        found, endpoint = self._pool.read_from(ask)
        if len(self._pool.endpoints) < 2:
            return found
        known = {(each.tx_hash, each.ordinal) for each in found.transfers}
        beside: dict[tuple[str, int], Transfer] = {}
        for other in self._pool.each_reachable(ask, but=endpoint):
            if other.last == found.last:
                for transfer in other.transfers:
                    if (transfer.tx_hash, transfer.ordinal) not in known:
                        beside.setdefault((transfer.tx_hash, transfer.ordinal), transfer)
        if not beside:
            return found
        logger.warning("blocks %s to %s: another node shows %s transfers more", first_block, last_block, len(beside))
        return replace(found, transfers=(*found.transfers, *beside.values()))

    def scan(self, first_block: int, last_block: int, wanted: AddressFilter) -> Iterator[ScannedRange]:
        return scan_ranges(self, first_block, last_block, wanted, widest=self.network.scan_max_blocks)

    def second_opinions(self, receipts: Sequence[Receipt], final: BlockRef) -> SecondOpinions:
        if not receipts or len(self._pool.endpoints) < 2:
            return SecondOpinions()
        ours = {each.tx_hash: _told(each) for each in receipts}
        told = self._pool.each_reachable(partial(self._tell, ours=ours, final=final))
        return SecondOpinions(
            contradicted=frozenset(tx_hash for opinions, _ in told for tx_hash in opinions),
            unseen=frozenset(tx_hash for _, unseen in told for tx_hash in unseen),
        )

    def _tell(self, client: C, ours: Mapping[str, Told], final: BlockRef) -> tuple[frozenset[str], frozenset[str]]:
        """Of which hashes one endpoint says something else, and which it does not have while its chain is shorter."""
        block = self._block_of(client, final.number)
        if block is not None and block.block_hash != final.block_hash:
            return frozenset(ours), frozenset()
        found = self._receipts_of(client, list(ours))
        missing = frozenset(tx_hash for tx_hash, each in zip(ours, found, strict=True) if each is None)
        other = frozenset(each.tx_hash for each in found if each and _told(each) != ours.get(each.tx_hash))
        return (other, missing) if block is None else (other | missing, frozenset())


def _told(receipt: Receipt) -> Told:
    return receipt.block_number, receipt.block_hash, receipt.succeeded, receipt.transfers
