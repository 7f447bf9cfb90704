"""What a customer's pages read."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from accounts.freezes import freeze_withdrawals
from accounts.models import User
from payouts import engine, errors, selectors, withdrawals
from payouts.models import WithdrawalRequest
from payouts.states import State
from tests.payouts.people import USDT, a_customer, approve, approved, ask, confirm, fund, in_review, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from treasury import selectors as treasury_selectors
from treasury.models import Deposit, DepositAddress


@pytest.mark.django_db
def test_a_withdrawal_is_shown_with_its_timeline_in_two_queries(django_assert_num_queries: Any) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    with django_assert_num_queries(2):
        shown = selectors.withdrawal_detail(customer_id=row.customer_id, public_id=row.public_id)
        assert [event.to_state for event in shown.events.all()] == ["requested", "confirmed", "in_review"]


@pytest.mark.django_db
def test_somebody_elses_withdrawal_is_not_found() -> None:
    row = ask(a_customer(micro=100 * USDT))
    for customer_id, public_id in ((a_customer().pk, row.public_id), (row.customer_id, uuid.uuid4())):
        with pytest.raises(errors.WithdrawalNotFound):
            selectors.withdrawal_detail(customer_id=customer_id, public_id=public_id)


@pytest.mark.django_db
def test_what_can_be_cancelled_is_what_the_operation_cancels() -> None:
    row = approved(a_customer(micro=100 * USDT))
    assert selectors.can_cancel(row)
    engine.start_payouts()
    row.refresh_from_db()
    assert not selectors.can_cancel(row)


@pytest.mark.django_db
def test_the_balance_of_each_day_ends_with_todays() -> None:
    customer = a_customer(micro=100 * USDT)
    ask(customer)  # moves money within the customer's balance
    series = selectors.balance_series(customer.pk, 7)
    assert [micro for _day, micro in series] == [0] * 6 + [100 * USDT]
    assert series[-1][0] == timezone.now().date()
    assert [later - earlier for (earlier, _a), (later, _b) in itertools.pairwise(series)] == [timedelta(days=1)] * 6


def test_the_balance_of_each_day_is_what_the_ledger_said_then(committed_db: CommittedDatabase) -> None:
    customer = a_customer()
    for micro in (5 * USDT, 7 * USDT, 11 * USDT):
        fund(customer, micro)
    with psycopg.connect(committed_db.owner_url) as owner:
        owner.execute("ALTER TABLE treasury_ledgertransfer DISABLE TRIGGER USER")
        for micro, days in ((5 * USDT, 40), (7 * USDT, 2), (11 * USDT, 0)):
            owner.execute(
                "UPDATE treasury_ledgertransfer SET posted_at = posted_at - make_interval(days => %s)"
                " WHERE amount = %s",
                [days, micro],
            )
    series = [micro // USDT for _day, micro in selectors.balance_series(customer.pk, 4)]
    assert series == [5, 12, 12, 23]


def deposit_rows(database: CommittedDatabase, customer: User, count: int) -> None:
    with psycopg.connect(database.signer_url) as signer:
        signer.execute(
            "INSERT INTO treasury_depositaddress (family, address, derivation_index, signature, created_at)"
            " VALUES ('evm', '0x' || repeat('a', 40), 1, '\\x00', now())"
        )
    address = DepositAddress.objects.get()
    DepositAddress.objects.update(customer=customer, assigned_at=timezone.now())
    for number in range(count):
        Deposit.objects.create(
            network="arbitrum",
            tx_hash=f"0x{number:064x}",
            ordinal=0,
            block_number=1,
            block_hash="0x1",
            log_index=0,
            deposit_address=address,
            sender="0x2",
            amount_raw=USDT,
            amount_micro=USDT,
            state=Deposit.State.CREDITED if number % 4 else Deposit.State.REVERSED,
        )


def test_the_history_is_paged_without_a_gap_or_a_double(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=1000 * USDT)
    first = [ask(customer, 10 * USDT).pk for _number in range(3)]
    deposit_rows(committed_db, customer, 7)
    second = [ask(customer, 10 * USDT).pk for _number in range(4)]
    ask(a_customer(micro=100 * USDT))  # somebody else's
    seen: list[selectors.Movement] = []
    before: str | None = None
    while True:
        page = selectors.movements_of(customer.pk, before=before, limit=3)
        seen += page.rows
        before = page.before
        if before is None:
            break
    assert [move.at for move in seen] == sorted((move.at for move in seen), reverse=True)
    assert [move.id for move in seen if move.kind == "withdrawal"] == [*second[::-1], *first[::-1]]
    assert len([move for move in seen if move.kind == "deposit"]) == 7
    assert len(seen) == 14


def test_the_history_can_be_filtered(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=1000 * USDT)
    deposit_rows(committed_db, customer, 2)
    ask(customer, network="bsc")
    kinds = {kind: selectors.movements_of(customer.pk, kind=kind).rows for kind in ("", "deposits", "withdrawals")}
    assert [len(rows) for rows in kinds.values()] == [3, 2, 1]
    assert [move.kind for move in selectors.movements_of(customer.pk, network="bsc").rows] == ["withdrawal"]


@pytest.mark.django_db
@pytest.mark.parametrize("broken", ["x", "1", "1.2.3", "1.x"])
def test_a_broken_place_in_the_history_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        selectors.movements_of(a_customer().pk, before=broken)


@pytest.mark.django_db
def test_a_withdrawal_that_did_not_happen_is_void_in_the_history() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    (move,) = selectors.movements_of(customer.pk).rows
    assert (move.kind, move.amount_micro, move.state, move.is_void) == ("withdrawal", 41 * USDT, "cancelled", True)


@pytest.mark.django_db
def test_the_dashboard_costs_the_same_however_long_the_history(django_assert_max_num_queries: Any) -> None:
    customer = a_customer(micro=1000 * USDT)
    for _number in range(12):
        ask(customer, 10 * USDT)
    with django_assert_max_num_queries(4):
        board = selectors.dashboard(customer.pk)
    assert (board.available_micro, board.reserved_micro) == (868 * USDT, 132 * USDT)
    assert (len(board.movements), len(board.open_withdrawals), len(board.series)) == (6, 5, 30)


def test_the_dashboard_reads_the_same_rows_as_the_lists(committed_db: CommittedDatabase) -> None:
    customer, other = a_customer(micro=1000 * USDT), a_customer(micro=1000 * USDT)
    rows = [ask(customer, 10 * USDT) for _number in range(5)]
    for row in rows[2:]:
        withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    ask(other)
    deposit_rows(committed_db, customer, 8)
    found = Deposit.objects.order_by("id")
    for index, state in enumerate(["seen", "confirmed", "orphaned", "orphaned"]):
        Deposit.objects.filter(pk=found[2 * index].pk).update(state=state)
    for person in (customer, other):
        assert selectors.latest_and_open_withdrawals_of(person.pk, latest=2, still_open=1) == (
            selectors.withdrawals_of(person.pk, limit=2),
            selectors.open_withdrawals_of(person.pk, limit=1),
        )
        assert treasury_selectors.latest_and_waiting_deposits_of(person.pk, latest=3) == (
            treasury_selectors.deposits_of(person.pk, limit=3),
            treasury_selectors.waiting_deposits_of(person.pk),
        )
        board = selectors.dashboard(person.pk)
        assert board.movements == selectors.movements_of(person.pk, limit=6).rows
        assert board.funds == selectors.funds_of(person.pk)


@pytest.mark.django_db
def test_the_dashboard_knows_that_withdrawals_are_stopped() -> None:
    customer = a_customer(micro=100 * USDT)
    assert not selectors.dashboard(customer.pk).is_frozen
    freeze_withdrawals(user_id=customer.pk, reason="a test")
    assert selectors.dashboard(customer.pk).is_frozen
    assert not selectors.dashboard(a_customer().pk).is_frozen


@pytest.mark.django_db
def test_the_queue_says_what_waits_for_whom() -> None:
    customer, support = a_customer(micro=10_000 * USDT), staff("support")
    ask(customer)
    in_review(customer)
    mine = in_review(customer)
    withdrawals.claim_withdrawal(withdrawal_id=mine.pk, actor=support)
    approve(in_review(customer, 1000 * USDT), support)
    held = confirm(ask(customer))
    withdrawals.hold_withdrawal(
        withdrawal_id=held.pk, actor=support, revision=1, reason="a closer look", step_up=proven(support)
    )
    approved(customer)
    WithdrawalRequest.objects.filter(pk=approved(customer).pk).update(state=State.FAILED)
    assert selectors.queue_counts(support.pk) == selectors.QueueCounts(
        to_review=3, second_approval=1, mine=1, on_hold=1, under_way=1, failed=1
    )
