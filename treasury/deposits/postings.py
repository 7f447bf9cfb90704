"""Which transfers of the ledger a deposit makes: pure, one function per event. docs/ledger.md has the table.

Every key holds the deposit's id and its inclusion, so that each inclusion of a transaction is booked once and taken
back once, however often anything runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from treasury.ledger import Posting

SUSPENSE = "suspense:unknown_deposit"
CUSTOMER_KINDS = ("deposit", "deposit_clears_reorg", "deposit_explained", "deposit_reversed")
"""The kinds of transfer by which a customer's deposits rise and fall, on what is theirs and on what they owe."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What the postings need of one inclusion of a deposit."""

    deposit_id: int
    inclusion: int
    network: str
    amount_micro: int
    dust_raw: int

    @property
    def key(self) -> str:
        return f"deposit:{self.deposit_id}:{self.inclusion}"

    @property
    def asset_account(self) -> str:
        return f"asset:{self.network}:deposit"

    def moves(self, part: str, *, debit: str, credit: str, amount: int, kind: str) -> list[Posting]:
        """One posting, or none for an amount of 0. `part` makes the key of a further posting of the same event."""
        if not amount:
            return []
        key = f"{self.key}:{part}" if part else self.key
        return [Posting(key=key, debit=debit, credit=credit, amount=amount, kind=kind, group=self.key)]

    def dust(self, part: str, *, back: bool, kind: str) -> list[Posting]:
        """What is left under a micro, on the accounts of the network's own unit."""
        own, ours = f"{self.asset_account}:dust", f"dust:{self.network}"
        debit, credit = (ours, own) if back else (own, ours)
        return self.moves(part, debit=debit, credit=credit, amount=self.dust_raw, kind=kind)


def available(customer_id: int) -> str:
    return f"customer:{customer_id}:available"


def receivable(customer_id: int) -> str:
    return f"receivable:reorg:{customer_id}"


def credit(booked: Booked, *, customer_id: int, owed_micro: int) -> list[Posting]:
    """A deposit becomes the customer's. `owed_micro`: what a reorg left them owing, cleared first."""
    cleared = min(owed_micro, booked.amount_micro)
    return [
        *booked.moves(
            "receivable",
            debit=booked.asset_account,
            credit=receivable(customer_id),
            amount=cleared,
            kind="deposit_clears_reorg",
        ),
        *booked.moves(
            "",
            debit=booked.asset_account,
            credit=available(customer_id),
            amount=booked.amount_micro - cleared,
            kind="deposit",
        ),
        *booked.dust("dust", back=False, kind="deposit_dust"),
    ]


def suspend(booked: Booked) -> list[Posting]:
    """A deposit that is nobody's yet, or too small to be credited: it is on the chain, so it is in the books."""
    return [
        *booked.moves(
            "",
            debit=booked.asset_account,
            credit=SUSPENSE,
            amount=booked.amount_micro,
            kind="deposit_suspended",
        ),
        *booked.dust("dust", back=False, kind="deposit_dust"),
    ]


def explain(booked: Booked, *, customer_id: int, owed_micro: int = 0) -> list[Posting]:
    """Staff found out whose a suspended deposit is. Its dust was booked with it. `owed_micro`: as in `credit`."""
    cleared = min(owed_micro, booked.amount_micro)
    return [
        *booked.moves(
            "explained:receivable",
            debit=SUSPENSE,
            credit=receivable(customer_id),
            amount=cleared,
            kind="deposit_clears_reorg",
        ),
        *booked.moves(
            "explained",
            debit=SUSPENSE,
            credit=available(customer_id),
            amount=booked.amount_micro - cleared,
            kind="deposit_explained",
        ),
    ]


def reverse_credit(booked: Booked, *, customer_id: int, available_micro: int) -> list[Posting]:
    """The chain took a credited deposit back: what the customer still has goes, the rest they owe."""
    taken = min(max(available_micro, 0), booked.amount_micro)
    return [
        *booked.moves(
            "reversed",
            debit=available(customer_id),
            credit=booked.asset_account,
            amount=taken,
            kind="deposit_reversed",
        ),
        *booked.moves(
            "reversed:receivable",
            debit=receivable(customer_id),
            credit=booked.asset_account,
            amount=booked.amount_micro - taken,
            kind="deposit_reversed",
        ),
        *booked.dust("reversed:dust", back=True, kind="deposit_dust_reversed"),
    ]


def reverse_suspended(booked: Booked) -> list[Posting]:
    """The chain took back a deposit that was never credited to anybody."""
    return [
        *booked.moves(
            "reversed",
            debit=SUSPENSE,
            credit=booked.asset_account,
            amount=booked.amount_micro,
            kind="deposit_reversed",
        ),
        *booked.dust("reversed:dust", back=True, kind="deposit_dust_reversed"),
    ]
