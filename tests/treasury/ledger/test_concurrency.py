"""Real processes that post at the same moment, with real commits."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.treasury.ledger.conftest import Give, available, differences
from tests.treasury.ledger.crowd import DONE, Crowd
from treasury.ledger import balance, balances
from treasury.models import LedgerTransfer

HOT = "asset:arbitrum:hot"
PEOPLE = [available(number) for number in range(5)]


def test_the_same_key_posted_by_eight_processes_at_once_happens_once(crowd: Crowd, give: Give) -> None:
    give(1, 1_000)
    for number in range(30):
        same = [[f"k:{number}", available(1), available(2), 10]]
        assert crowd.work([[same]] * 8) == [[DONE]] * 8
    assert balances([available(1), available(2)]) == {available(1): 700, available(2): 300}
    assert differences() == []


def test_of_one_key_with_eight_contents_one_is_posted_and_seven_are_refused(crowd: Crowd, give: Give) -> None:
    give(1, 1_000)
    for number in range(10):
        plans = [[[[f"k:{number}", available(1), available(2 + member), 10]]] for member in range(8)]
        outcomes = [outcome for [outcome] in crowd.work(plans)]
        assert sorted(outcomes) == ["KeyReused"] * 7 + [DONE]
        winner = available(2 + outcomes.index(DONE))
        assert LedgerTransfer.objects.get(key=f"k:{number}").credit.code == winner
    assert balance(available(1)) == 900
    assert differences() == []


def test_eight_processes_spend_one_balance_and_it_is_spent_once(crowd: Crowd, give: Give) -> None:
    for number in range(10):
        give(number, 100)
        plans = [[[[f"k:{number}:{member}", available(number), HOT, 100]]] for member in range(8)]
        outcomes = [outcome for [outcome] in crowd.work(plans)]
        assert sorted(outcomes) == ["InsufficientFunds"] * 7 + [DONE]
        assert balance(available(number)) == 0
    assert differences() == []


def test_eight_processes_open_the_same_accounts_at_once(crowd: Crowd) -> None:
    plans = [[[[f"k:{member}", "asset:bsc:deposit", available(1), 1]]] for member in range(8)]
    assert crowd.work(plans) == [[DONE]] * 8
    assert balance("asset:bsc:deposit") == balance(available(1)) == 8
    assert differences() == []


def test_batches_over_the_same_accounts_in_any_order_never_deadlock(crowd: Crowd, give: Give) -> None:
    for person in range(20):
        give(person, 10**6)
    plans = [[_batch(member, number) for number in range(15)] for member in range(8)]
    assert crowd.work(plans) == [[DONE] * 15] * 8
    assert LedgerTransfer.objects.filter(key__startswith="shared").count() == 15
    assert sum(balances([available(person) for person in range(20)]).values()) == 20 * 10**6
    assert differences() == []


def _batch(member: int, number: int) -> list[list[Any]]:
    """Ten transfers in an order of its own, one of which every member has."""
    dice = random.Random(100 * member + number)
    shared = [f"shared:{number}", available(0), available(1), 3]
    own = [[f"{member}:{number}:{n}", *map(available, dice.sample(range(20), 2)), 1] for n in range(9)]
    return dice.sample([shared, *own], 10)


keys = st.integers(0, 11)
accounts = st.sampled_from([*PEOPLE, HOT, "asset:arbitrum:deposit"])
transfers = st.tuples(keys, accounts, accounts, st.integers(1, 60)).filter(lambda each: each[1] != each[2])
operations = st.lists(transfers, min_size=1, max_size=3)
plans_of_eight = st.lists(st.lists(operations, min_size=1, max_size=6), min_size=8, max_size=8)
_examples = iter(range(10**9))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans=plans_of_eight)
def test_whatever_eight_processes_post_the_books_are_what_the_model_says(crowd: Crowd, give: Give, plans: Any) -> None:
    """Random transfers with few keys, so that most are duplicates or contradictions, and little money, so that many
    overdraw. What was reported done, taken once for each key, is exactly what the balances show."""
    example = next(_examples)
    before = balances([*PEOPLE, HOT, "asset:arbitrum:deposit"])
    named = [
        [
            [[f"{example}:{key}", debit, credit, amount] for key, debit, credit, amount in operation]
            for operation in plan
        ]
        for plan in plans
    ]
    outcomes = crowd.work(named)
    posted: dict[str, tuple[str, str, int]] = {}
    for plan, results in zip(named, outcomes, strict=True):
        for operation, outcome in zip(plan, results, strict=True):
            assert outcome in {DONE, "KeyReused", "InsufficientFunds"}
            for key, debit, credit, amount in operation if outcome == DONE else ():
                assert posted.setdefault(key, (debit, credit, amount)) == (debit, credit, amount)
    expected = defaultdict(int, before)
    for debit, credit, amount in posted.values():
        expected[debit] += amount if debit.startswith("asset") else -amount
        expected[credit] += -amount if credit.startswith("asset") else amount
    assert balances(before) == expected
    assert all(expected[person] >= 0 for person in PEOPLE)
    assert LedgerTransfer.objects.filter(key__startswith=f"{example}:").count() == len(posted)
    assert differences() == []
