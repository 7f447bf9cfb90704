"""Transfers into rows. A row's key is (network, transaction, ordinal): whatever is read twice is stored once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from treasury.alarms import raise_alarm
from treasury.chains.network import Network
from treasury.chains.ports import Transfer
from treasury.deposits.reorgs import take_back
from treasury.models import Alarm

LARGEST_MICRO = 10**30
"""No such amount exists; a token that logs one is not the token we believe in."""

_VALUES = """
    json_to_recordset(%(transfers)s::json)
    AS found (tx_hash text, ordinal int, log_index int, block_number bigint, block_hash text, sender text,
              recipient text, amount_raw numeric, amount_micro numeric, dust_raw numeric)
"""
# Rows of these transactions that another block holds: the chain was reorganised, whether or not the cursor saw it.
_MOVED = f"""
    SELECT DISTINCT deposit.id FROM treasury_deposit deposit JOIN {_VALUES} ON found.tx_hash = deposit.tx_hash
    WHERE deposit.network = %(network)s AND deposit.block_hash <> found.block_hash
      AND deposit.state NOT IN ('orphaned', 'reversed')
"""  # noqa: S608  # made of constants
# What is credited or confirmed stays as the receipt had it. The join tells our addresses from the filter's guesses.
_STORE = f"""
    INSERT INTO treasury_deposit AS deposit
        (network, tx_hash, ordinal, log_index, block_number, block_hash, deposit_address_id, sender, amount_raw,
         amount_micro, dust_raw, state, seen_at, inclusion)
    SELECT %(network)s, found.tx_hash, found.ordinal, found.log_index, found.block_number, found.block_hash, address.id,
           found.sender, found.amount_raw, found.amount_micro, found.dust_raw, 'seen', %(now)s, 1
    FROM {_VALUES}
    JOIN treasury_depositaddress address ON address.family = %(family)s AND address.address = found.recipient
    ORDER BY found.block_number, found.log_index, found.tx_hash
    ON CONFLICT (network, tx_hash, ordinal) DO UPDATE SET
        log_index = EXCLUDED.log_index, block_number = EXCLUDED.block_number, block_hash = EXCLUDED.block_hash,
        deposit_address_id = EXCLUDED.deposit_address_id, sender = EXCLUDED.sender, amount_raw = EXCLUDED.amount_raw,
        amount_micro = EXCLUDED.amount_micro, dust_raw = EXCLUDED.dust_raw, state = 'seen', orphaned_at = NULL,
        confirmed_at = NULL, credited_at = NULL, credited_to_id = NULL,
        inclusion = deposit.inclusion + CASE WHEN deposit.state = 'reversed' THEN 1 ELSE 0 END
    WHERE deposit.state IN ('orphaned', 'reversed')
       OR (deposit.state = 'seen' AND (deposit.block_hash, deposit.log_index, deposit.deposit_address_id,
                                       deposit.amount_raw)
           IS DISTINCT FROM (EXCLUDED.block_hash, EXCLUDED.log_index, EXCLUDED.deposit_address_id, EXCLUDED.amount_raw))
"""  # noqa: S608  # made of constants


def store_transfers(network: Network, transfers: Sequence[Transfer]) -> int:
    """Insert the transfers that are to our addresses, bring back those that a reorg took; how many rows changed.

    Call it inside the transaction that moves the cursor. A transaction's rows that lie in another block than the one
    given here are taken back first, all together. Transfers of nothing are no deposits.
    """
    credible = [each for each in transfers if each.amount_raw > 0 and _is_credible(network, each)]
    if not credible:
        return 0
    values: dict[str, Any] = {
        "network": network.code,
        "family": network.family,
        "now": timezone.now(),
        "transfers": orjson.dumps([_row(network, each) for each in credible]).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, values)
        moved = [row[0] for row in cursor.fetchall()]
        if moved:
            take_back(network, moved, reason="its transaction is in another block now")
        cursor.execute(_STORE, values)
        return cursor.rowcount


def _row(network: Network, transfer: Transfer) -> dict[str, str | int]:
    """As JSON takes it: amounts are text, because they exceed 64 bits."""
    micro, dust = network.raw_to_micro(transfer.amount_raw)
    return {
        "tx_hash": transfer.tx_hash,
        "ordinal": transfer.ordinal,
        "log_index": transfer.log_index,
        "block_number": transfer.block_number,
        "block_hash": transfer.block_hash,
        "sender": transfer.sender,
        "recipient": transfer.recipient,
        "amount_raw": str(transfer.amount_raw),
        "amount_micro": str(micro),
        "dust_raw": str(dust),
    }


def _is_credible(network: Network, transfer: Transfer) -> bool:
    if transfer.amount_raw < LARGEST_MICRO * network.micro_in_raw:
        return True
    raise_alarm(
        key=f"incredible_amount:{network.code}",
        severity=Alarm.Severity.CRITICAL,
        network=network.code,
        message="The token logged an amount larger than all money; the transfer is left out.",
        facts={"tx_hash": transfer.tx_hash, "amount_raw": str(transfer.amount_raw)},
    )
    return False
