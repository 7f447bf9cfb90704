"""When the chain takes blocks back: find the last common one, go back, undo what only the lost blocks held."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts import activity, freezes, outbox
from accounts.models import UserProfile
from treasury import failpoints, halts, ledger
from treasury.alarms import raise_alarm
from treasury.chains.network import Network
from treasury.chains.ports import ChainAdapter
from treasury.deposits import cursors, postings
from treasury.deposits.cursors import Cursor, Position
from treasury.models import Alarm, Deposit, NetworkState, ScannedBlock

logger = logging.getLogger(__name__)

PROCESS = "watcher"
GONE = (Deposit.State.ORPHANED, Deposit.State.REVERSED)
BOOKED = (Deposit.State.CREDITED, Deposit.State.SUSPENDED, Deposit.State.BELOW_MINIMUM)
TRIES = 5


@dataclass(frozen=True, slots=True)
class Rewound:
    """Where the cursor is now, and how many deposits the chain took back."""

    position: Position
    taken_back: int


def rewind_to_common_block(network: Network, chain: ChainAdapter, position: Position) -> Rewound | None:
    """Go back to the newest known block that the chain still has, and take back what only the lost blocks held.

    A reorg below what was final halts the network as well: its payments may be undone too. None, and a halt, if the
    chain has none of the known blocks: then nothing was touched, and only `rewind_scan` goes on.
    Raises CursorMoved, and the chain's errors.
    """
    common = _newest_common(chain, cursors.retained(network.code))
    if common is None:
        halts.halt_network(
            network.code,
            "The chain holds none of the blocks that were read. It was replaced, or reorganised deeper than is known.",
        )
        return None
    logger.warning("%s: reorg, back from block %s to %s", network.code, position.cursor.number, common.number)
    return rewind_to(network, chain, position, common)


def _newest_common(chain: ChainAdapter, points: Sequence[Cursor]) -> Cursor | None:
    """The highest of `points` (highest first) that is on the chain: all below it are, none above it."""
    low, high = 0, len(points)
    while low < high:
        middle = (low + high) // 2
        block = chain.block(points[middle].number)
        if block is not None and block.block_hash == points[middle].block_hash:
            high = middle
        else:
            low = middle + 1
    return points[low] if low < len(points) else None


def rewind_to(network: Network, chain: ChainAdapter, position: Position, common: Cursor) -> Rewound:
    """Set the cursor back to `common`, forget the hashes above it, and take back deposits that are not there now."""
    gone = _not_on_chain(network, chain, common)
    reached = min(position.cursor, common, key=lambda cursor: cursor.number)
    final_undone = common.number < position.finalized_number
    with transaction.atomic(durable=True):
        cursors.move(network.code, found=position.cursor, to=reached)
        ScannedBlock.objects.filter(network=network.code, number__gt=common.number).delete()
        cursors.remember(network.code, [common])
        if final_undone:
            NetworkState.objects.filter(network=network.code).update(finalized_number=common.number)
            halts.halt_network(
                network.code,
                f"The chain was reorganised from block {common.number + 1} on,"
                f" although block {position.finalized_number} was final.",
            )
        taken_back = take_back(network, gone, reason="its block is no longer on the chain")
        failpoints.hit("before_rewind_commit")
    failpoints.hit("after_rewind_commit")
    return Rewound(Position(reached, min(position.finalized_number, common.number)), taken_back)


def _not_on_chain(network: Network, chain: ChainAdapter, common: Cursor) -> list[int]:
    """Deposits above `common` whose block is not the chain's block at that height."""
    rows = list(
        Deposit.objects.filter(network=network.code, block_number__gt=common.number)
        .exclude(state__in=GONE)
        .values_list("id", "block_number", "block_hash")
    )
    heights = sorted({number for _, number, _ in rows})
    blocks = {height: chain.block(height) for height in heights}
    return [
        deposit_id
        for deposit_id, number, block_hash in rows
        if (block := blocks[number]) is None or block.block_hash != block_hash
    ]


