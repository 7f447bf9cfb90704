"""A deposit is believed once its block is final and the transaction's own receipt says the same as the scan did."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from treasury import failpoints
from treasury.alarms import raise_alarm, resolve_alarm
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ChainAdapter, Receipt, Transfer
from treasury.deposits.reorgs import take_back
from treasury.deposits.storing import store_transfers
from treasury.models import Alarm, Deposit

logger = logging.getLogger(__name__)

BATCH = 500
BATCHES_PER_RUN = 10

_CONFIRM = """
    UPDATE treasury_deposit AS deposit SET state = 'confirmed', confirmed_at = %(now)s
    FROM unnest(%(id)s::bigint[], %(block_hash)s::text[], %(address_id)s::bigint[], %(amount_raw)s::numeric[])
         AS read (id, block_hash, address_id, amount_raw)
    WHERE deposit.id = read.id AND deposit.state = 'seen' AND deposit.block_hash = read.block_hash
      AND deposit.deposit_address_id = read.address_id AND deposit.amount_raw = read.amount_raw
"""


@dataclass(slots=True)
class _Findings:
    """What the receipts say of a batch."""

    confirmed: list[Deposit] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)  # final ones, on which the nodes have to agree
    # Receipts to be stored: they hold transfers that the scan has not, or has otherwise, or lie in another block.
    corrections: list[Receipt] = field(default_factory=list)
    without_receipt: list[Deposit] = field(default_factory=list)


def confirm_deposits(network_code: str) -> int:
    """Confirm the deposits whose block is final; returns how many. Raises the chain's errors.

    Each transaction's receipt is read: a deposit that it does not hold is taken back, one that the scan missed is
    added, one that lies in another block starts to wait anew. A node that has no receipt although the block is still
    there has not answered: the deposit waits. All nodes that can be reached have to agree on the receipt, before
    anything is confirmed or corrected by it: money that only one of them shows is not credited.
    """
    network, chain = registry.network(network_code), registry.adapter(network_code)
    final = chain.finalized()
    done, last_id, waiting = 0, 0, 0
    for _ in range(BATCHES_PER_RUN):
        batch = list(
            Deposit.objects.filter(
                network=network_code, state=Deposit.State.SEEN, block_number__lte=final.number, pk__gt=last_id
            )
            .select_related("deposit_address")
            .order_by("pk")[:BATCH]
        )
        if not batch:
            break
        last_id = batch[-1].pk
        findings = _read_receipts(chain, batch, final)
        lost = _off_the_chain(chain, findings.without_receipt)
        unsure = _waiting(network, chain, findings, final)
        confirmed = [row for row in findings.confirmed if row.tx_hash not in unsure]
        waiting += len(unsure) + len(findings.without_receipt) - len(lost)
        with transaction.atomic(durable=True):
            done += _confirm(confirmed)
            take_back(network, lost, reason="its block is no longer on the chain")
            for receipt in findings.corrections:
                if receipt.tx_hash not in unsure:
                    _correct(network, receipt)
            if lost:
                _alarm_of_lost(network, findings.without_receipt, lost)
            failpoints.hit("before_deposit_confirm_commit")
        failpoints.hit("after_deposit_confirm_commit")
    if not waiting:  # none of all batches
        resolve_alarm(key=_disputed_alarm(network_code), actor_label="system:watcher")
    return done


def _read_receipts(chain: ChainAdapter, batch: Sequence[Deposit], final: BlockRef) -> _Findings:
    by_transaction: dict[str, list[Deposit]] = defaultdict(list)
    for row in batch:
        by_transaction[row.tx_hash].append(row)
    findings = _Findings()
    for receipt, rows in zip(chain.receipts(list(by_transaction)), by_transaction.values(), strict=True):
        if receipt is None:
            findings.without_receipt += rows
            continue
        held = {transfer.ordinal: transfer for transfer in receipt.transfers}
        agreed = [row for row in rows if _says_the_same(row, held.get(row.ordinal))]
        findings.confirmed += agreed
        if receipt.block_number <= final.number:
            findings.receipts.append(receipt)
        if len(agreed) < len(rows) or len(rows) < len(held):
            findings.corrections.append(receipt)
    return findings


def _waiting(network: Network, chain: ChainAdapter, findings: _Findings, final: BlockRef) -> Collection[str]:
    """Transactions on which the nodes do not agree, or not yet; an alarm if they contradict each other."""
    opinions = chain.second_opinions(findings.receipts, final)
    lag = network.endpoint_max_lag_blocks
    if disputed := opinions.for_a_person(findings.receipts, final, max_lag_blocks=lag):
        raise_alarm(
            key=_disputed_alarm(network.code),
            severity=Alarm.Severity.CRITICAL,
            network=network.code,
            message="Nodes disagree on transactions that pay deposits. These deposits wait until they agree.",
            facts={"block": final.number, "tx_hashes": sorted(disputed)[:20]},
        )
    return opinions.waiting


def _disputed_alarm(network_code: str) -> str:
    return f"nodes-disagree-on-deposits:{network_code}"


def _says_the_same(row: Deposit, transfer: Transfer | None) -> bool:
    return transfer is not None and (
        (transfer.block_hash, transfer.recipient, transfer.amount_raw)
        == (row.block_hash, row.deposit_address.address, row.amount_raw)
    )


def _alarm_of_lost(network: Network, rows: Sequence[Deposit], lost: Collection[int]) -> None:
    """A final block that is gone is more than a reorg, or a node's mistake: the cursor does not come back for it."""
    raise_alarm(
        key=f"final-deposit-lost:{network.code}",
        severity=Alarm.Severity.CRITICAL,
        network=network.code,
        message="Deposits in final blocks are no longer on the chain. If they should be, rewind the scan.",
        facts={
            "deposits": sorted(lost)[:20],
            "tx_hashes": sorted({row.tx_hash for row in rows if row.pk in lost})[:20],
        },
    )


def _off_the_chain(chain: ChainAdapter, rows: Sequence[Deposit]) -> list[int]:
    """Those whose height holds another block now. A height without a block proves nothing: the node may be behind."""
    blocks = {number: chain.block(number) for number in sorted({row.block_number for row in rows})}
    return [
        row.pk for row in rows if (block := blocks[row.block_number]) is not None and block.block_hash != row.block_hash
    ]


def _confirm(rows: Sequence[Deposit]) -> int:
    values: dict[str, Any] = {
        "now": timezone.now(),
        "id": [row.pk for row in rows],
        "block_hash": [row.block_hash for row in rows],
        "address_id": [row.deposit_address_id for row in rows],
        "amount_raw": [row.amount_raw for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRM, values)
        return int(cursor.rowcount)


def _correct(network: Network, receipt: Receipt) -> None:
    """Make a transaction's rows what its receipt says: it is read whole, the scan's logs may have had gaps."""
    changed = store_transfers(network, receipt.transfers)
    held = {transfer.ordinal: transfer for transfer in receipt.transfers}
    rows = Deposit.objects.filter(network=network.code, tx_hash=receipt.tx_hash, state=Deposit.State.SEEN)
    wrong = [row.pk for row in rows.select_related("deposit_address") if not _says_the_same(row, held.get(row.ordinal))]
    take_back(network, wrong, reason="its transaction's receipt does not hold it")
    if changed or wrong:
        logger.warning("%s: rows of %s corrected by its receipt", network.code, receipt.tx_hash)
