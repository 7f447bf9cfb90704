"""What may be paid, decided from facts alone."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.policy import (
    EvidenceFault,
    PaymentFacts,
    Refusal,
    Saved,
    WithdrawalFacts,
    Yes,
    approvals_required,
    decide_withdrawal,
    digest_of,
    evidence_fault,
    looks_alike,
    only_saved,
    saved_as,
)

USDT = 1_000_000
RECIPIENT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FACTS = WithdrawalFacts(
    customer_active=True,
    frozen=False,
    held_until=None,
    only_saved=True,
    saved=Saved.ACTIVE,
    active_from=NOW,
    resembles="",
    resemblance_accepted=False,
    network_halted=False,
    family="evm",
    address=RECIPIENT,
    own_addresses=frozenset(),
    token_contracts=frozenset({OTHER}),
    amount_micro=40 * USDT,
    fee_micro=1 * USDT,
    minimum_micro=2 * USDT,
    maximum_micro=5000 * USDT,
    available_micro=100 * USDT,
    four_eyes_from_micro=1000 * USDT,
)


def refusals(**changes: object) -> tuple[Refusal, ...]:
    return decide_withdrawal(dataclasses.replace(FACTS, **changes)).refusals  # type: ignore[arg-type]  # by name


def test_a_plain_wish_is_allowed() -> None:
    decision = decide_withdrawal(FACTS)
    assert decision.allowed
    assert (decision.address, decision.approvals_required) == (RECIPIENT, 1)


def test_an_address_without_a_checksum_is_given_one() -> None:
    assert decide_withdrawal(dataclasses.replace(FACTS, address=f" {RECIPIENT.lower()} ")).address == RECIPIENT


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"customer_active": False}, Refusal.INACTIVE),
        ({"frozen": True}, Refusal.FROZEN),
        ({"held_until": LATER}, Refusal.HELD),
        ({"network_halted": True}, Refusal.NETWORK_HALTED),
        ({"saved": Saved.NO}, Refusal.NOT_SAVED),
        ({"saved": Saved.UNCONFIRMED}, Refusal.NOT_CONFIRMED),
        ({"saved": Saved.ON_HOLD, "active_from": LATER}, Refusal.ADDRESS_ON_HOLD),
        ({"resembles": OTHER}, Refusal.LOOK_ALIKE),
        ({"address": ""}, Refusal.BAD_ADDRESS),
        ({"address": RECIPIENT[:-1] + "e"}, Refusal.BAD_ADDRESS),
        ({"address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}, Refusal.BAD_ADDRESS),
        ({"own_addresses": frozenset({RECIPIENT})}, Refusal.OWN_ADDRESS),
        ({"address": OTHER.lower()}, Refusal.TOKEN_CONTRACT),
        ({"amount_micro": 0}, Refusal.NOT_POSITIVE),
        ({"amount_micro": -1}, Refusal.NOT_POSITIVE),
        ({"amount_micro": 2 * USDT - 1}, Refusal.BELOW_MINIMUM),
        ({"amount_micro": 5000 * USDT + 1, "available_micro": 10**12}, Refusal.ABOVE_MAXIMUM),
        ({"amount_micro": 99 * USDT + 1}, Refusal.NOT_ENOUGH_MONEY),
    ],
)
def test_a_wish_is_refused_for_its_one_fault(changes: dict[str, object], refusal: Refusal) -> None:
    assert refusals(**changes) == (refusal,)


@pytest.mark.parametrize("saved", list(Saved))
def test_who_allows_any_address_needs_no_saved_one(saved: Saved) -> None:
    assert refusals(only_saved=False, saved=saved) == ()


def test_who_means_the_look_alike_may_go_on() -> None:
    assert refusals(resembles=OTHER, resemblance_accepted=True) == ()


def test_the_decision_says_until_when_and_what_it_is_like() -> None:
    facts = dataclasses.replace(FACTS, held_until=LATER, active_from=NOW, resembles=OTHER)
    decision = decide_withdrawal(facts)
    assert (decision.held_until, decision.active_from, decision.resembles) == (LATER, NOW, OTHER)


@pytest.mark.parametrize(
    ("state", "active_from", "worth"),
    [
        ("", None, Saved.NO),
        ("pending", None, Saved.UNCONFIRMED),
        ("confirmed", LATER, Saved.ON_HOLD),
        ("confirmed", NOW, Saved.ACTIVE),
        ("removed", NOW, Saved.NO),
        ("expired", None, Saved.NO),
    ],
)
def test_an_entry_of_the_book_is_worth_what_its_state_and_its_time_say(
    state: str, active_from: datetime | None, worth: Saved
) -> None:
    assert saved_as(state, active_from, NOW) is worth


@pytest.mark.parametrize(
    ("chosen", "locked", "answer"),
    [(None, False, True), (LATER, False, True), (NOW, False, False), (NOW, True, True), (None, True, True)],
)
def test_everybody_begins_with_saved_addresses_only_and_any_other_choice_has_to_age(
    chosen: datetime | None, locked: bool, answer: bool
) -> None:
    assert only_saved(chosen, NOW, settings_locked=locked) is answer


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (RECIPIENT, "0x5AaE" + "11" * 16 + "BeAed"[-4:], True),
        (RECIPIENT, "0x5aae" + "00" * 16 + "eaed", True),
        (RECIPIENT, RECIPIENT, False),
        (RECIPIENT, OTHER, False),
        (RECIPIENT, "0x5aae" + "00" * 16 + "eaee", False),
        (RECIPIENT, "0x5aaf" + "00" * 16 + "eaed", False),
        ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "TJRaB1111111111111111111111111RTv8", True),
        ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "TJRxb1111111111111111111111111RTv8", False),
    ],
)
def test_two_addresses_look_alike_when_four_characters_at_both_ends_are_the_same(
    one: str, other: str, alike: bool
) -> None:
    assert looks_alike(one, other) is looks_alike(other, one) is alike


def test_everything_down_to_the_last_micro_can_be_withdrawn() -> None:
    assert refusals(amount_micro=99 * USDT) == ()


def test_ten_to_the_fortieth_is_refused_like_any_other_sum() -> None:
    assert refusals(amount_micro=10**40) == (Refusal.ABOVE_MAXIMUM, Refusal.NOT_ENOUGH_MONEY)


@given(
    amount=st.integers(-(10**45), 10**45),
    available=st.integers(0, 10**20),
    fee=st.integers(0, 10**9),
    frozen=st.booleans(),
)
def test_what_is_allowed_is_covered_and_within_the_limits(
    amount: int, available: int, fee: int, *, frozen: bool
) -> None:
    facts = dataclasses.replace(FACTS, amount_micro=amount, available_micro=available, fee_micro=fee, frozen=frozen)
    if decide_withdrawal(facts).allowed:
        assert not frozen
        assert facts.minimum_micro <= amount <= facts.maximum_micro
        assert amount + fee <= available


@pytest.mark.parametrize(("amount", "people"), [(1, 1), (1000 * USDT - 1, 1), (1000 * USDT, 2), (10**18, 2)])
def test_from_the_threshold_on_two_people_must_approve(amount: int, people: int) -> None:
    assert approvals_required(amount, 1000 * USDT) == people


PAYMENT = PaymentFacts(
    reference="withdrawal:7",
    customer_id=1,
    network="arbitrum",
    address=RECIPIENT,
    amount_micro=40 * USDT,
    fee_micro=USDT,
    revision=3,
    approvals_required=1,
    four_eyes_from_micro=1000 * USDT,
    approvals=(),
    reserved_micro=41 * USDT,
)
GOOD = Yes(approver_id=9, revision=3, digest=digest_of(PAYMENT), proven=True)


def fault(*approvals: Yes, **changes: object) -> EvidenceFault | None:
    return evidence_fault(dataclasses.replace(PAYMENT, approvals=approvals, **changes))  # type: ignore[arg-type]  # by name


def test_a_payment_is_ordered_on_an_approval_of_exactly_it() -> None:
    assert fault(GOOD) is None


@pytest.mark.parametrize(
    "changes",
    [{"address": OTHER}, {"network": "bsc"}, {"amount_micro": 41 * USDT}, {"reference": "withdrawal:8"}],
)
def test_a_payment_of_something_else_is_not_ordered(changes: dict[str, object]) -> None:
    assert fault(GOOD, **changes) is EvidenceFault.CHANGED


def test_an_approval_of_an_older_revision_counts_for_nothing() -> None:
    assert fault(GOOD, revision=4) is EvidenceFault.TOO_FEW


def test_two_approvals_of_one_person_are_one() -> None:
    assert fault(GOOD, GOOD, approvals_required=2) is EvidenceFault.TOO_FEW


def test_the_threshold_of_today_counts_even_if_fewer_were_asked_for() -> None:
    assert fault(GOOD, four_eyes_from_micro=USDT) is EvidenceFault.TOO_FEW


def test_the_customers_own_approval_spoils_the_evidence() -> None:
    assert fault(GOOD, dataclasses.replace(GOOD, approver_id=1)) is EvidenceFault.OWN_APPROVAL


@pytest.mark.parametrize("held", [None, 0, 41 * USDT - 1, 41 * USDT + 1])
def test_nothing_is_paid_that_the_ledger_does_not_hold_back(held: int | None) -> None:
    assert fault(GOOD, reserved_micro=held) is EvidenceFault.NOT_RESERVED
