"""One posting, or several that belong together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InternalError, connection, transaction

from tests.treasury.ledger.conftest import Give, available, differences
from treasury.ledger import (
    AssetMismatch,
    InsufficientFunds,
    InvalidPosting,
    KeyReused,
    Posting,
    UnknownAccount,
    balance,
    balances,
    post,
)
from treasury.models import LedgerAccount, LedgerTransfer

pytestmark = pytest.mark.django_db

DEPOSIT = "asset:arbitrum:deposit"


def test_a_posting_raises_both_balances_on_their_normal_sides() -> None:
    post(Posting("a", DEPOSIT, available(1), 100, "deposit", group="g"))
    assert balances([DEPOSIT, available(1)]) == {DEPOSIT: 100, available(1): 100}
    transfer = LedgerTransfer.objects.select_related("debit", "credit").get(key="a")
    assert (transfer.debit.code, transfer.credit.code, transfer.amount) == (DEPOSIT, available(1), 100)
    assert (transfer.kind, transfer.group) == ("deposit", "g")
    assert differences() == []


def test_accounts_open_by_themselves_with_the_rule_of_their_kind() -> None:
    post(Posting("a", DEPOSIT, available(1), 1, "test"))
    hot, customer = LedgerAccount.objects.order_by("code")
    assert (hot.code, hot.normal_side, hot.floor, hot.slots, hot.balances.count()) == (DEPOSIT, "debit", None, 64, 64)
    assert (customer.asset, customer.normal_side, customer.floor, customer.slots) == ("USDT", "credit", 0, 1)


def test_a_known_key_with_equal_contents_is_done_already() -> None:
    posting = Posting("a", DEPOSIT, available(1), 100, "deposit", group="g")
    post(posting)
    post(posting)
    post(posting, Posting("b", DEPOSIT, available(1), 5, "deposit"))
    post(posting, posting)
    assert balance(available(1)) == 105
    assert LedgerTransfer.objects.count() == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"debit": "asset:bsc:deposit"},
        {"credit": available(2)},
        {"amount": 101},
        {"kind": "other"},
        {"group": "other"},
    ],
)
@pytest.mark.parametrize("beside_another", [False, True])
def test_a_known_key_with_other_contents_is_refused(changed: dict[str, Any], beside_another: bool) -> None:
    known: dict[str, Any] = {
        "key": "a", "debit": DEPOSIT, "credit": available(1), "amount": 100, "kind": "deposit", "group": "g"
    }  # fmt: skip
    post(Posting(**known))
    others = [Posting("b", DEPOSIT, available(1), 1, "deposit")] if beside_another else []
    with pytest.raises(KeyReused) as refused, transaction.atomic():
        post(*others, Posting(**known | changed))
    assert refused.value.key == "a"
    assert balances([available(1), available(2)]) == {available(1): 100, available(2): 0}


def test_one_key_twice_in_a_call_with_other_contents_is_refused() -> None:
    with pytest.raises(KeyReused), transaction.atomic():
        post(Posting("a", DEPOSIT, available(1), 1, "test"), Posting("a", DEPOSIT, available(1), 2, "test"))
    assert balance(available(1)) == 0


@pytest.mark.parametrize("amount", [101, 10**30])
def test_nobody_spends_more_than_they_have(give: Give, amount: int) -> None:
    give(1, 100)
    with pytest.raises(InsufficientFunds) as refused, transaction.atomic():
        post(Posting("a", available(1), available(2), amount, "test"))
    assert refused.value.code == available(1)
    assert balances([available(1), available(2)]) == {available(1): 100, available(2): 0}


def test_everything_may_be_spent(give: Give) -> None:
    give(1, 100)
    post(Posting("a", available(1), "customer:1:reserved", 100, "test"))
    assert balances([available(1), "customer:1:reserved"]) == {available(1): 0, "customer:1:reserved": 100}


def test_postings_that_belong_together_happen_all_or_not_at_all(give: Give) -> None:
    give(1, 100)
    with pytest.raises(InsufficientFunds), transaction.atomic():
        post(
            Posting("a", available(1), available(2), 60, "test"),
            Posting("b", available(1), available(3), 60, "test"),
        )
    assert balances([available(1), available(2), available(3)]) == {available(1): 100, available(2): 0, available(3): 0}


def test_the_floor_counts_when_all_postings_of_a_call_are_made(give: Give) -> None:
    give(1, 100)
    post(
        Posting("out", available(2), available(3), 70, "test"),
        Posting("in", available(1), available(2), 70, "test"),
    )
    assert balances([available(1), available(2), available(3)]) == {available(1): 30, available(2): 0, available(3): 70}


def test_a_hot_account_may_go_below_zero_and_keeps_its_sum(give: Give) -> None:
    give(1, 100)
    post(Posting("a", available(1), "income:withdrawal_fee", 40, "test"))
    for number in range(3):
        post(Posting(f"b{number}", "income:withdrawal_fee", available(1), 30, "test"))
    assert balance("income:withdrawal_fee") == -50
    assert differences() == []


@pytest.mark.parametrize("beside_another", [False, True])
def test_two_assets_never_meet_in_one_posting(beside_another: bool) -> None:
    others = [Posting("b", DEPOSIT, available(1), 1, "deposit")] if beside_another else []
    with pytest.raises(AssetMismatch), transaction.atomic():
        post(*others, Posting("a", "asset:bsc:deposit:dust", available(1), 1, "test"))
    assert LedgerTransfer.objects.count() == 0


@pytest.mark.parametrize("code", ["nonsense", "customer:1:spare", "customer::available", "customer:1:available:x", ""])
def test_an_account_of_no_registered_kind_is_refused(code: str) -> None:
    with pytest.raises(UnknownAccount):
        post(Posting("a", DEPOSIT, code, 1, "test"))
    with pytest.raises(UnknownAccount):
        balance(code)


@pytest.mark.parametrize("amount", [0, -1, 10**38, True, 1.0, "1", None])
def test_only_positive_whole_amounts_are_postings(amount: Any) -> None:
    with pytest.raises(InvalidPosting):
        Posting("a", DEPOSIT, available(1), amount, "test")


@pytest.mark.parametrize(("key", "credit", "kind"), [("", "dust:bsc", "x"), ("a", "dust:bsc", ""), ("a", DEPOSIT, "x")])
def test_a_posting_needs_a_key_a_kind_and_two_accounts(key: str, credit: str, kind: str) -> None:
    with pytest.raises(InvalidPosting):
        Posting(key, DEPOSIT, credit, 1, kind)


def test_wei_fit_with_all_their_digits() -> None:
    amount = 123_456_789 * 10**18 + 1
    post(Posting("a", "asset:bsc:deposit:dust", "dust:bsc", amount, "test"))
    post(*[Posting(f"b{more}", "asset:bsc:deposit:dust", "dust:bsc", more, "test") for more in (2, 4)])
    assert balance("dust:bsc") == amount + 6


def test_after_a_refused_posting_its_transaction_can_do_nothing_more(give: Give) -> None:
    give(1, 100)
    with transaction.atomic():
        with pytest.raises(InsufficientFunds):
            post(Posting("a", available(1), available(2), 101, "test"))
        with pytest.raises(InternalError, match="current transaction is aborted"):
            post(Posting("b", available(1), available(2), 1, "test"))
        transaction.set_rollback(True)
    assert balance(available(1)) == 100


def test_an_account_opened_in_a_transaction_that_rolls_back_opens_again() -> None:
    with transaction.atomic():
        post(Posting("a", DEPOSIT, available(7), 1, "test"))
        transaction.set_rollback(True)
    assert balance(available(7)) == 0
    post(Posting("a", DEPOSIT, available(7), 1, "test"))
    assert balance(available(7)) == 1


def test_a_posting_to_open_accounts_is_one_statement(django_assert_num_queries: Any, give: Give) -> None:
    give(1, 100)
    post(Posting("a", available(1), available(2), 1, "test"))
    with django_assert_num_queries(1):
        post(Posting("b", available(1), available(2), 1, "test"))
    with django_assert_num_queries(1):
        post(*[Posting(f"c{number}", available(1), available(2), 1, "test") for number in range(50)])


def test_nothing_to_post_is_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        post()


def test_text_of_a_posting_may_hold_anything_but_control_characters() -> None:
    odd = "k'\"\\{},%s \u0416\u00a0"
    post(Posting(odd, DEPOSIT, available(1), 1, "te'st", group='"'))
    post(Posting(odd + "2", DEPOSIT, available(1), 1, "te'st", group="{}"), Posting("b", DEPOSIT, available(1), 1, "x"))
    assert set(LedgerTransfer.objects.values_list("key", flat=True)) == {odd, odd + "2", "b"}
    with pytest.raises(InvalidPosting):
        post(Posting("a\x1fb", DEPOSIT, available(1), 1, "x"), Posting("c", DEPOSIT, available(1), 1, "x"))
    assert connection.is_usable()
