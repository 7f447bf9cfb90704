"""Treasury's answers, written into its tables as its own roles would write them. For tests on a `committed_db`."""

from __future__ import annotations

import itertools

import psycopg

from payouts.models import WithdrawalRequest
from tests.support.databases import CommittedDatabase

_numbers = itertools.count(1)


class Treasury:
    def __init__(self, database: CommittedDatabase) -> None:
        self.url = database.owner_url

    def send(self, row: WithdrawalRequest) -> str:
        """The newest order of `row` is with the network; returns the hash. Called again: a replacement."""
        number = next(_numbers)
        tx_hash = "0x" + f"{number:064x}"
        with psycopg.connect(self.url) as owner:
            (order_id, network, nonce) = owner.execute(
                "SELECT id, network, nonce FROM treasury_paymentorder WHERE reference = %s ORDER BY id DESC LIMIT 1",
                [row.reference],
            ).fetchone()
            owner.execute(
                "INSERT INTO treasury_wallet (network, role, address, derivation_path, next_nonce, created_at)"
                " VALUES (%s, 'hot', '0x' || repeat('1', 40), 'm/0', 0, now()) ON CONFLICT DO NOTHING",
                [network],
            )
            (wallet,) = owner.execute("SELECT id FROM treasury_wallet WHERE network = %s", [network]).fetchone()
            if nonce is None:
                nonce = number
                owner.execute(
                    "UPDATE treasury_paymentorder SET wallet_id = %s, nonce = %s WHERE id = %s",
                    [wallet, nonce, order_id],
                )
            owner.execute("UPDATE treasury_broadcast SET state = 'replaced' WHERE order_id = %s", [order_id])
            owner.execute(
                "INSERT INTO treasury_broadcast (order_id, attempt, purpose, network, wallet_id, nonce, state,"
                " to_address, data, gas_limit, max_fee_wei, max_priority_fee_wei, signed_bytes, tx_hash, reserved_at,"
                " sent_at, last_sent_at, sends, refusal, block_hash, last_error) VALUES (%s, %s, 'payment', %s, %s, %s,"
                " 'sent', '', '\\x00', 1, 1, 1, '\\x01', %s, now(), now(), now(), 1, '', '', '')",
                [order_id, number, network, wallet, nonce, tx_hash],
            )
        return tx_hash

    def settle(self, row: WithdrawalRequest) -> None:
        """The newest order is final on the chain."""
        self._close(row, "settled", "")

    def kill(self, row: WithdrawalRequest, reason: str = "reverted") -> None:
        """The newest order is proven dead."""
        self._close(row, "dead", reason)

    def _close(self, row: WithdrawalRequest, state: str, reason: str) -> None:
        with psycopg.connect(self.url) as owner:
            closed = owner.execute(
                "UPDATE treasury_paymentorder SET state = %s, dead_reason = %s, closed_at = now()"
                " WHERE reference = %s AND state = 'open'",
                [state, reason, row.reference],
            ).rowcount
        assert closed == 1