def take_back(network: Network, deposit_ids: Sequence[int], *, reason: str) -> int:
    """Undo deposits that the chain no longer holds; returns how many there were. Call it inside a transaction.

    What was not booked is orphaned. What was booked is reversed in the ledger; a customer whose credit is taken back
    may not withdraw until somebody has looked, and the network halts, because what it called final was not.
    """
    if not deposit_ids:
        return 0
    rows = list(
        Deposit.objects.select_for_update(of=("self",))
        .select_related("deposit_address")
        .filter(pk__in=deposit_ids)
        .exclude(state__in=GONE)
        .order_by("pk")
    )
    booked = [row for row in rows if row.state in BOOKED]
    Deposit.objects.filter(pk__in=[row.pk for row in rows if row.state not in BOOKED]).update(
        state=Deposit.State.ORPHANED, orphaned_at=timezone.now(), confirmed_at=None
    )
    if booked:
        lock_customers({credited_customer_id(row) for row in booked})
        for row in booked:
            _reverse(row, reason)
        halts.halt_network(network.code, f"{len(booked)} booked deposits were taken back: {reason}.")
    for row in rows:
        logger.warning("%s: deposit %s (%s) taken back: %s", network.code, row.pk, row.state, reason)
    return len(rows)


def lock_customers(customer_ids: set[int | None]) -> None:
    """Whoever reads a customer's balance to decide on a posting holds this lock; in order of their ids."""
    known = sorted(customer_id for customer_id in customer_ids if customer_id is not None)
    list(UserProfile.objects.select_for_update().filter(user_id__in=known).order_by("user_id").values_list("pk"))


def _reverse(row: Deposit, reason: str) -> None:
    booked = booked_of(row)
    customer_id = credited_customer_id(row)
    facts = {
        "network": row.network,
        "tx_hash": row.tx_hash,
        "ordinal": row.ordinal,
        "amount_micro": row.amount_micro,
        "inclusion": row.inclusion,
        "reason": reason,
    }
    if row.state == Deposit.State.CREDITED and customer_id is not None:
        owed_micro = _reverse_credit(booked, customer_id)
        facts["owed_micro"] = owed_micro
        freezes.freeze_withdrawals(
            user_id=customer_id,
            reason=f"A credited deposit was taken back by the chain: {row.network} {row.tx_hash}",
            process=PROCESS,
        )
        facts["customer_id"] = customer_id
        _tell(row, customer_id, owed_micro)
    else:
        ledger.post(*postings.reverse_suspended(booked))
    Deposit.objects.filter(pk=row.pk).update(state=Deposit.State.REVERSED, orphaned_at=timezone.now())
    activity.record(actor=None, action="deposit.reversed", target=row, facts=facts, process=PROCESS)
    raise_alarm(
        key=f"deposit_reversed:{booked.key}",
        severity=Alarm.Severity.CRITICAL,
        network=row.network,
        message="The chain took back a deposit that was final and booked.",
        facts=facts,
    )


def _tell(row: Deposit, customer_id: int, owed_micro: int) -> None:
    """The customer hears why the balance is smaller, in the commit that makes it so."""
    outbox.queue_mails(
        [
            outbox.Mail(
                key=f"deposit_reversed:{row.pk}:{row.inclusion}",
                template="deposit_reversed",
                user_id=customer_id,
                facts={
                    "deposit_id": row.pk,
                    "network": row.network,
                    "amount_micro": row.amount_micro,
                    "owed_micro": owed_micro,
                    "tx_hash": row.tx_hash,
                },
            )
        ]
    )


def _reverse_credit(booked: postings.Booked, customer_id: int) -> int:
    """Take what is available, note the rest as owed; returns what is owed. Others may spend at the same moment."""
    for attempt in range(TRIES):
        has = ledger.balance(postings.available(customer_id)) if attempt < TRIES - 1 else 0
        wanted = postings.reverse_credit(booked, customer_id=customer_id, available_micro=has)
        try:
            with transaction.atomic():
                ledger.post(*wanted)
        except ledger.InsufficientFunds:
            continue
        return max(booked.amount_micro - max(has, 0), 0)
    raise AssertionError("a reversal that takes nothing from the customer cannot lack funds")


def credited_customer_id(row: Deposit) -> int | None:
    """Whose the deposit is, or would be."""
    return row.credited_to_id or row.deposit_address.customer_id


def booked_of(row: Deposit) -> postings.Booked:
    """What the ledger's side needs of a row."""
    return postings.Booked(
        deposit_id=row.pk,
        inclusion=row.inclusion,
        network=row.network,
        amount_micro=row.amount_micro,
        dust_raw=row.dust_raw,
    )
