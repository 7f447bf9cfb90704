"""The table of transitions, exhaustively: what is not in it is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from django.conf import settings

from payouts.models import WithdrawalRequest
from payouts.states import CANCELLABLE, FINAL, INITIAL, TABLE, Money, Party, State, TransitionRefused, transition

# Written down a second time, from the money's rules, and compared with the table.
ALLOWED = {
    ("requested", "confirmed", "customer"),
    ("requested", "expired", "system"),
    ("requested", "cancelled", "customer"),
    ("confirmed", "in_review", "system"),
    ("confirmed", "cancelled", "customer"),
    ("in_review", "approved", "staff"),
    ("in_review", "on_hold", "staff"),
    ("in_review", "rejected", "staff"),
    ("in_review", "cancelled", "customer"),
    ("on_hold", "in_review", "staff"),
    ("on_hold", "in_review", "system"),
    ("on_hold", "rejected", "staff"),
    ("on_hold", "cancelled", "customer"),
    ("approved", "ordered", "system"),
    ("approved", "on_hold", "staff"),
    ("approved", "on_hold", "system"),
    ("approved", "cancelled", "customer"),
    ("ordered", "sent", "system"),
    ("ordered", "failed", "system"),
    ("sent", "paid", "system"),
    ("sent", "failed", "system"),
    ("failed", "returned", "staff"),
    ("failed", "approved", "staff"),
    ("failed", "in_review", "staff"),
}


def test_a_transition_is_possible_exactly_when_the_rules_have_it() -> None:
    for source, target, party in itertools.product(State, State, Party):
        if (source.value, target.value, party.value) in ALLOWED:
            assert transition(source, target, party).target is target
        else:
            with pytest.raises(TransitionRefused):
                transition(source, target, party)


def test_the_table_has_one_row_per_pair() -> None:
    pairs = [(row.source, row.target) for row in TABLE]
    assert len(pairs) == len(set(pairs))


def test_the_states_are_those_of_the_database() -> None:
    assert {state.value for state in State} == set(WithdrawalRequest.State.values)
    assert WithdrawalRequest._meta.get_field("state").default == INITIAL.value


def test_an_end_is_an_end() -> None:
    assert {state.value for state in FINAL} == {"paid", "returned", "expired", "cancelled", "rejected"}


def test_every_state_can_be_reached() -> None:
    assert {row.target for row in TABLE} | {INITIAL} == set(State)


def test_money_moves_exactly_once_on_every_way_to_an_end() -> None:
    def ways(state: State, moved: int, seen: tuple[State, ...]) -> None:
        assert moved <= 1
        if state in FINAL:
            assert moved == 1, seen
        for row in TABLE:
            if row.source is state and row.target not in seen:
                ways(row.target, moved + (row.money is not Money.STAYS_RESERVED), (*seen, row.target))

    ways(INITIAL, 0, (INITIAL,))


def test_only_payment_takes_money_out() -> None:
    assert {row.target for row in TABLE if row.money is Money.PAID} == {State.PAID}


def test_a_customer_can_cancel_until_the_payment_is_ordered() -> None:
    assert {state.value for state in CANCELLABLE} == {"requested", "confirmed", "in_review", "on_hold", "approved"}


@pytest.mark.parametrize("nonsense", ["", "PAID", "unknown"])
def test_an_unknown_state_is_refused_too(nonsense: str) -> None:
    with pytest.raises(TransitionRefused):
        transition(nonsense, State.PAID, Party.SYSTEM)
    with pytest.raises(TransitionRefused):
        transition(State.SENT, nonsense, Party.SYSTEM)


def test_the_documentation_has_the_table() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "withdrawals.md").read_text(encoding="utf-8")
    for row in TABLE:
        who, money = ", ".join(sorted(row.by)), row.money.replace("_", " ")
        assert f"| {row.source} | {row.target} | {who} | {money} |" in text
