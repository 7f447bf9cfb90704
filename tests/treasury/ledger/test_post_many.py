"""Large batches: ten thousand transfers in one round trip."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from tests.support.databases import CommittedDatabase
from tests.treasury.ledger.conftest import available, differences
from treasury import ledger
from treasury.ledger import InsufficientFunds, KeyReused, Posting, balance, balances, post, post_many
from treasury.models import LedgerTransfer

DEPOSIT = "asset:arbitrum:deposit"


def deposits(numbers: range, *, customers: int = 100) -> list[Posting]:
    return [Posting(f"d:{number}", DEPOSIT, available(number % customers), number + 1, "test") for number in numbers]


@pytest.mark.django_db
def test_ten_thousand_postings_are_one_round_trip(django_assert_num_queries: Any) -> None:
    post_many(deposits(range(100)))
    with django_assert_num_queries(1):
        assert post_many(deposits(range(10_000))) == 9_900
    assert balance(DEPOSIT) == sum(range(10_001))
    expected = {available(number): sum(range(number + 1, 10_001, 100)) for number in range(100)}
    assert balances(expected) == expected
    assert differences() == []


@pytest.mark.django_db
def test_it_takes_a_generator_and_any_number_of_postings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MANY", 7)
    assert post_many(posting for posting in deposits(range(50))) == 50
    assert post_many(deposits(range(60))) == 10
    assert post_many(deposits(range(60))) == 0
    assert post_many([]) == 0
    assert LedgerTransfer.objects.count() == 60
    assert differences() == []


def test_each_round_trip_commits_and_what_is_done_stays_done(
    committed_db: CommittedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MANY", 10)
    wanted = [*deposits(range(25)), Posting("too much", available(1), available(2), 10**9, "test")]
    with pytest.raises(InsufficientFunds):
        post_many(wanted)
    assert LedgerTransfer.objects.count() == 20
    assert post_many(wanted[:25]) == 5
    assert differences() == []


def test_inside_a_transaction_it_is_all_or_nothing(
    committed_db: CommittedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MANY", 10)
    wanted = [*deposits(range(25)), Posting("too much", available(1), available(2), 10**9, "test")]
    with pytest.raises(InsufficientFunds), transaction.atomic():
        post_many(wanted)
    assert LedgerTransfer.objects.count() == 0
    assert balance(DEPOSIT) == 0


@pytest.mark.django_db
def test_one_changed_posting_among_known_ones_is_found() -> None:
    post_many(deposits(range(500)))
    changed = deposits(range(500))
    changed[321] = Posting("d:321", DEPOSIT, available(21), 1, "test")
    with pytest.raises(KeyReused) as refused, transaction.atomic():
        post_many(changed)
    assert refused.value.key == "d:321"


@pytest.mark.django_db
@pytest.mark.parametrize("some_known", [False, True])
def test_a_batch_names_the_account_that_lacks_most(some_known: bool) -> None:
    post_many(deposits(range(100)))
    spent = [Posting(f"s:{each}", available(each), available(200 + each), each + 1, "test") for each in range(100)]
    spent[7] = Posting("s:7", available(7), available(207), 9, "test")
    spent[42] = Posting("s:42", available(42), available(242), 1000, "test")
    if some_known:
        post(spent[0])
    with pytest.raises(InsufficientFunds) as refused, transaction.atomic():
        post_many(spent)
    assert refused.value.code == available(42)
    assert balance(available(200)) == (1 if some_known else 0)
    assert differences() == []


@pytest.mark.django_db
def test_a_batch_counts_a_key_that_it_holds_twice_once() -> None:
    assert post_many([*deposits(range(10)), *deposits(range(10))]) == 10
    assert balance(DEPOSIT) == 55


@pytest.mark.django_db
def test_money_passes_through_many_hands_in_one_batch() -> None:
    post(Posting("start", DEPOSIT, available(0), 5, "test"))
    chain = [Posting(f"hop:{each}", available(each), available(each + 1), 5, "test") for each in range(300)]
    assert post_many(reversed(chain)) == 300
    assert balance(available(300)) == 5
    assert differences() == []
