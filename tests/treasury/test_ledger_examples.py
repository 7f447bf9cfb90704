"""The worked examples of docs/ledger.md: what the product's own functions post, and what the balances are then."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from devnet.places import ROOT
from payouts import postings as withdrawal_postings
from payouts.models import WithdrawalRequest
from payouts.states import Money
from treasury.deposits import postings as deposit_postings
from treasury.deposits.postings import Booked
from treasury.ledger import Posting, balances, post

MICRO = 10**6
TRANSFER = re.compile(r"(?P<key>\S+): (?P<debit>\S+) -> (?P<credit>\S+) (?P<amount>[0-9_]+)")
BALANCE = re.compile(r"= (?P<code>\S+) (?P<balance>-?[0-9_]+)")


@dataclass
class Example:
    """A heading of the document with its transfers and the balances after them."""

    title: str
    transfers: list[tuple[str, str, str, int]] = field(default_factory=list)
    after: dict[str, int] = field(default_factory=dict)


def examples() -> list[Example]:
    text = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    found = []
    for title, block in re.findall(r"^### (.+?)\n\n```ledger\n(.+?)```", text, re.MULTILINE | re.DOTALL):
        example = Example(title)
        for line in block.splitlines():
            if transfer := TRANSFER.fullmatch(line):
                moved = (transfer["key"], transfer["debit"], transfer["credit"], int(transfer["amount"]))
                example.transfers.append(moved)
            else:
                balance = BALANCE.fullmatch(line)
                assert balance, f"not a line of an example: {line!r}"
                example.after[balance["code"]] = int(balance["balance"])
        found.append(example)
    return found


def deposited(number: int, inclusion: int, network: str, micro: int, dust: int = 0) -> Booked:
    return Booked(number, inclusion, network, micro, dust)


def withdrawal(number: int, amount: int) -> WithdrawalRequest:
    return WithdrawalRequest(
        pk=number, customer_id=7, network="arbitrum", amount_micro=amount * MICRO, fee_micro=MICRO, address="0x"
    )


def gas(broadcast: int, wei: int) -> Posting:
    """As treasury.broadcasts.confirming posts it; tests/treasury/broadcasts prove that on a chain."""
    return Posting(f"gas:{broadcast}", "expense:gas:arbitrum", "gas:arbitrum:hot", wei, "gas")


def opening(part: str, debit: str, credit: str, amount: int) -> Posting:
    """As treasury.opening posts it."""
    return Posting(f"opening:arbitrum:{part}", debit, credit, amount, "opening")


HUNDRED = deposited(1, 1, "arbitrum", 100 * MICRO)
AGAIN = deposited(1, 2, "arbitrum", 100 * MICRO)
RETIRED = deposited(3, 1, "arbitrum", 9 * MICRO)
SMALL = deposited(4, 1, "bsc", 500_000, 7)
MADE: dict[str, Callable[[], list[Posting]]] = {
    "The hot wallet": lambda: [
        opening("hot", "asset:arbitrum:hot", "equity:opening", 1000 * MICRO),
        opening("gas", "gas:arbitrum:hot", "equity:opening:ETH", 5 * 10**17),
    ],
    "Customer 7 deposits 100": lambda: deposit_postings.credit(HUNDRED, customer_id=7, owed_micro=0),
    "Customer 7 deposits 5.0": lambda: deposit_postings.credit(
        deposited(2, 1, "bsc", 5 * MICRO, 42), customer_id=7, owed_micro=0
    ),
    "Customer 7 asks for 40": lambda: [withdrawal_postings.reserve(withdrawal(1, 40))],
    "The payment is final": lambda: [
        *withdrawal_postings.postings_for(withdrawal(1, 40), Money.PAID),
        gas(1, 65_000 * 10**8),
    ],
    "Customer 7 asks for 20": lambda: [
        withdrawal_postings.reserve(withdrawal(2, 20)),
        *withdrawal_postings.postings_for(withdrawal(2, 20), Money.RELEASED),
    ],
    "The chain takes back": lambda: deposit_postings.reverse_credit(HUNDRED, customer_id=7, available_micro=64 * MICRO),
    "The transaction is mined again": lambda: deposit_postings.credit(AGAIN, customer_id=7, owed_micro=36 * MICRO),
    "9 USDT arrive": lambda: [
        *deposit_postings.suspend(RETIRED),
        *deposit_postings.explain(RETIRED, customer_id=7),
    ],
    "0.5 USDT": lambda: [*deposit_postings.suspend(SMALL), *deposit_postings.reverse_suspended(SMALL)],
}


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_the_product_posts_what_the_document_says(example: Example) -> None:
    (make,) = [make for title, make in MADE.items() if example.title.startswith(title)]
    made = [(each.key, each.debit, each.credit, each.amount) for each in make()]
    assert sorted(made) == sorted(example.transfers)


def test_every_example_is_there() -> None:
    assert len(examples()) == len(MADE)


@pytest.mark.django_db
def test_the_balances_are_what_the_document_says(networks: object) -> None:
    for example in examples():
        for key, debit, credit, amount in example.transfers:
            post(Posting(key, debit, credit, amount, "example"))
        assert balances(example.after) == example.after, example.title
