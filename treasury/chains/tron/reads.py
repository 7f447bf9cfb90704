"""Reading a TRON network for deposits, on the node's raw answers.

What moves the cursor is read from `/walletsolidity`, where nothing is taken back; the blocks above it are read from
`/wallet`, to show what is on its way. A block counts as read once the node has a receipt for each of its transactions.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from treasury.chains import errors
from treasury.chains.endpoints import EndpointPool
from treasury.chains.network import Network
from treasury.chains.ports import (
    MAX_FOREIGN_RECIPIENTS,
    RECIPIENT_DIGITS,
    AddressFilter,
    BlockRef,
    ExactAddresses,
    ForeignTransfer,
    ScannedRange,
    Transfer,
)
from treasury.chains.tron import answers as read
from treasury.chains.tron.client import HEAD, SOLID, TronClient
from treasury.chains.tron.infos import BlockInfos, foreign_transfers

AT_ONCE = 8
"""Questions to one node at a time: its API takes one each."""


class TronReads:
    """The DepositSource half of the adapter (see ports.py for what each method promises)."""

    network: Network
    _pool: EndpointPool[TronClient]
    _workers: ThreadPoolExecutor
    _contract_digits: str  # the token's address in logs: 40 hex digits

    def head(self) -> BlockRef:
        self._pool.compare_heads(self._head_of)
        return self._pool.read(self._head_of)

    def finalized(self) -> BlockRef:
        self._pool.compare_heads(self._head_of)
        return self._pool.read(self._finalized_of)

    def block(self, number: int) -> BlockRef | None:
        return self._pool.read(lambda client: self._block_of(client, number))

    def foreign_transfers(
        self, first_block: int, last_block: int, recipients: Sequence[str]
    ) -> tuple[ForeignTransfer, ...]:
        _check_range(first_block, last_block)
        if len(recipients) > MAX_FOREIGN_RECIPIENTS:
            raise ValueError(f"at most {MAX_FOREIGN_RECIPIENTS} recipients at once")
        if not recipients:
            return ()
        asked_for = frozenset(recipients)
        wanted = ExactAddresses(recipients)

        def ask(client: TronClient) -> tuple[ForeignTransfer, ...]:
            found: list[ForeignTransfer] = []
            for infos in self._read_blocks(client, first_block, last_block)[1]:
                if wanted.pick(infos.recipients):
                    found += foreign_transfers(infos.parsed, infos.block, self._contract_digits, asked_for)
            return tuple(found)

        return self._pool.read(ask)

    # --- one node's view ---

    def _head_of(self, client: TronClient) -> BlockRef:
        """The newest block, if the node's own chain has it at that height: else it lies about its height."""
        head = self._in_its_chain(client, read.block_ref(client.ask(f"{HEAD}getblock", detail=False)))
        self._pool.note_head(client, head)
        return head

    def _finalized_of(self, client: TronClient) -> BlockRef:
        """What the node calls solid, and never less than `confirmations` below its head."""
        head = self._head_of(client)
        solid = read.block_ref(client.ask(f"{SOLID}getblock", detail=False))
        if solid is None or solid.number > head.number:
            raise errors.MalformedAnswer("no solid block, or one above the head")
        below = max(0, min(solid.number, head.number - self.network.confirmations))
        block = self._block_of(client, below)
        if block is None or (below == solid.number and block != solid):
            raise errors.MalformedAnswer(f"the solid block {solid.number} is not the node's own")
        return block

    def _block_of(self, client: TronClient, number: int) -> BlockRef | None:
        return read.block_at(client.ask(f"{HEAD}getblock", id_or_num=str(number), detail=False), number)

    def _in_its_chain(self, client: TronClient, block: BlockRef | None) -> BlockRef:
        if block is None:
            raise errors.MalformedAnswer("the node has no block")
        if self._block_of(client, block.number) != block:
            raise errors.MalformedAnswer(f"the node's own chain has another block {block.number}, or none")
        return block

    def _transfers_of(self, client: TronClient, first: int, last: int, wanted: AddressFilter) -> ScannedRange:
        before, blocks = self._read_blocks(client, first, last)
        begins = list(itertools.accumulate((len(each.recipients) // RECIPIENT_DIGITS for each in blocks), initial=0))
        logs_seen = begins.pop()
        ours: dict[int, list[int]] = {}  # of which blocks, which recipients
        for position in wanted.pick(b"".join(each.recipients for each in blocks)):
            at = bisect_right(begins, position) - 1
            ours.setdefault(at, []).append(position - begins[at])
        transfers: list[Transfer] = []
        for at, places in sorted(ours.items()):
            transfers += blocks[at].transfers(places, self._contract_digits, self.network.token_contract)
        return ScannedRange(
            first_block=first,
            last=blocks[-1].block,
            before=before,
            transfers=tuple(transfers),
            logs_seen=logs_seen,
        )

    def _read_blocks(self, client: TronClient, first: int, last: int) -> tuple[BlockRef | None, list[BlockInfos]]:
        """The block before the range, and the range's blocks with their receipts, linked to each other."""
        solid = read.block_ref(client.ask(f"{SOLID}getblock", detail=False))
        numbers = range(max(first - 1, 0), last + 1)
        blocks = self._at_once(partial(self._block_of, client), numbers)
        if any(block is None for block in blocks):
            raise errors.BlockNotAvailable(f"block {last} is not there yet")
        known = [block for block in blocks if block is not None]
        for one, next_one in itertools.pairwise(known):
            if next_one.parent_hash != one.block_hash:
                raise errors.ReorgInFlight(f"block {next_one.number} does not stand on block {one.number}")
        wanted = known if first == 0 else known[1:]
        solid_number = solid.number if solid is not None else 0
        infos = self._at_once(partial(_infos_of, client, solid_number=solid_number), wanted)
        if last > solid_number and self._block_of(client, last) != wanted[-1]:
            raise errors.ReorgInFlight(f"block {last} changed while its receipts were read")
        return (None if first == 0 else known[0]), infos

    def _at_once[A, T](self, ask: Callable[[A], T], items: Sequence[A]) -> list[T]:
        """Several questions to one node at once, in their order; an error is raised."""
        if len(items) == 1:
            return [ask(items[0])]
        each = -(-len(items) // AT_ONCE)  # single ones cost more to hand over than to ask
        shares = [items[at : at + each] for at in range(0, len(items), each)]
        answers = self._workers.map(lambda share: [ask(item) for item in share], shares)
        return list(itertools.chain.from_iterable(answers))


def _infos_of(client: TronClient, block: BlockRef, *, solid_number: int) -> BlockInfos:
    if block.number == 0:
        return BlockInfos(block, 0, b"[]")  # what the first block holds was never executed
    side = SOLID if block.number <= solid_number else HEAD
    count = client.mapping(f"{side}gettransactioncountbyblocknum", num=block.number)
    body = client.ask_for_bytes(f"{side}gettransactioninfobyblocknum", num=block.number)
    if body.lstrip()[:1] != b"[":
        client.parsed(body, side)  # an error, perhaps; else it has no receipts, and is read as such
    return BlockInfos(block, read.integer(count.get("count"), "number of transactions"), body)


def _check_range(first: int, last: int) -> None:
    if not 0 <= first <= last:
        raise ValueError(f"not a range of blocks: {first} to {last}")
