"""After a chain has forgotten final payments: the same bytes again, and nothing else.

An operator's tool for a halted network. Nothing is signed, no order changes: a payment that was made and lost is made
again by the transaction that made it, which can be mined only once at its nonce.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from treasury.broadcasts.rows import hot_wallet
from treasury.chains import registry
from treasury.chains.ports import ChainAdapter, Receipt
from treasury.models import Broadcast

PAGE = 100
MIXED_UP = 1_000
"""More payments than are ever under way at once on a network without nonces."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """`resent`: bytes handed to the node again. `waiting`: mined again, not final yet. `back`: final again, noted.

    `different`: final again with another result than before, or lost and expired; those are for a person.
    """

    resent: int
    waiting: int
    back: int
    different: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether the chain shows everything that was final."""
        return not (self.resent or self.waiting or self.different)


def resend_lost_payments(network_code: str) -> Recovery:
    """Look for final broadcasts that the chain no longer has, and send their bytes again, lowest nonces first.

    Run it until it is complete, then resume the network. Raises ChainError if the chain cannot be asked.
    """
    wallet = hot_wallet(network_code)
    chain = registry.adapter(network_code)
    lost = _lost(chain, wallet.pk) if wallet is not None else []
    receipts = chain.receipts([row.tx_hash or "" for row in lost])
    block = chain.finalized()
    final, final_ms = block.number, block.timestamp * 1000
    back: list[tuple[Broadcast, Receipt]] = []
    missing: list[bytes] = []
    different: list[str] = []
    waiting = 0
    for row, receipt in zip(lost, receipts, strict=True):
        if receipt is None and row.expiration_ms is not None and row.expiration_ms < final_ms:
            different.append(row.tx_hash or "")  # these bytes are taken by nobody any more
        elif receipt is None:
            missing.append(bytes(row.signed_bytes or b""))
        elif receipt.block_number > final:
            waiting += 1
        elif receipt.succeeded is not (row.state == Broadcast.State.FINAL_OK):
            different.append(receipt.tx_hash)
        else:
            back.append((row, receipt))
    if missing:
        chain.send_raw_many(missing)
    with transaction.atomic(durable=True):
        for row, receipt in back:
            Broadcast.objects.filter(pk=row.pk).update(block_number=receipt.block_number, block_hash=receipt.block_hash)
    return Recovery(resent=len(missing), waiting=waiting, back=len(back), different=tuple(different))


def _lost(chain: ChainAdapter, wallet_id: int) -> list[Broadcast]:
    """Final broadcasts whose block is not the chain's, lowest nonce first.

    Read from the newest backwards to the first that is still there: what is below a canonical block is canonical.
    Where no nonce orders them, blocks need not follow our numbers: there it is the last MIXED_UP that have to be there.
    """
    there = 0
    lost: list[Broadcast] = []
    canonical: dict[int, str | None] = {}
    rows = Broadcast.objects.filter(wallet_id=wallet_id, final_at__isnull=False).order_by("-nonce")
    for row in rows.iterator(chunk_size=PAGE):
        number = row.block_number or 0
        if number not in canonical:
            block = chain.block(number)
            canonical[number] = block.block_hash if block is not None else None
        if canonical[number] == row.block_hash:
            there += 1
            if row.expiration_ms is None or there >= MIXED_UP:
                break
            continue
        lost.append(row)
    return lost[::-1]
