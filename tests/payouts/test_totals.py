"""A profile's totals are sums of the ledger: whatever happens, in whatever order, they are what happened."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User, UserProfile
from payouts.errors import WithdrawalError
from payouts.models import WithdrawalRequest
from payouts.totals import DEPOSIT_KINDS, PAYOUT, PAYOUT_REVERSED, Totals, fill_totals, totals_of
from payouts.withdrawals import cancel_withdrawal
from tests.payouts.people import USDT, a_customer, ask, staff
from tests.portal.admin.rows import Owner, a_deposit
from tests.support.databases import CommittedDatabase
from treasury import halts, ledger
from treasury.chains import registry
from treasury.deposits import postings
from treasury.deposits.crediting import credit_deposits, credit_waiting_deposit
from treasury.deposits.reorgs import take_back
from treasury.ledger import Posting
from treasury.ledger_checks import run_checks
from treasury.models import Deposit, DepositAddress

State = Deposit.State
POOL = "pool:profit:cross"


def available(user: User) -> str:
    return f"customer:{user.pk}:available"


def invested(user: User) -> str:
    return f"customer:{user.pk}:invested"


# --- what counts ---


@pytest.mark.django_db
def test_who_did_nothing_has_nothing() -> None:
    user = a_customer()
    assert totals_of([user.pk, 10**9]) == {user.pk: Totals(0, 0, 0), 10**9: Totals(0, 0, 0)}
    assert totals_of([]) == {}


@pytest.mark.django_db
def test_a_page_of_profiles_is_filled_in_one_query(django_assert_num_queries: Any) -> None:
    people = [a_customer(micro=(number + 1) * USDT) for number in range(5)]
    profiles = list(UserProfile.objects.filter(user__in=people).order_by("user"))
    with django_assert_num_queries(1):
        filled = fill_totals(profiles)
    assert [each.total_deposit_amount for each in filled] == [USDT, 2 * USDT, 3 * USDT, 4 * USDT, 5 * USDT]  # type: ignore[attr-defined]  # filled
    assert [(each.total_payout_amount, each.active_investment) for each in filled] == [(0, 0)] * 5  # type: ignore[attr-defined]  # likewise


@pytest.mark.django_db
def test_money_that_is_spent_or_invested_was_deposited_all_the_same() -> None:
    user = a_customer(micro=100 * USDT)
    ask(user, 40 * USDT)
    ledger.post(Posting("t:1", available(user), invested(user), 20 * USDT, "invest"))
    assert totals_of([user.pk])[user.pk] == Totals(100 * USDT, 0, 20 * USDT)


@pytest.mark.django_db
def test_profit_counts_where_it_is_paid_and_where_it_is_put_back_to_work() -> None:
    user = a_customer()
    ledger.post(
        Posting("t:1", "asset:arbitrum:hot", POOL, 50 * USDT, "profit"),
        Posting("t:2", POOL, available(user), 7 * USDT, PAYOUT),
        Posting("t:3", POOL, invested(user), 5 * USDT, PAYOUT),
        Posting("t:4", available(user), POOL, 2 * USDT, PAYOUT_REVERSED),
    )
    assert totals_of([user.pk])[user.pk] == Totals(0, 10 * USDT, 5 * USDT)


@pytest.mark.django_db
def test_one_customers_number_does_not_begin_anothers() -> None:
    """Accounts are named by number: 7 is not 77."""
    first = User.objects.create(pk=900_007, email="seven@example.com")
    second = User.objects.create(pk=9_000_077, email="seventy.seven@example.com")
    third = User.objects.create(pk=90_000_770, email="more@example.com")
    ledger.post(
        Posting("t:1", "asset:bsc:deposit", available(second), 3 * USDT, "deposit"),
        Posting("t:2", "asset:bsc:deposit", available(third), 5 * USDT, "deposit"),
    )
    found = totals_of([first.pk, second.pk, third.pk])
    assert [each.total_deposit_amount for each in found.values()] == [0, 3 * USDT, 5 * USDT]


def test_every_kind_that_a_deposit_moves_a_customer_by_is_counted() -> None:
    booked = postings.Booked(1, 2, "bsc", 5 * USDT, 7)
    made = [
        *postings.credit(booked, customer_id=7, owed_micro=USDT),
        *postings.explain(booked, customer_id=7, owed_micro=USDT),
        *postings.reverse_credit(booked, customer_id=7, available_micro=USDT),
    ]
    own = ("customer:7:", "receivable:reorg:7")
    kinds = {each.kind for each in made if each.debit.startswith(own) or each.credit.startswith(own)}
    assert kinds == set(DEPOSIT_KINDS)


@pytest.mark.django_db
def test_the_query_reads_no_more_than_these_customers_rows() -> None:
    from payouts.totals import _TOTALS, PAYOUT_KINDS

    people = [a_customer(micro=USDT) for _number in range(3)]
    for number in range(300):
        ledger.post(Posting(f"noise:{number}", "asset:bsc:hot", "equity:opening", 1, "opening"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + _TOTALS,
            {"customers": [people[0].pk], "deposits": list(DEPOSIT_KINDS), "payouts": list(PAYOUT_KINDS)},
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "ledger_transfer_by_credit" in plan
    assert "ledger_transfer_by_debit" in plan
    assert "Seq Scan on treasury_ledgertransfer" not in plan


# --- check_ledger ---


def test_check_ledger_finds_a_total_that_no_deposit_explains(committed_db: CommittedDatabase) -> None:
    world = World(committed_db)
    world.step("arrive", 50)
    world.step("credit", 0)
    assert differences() == []
    with psycopg.connect(committed_db.owner_url) as owner:
        owner.execute("ALTER TABLE treasury_ledgertransfer DISABLE TRIGGER USER")
        owner.execute("UPDATE treasury_ledgertransfer SET kind = 'gift' WHERE kind = 'deposit'")
        owner.execute("ALTER TABLE treasury_ledgertransfer ENABLE TRIGGER USER")
    (found,) = differences()
    assert (found.subject, found.expected, found.found) == (f"customer {world.customer.pk}", f"{51 * USDT}", "0")


def differences() -> list[Any]:
    return [found for outcome in run_checks().outcomes for found in outcome.first]


# --- random histories ---


class World:
    """A customer with an address of theirs, an address of nobody's, and a note of what happened."""

    def __init__(self, database: CommittedDatabase) -> None:
        self.customer, self.colleague = a_customer(), staff("support")
        owner = Owner(database)
        number = DepositAddress.objects.count()
        self.address = owner.deposit_address(self.customer, number)
        self.nobodys = owner.deposit_address(None, number + 1)
        self.paid_out = 0
        self.put_to_work = 0
        self.postings = 0

    def step(self, deed: str, number: int) -> None:
        """Do it, if it can be done; refusals are answers like any other."""
        deeds: dict[str, Callable[[int], object]] = {
            "arrive": lambda n: self.arrives(self.address, (n % 200 + 1) * USDT),
            "arrive at nobody": lambda n: self.arrives(self.nobodys, (n % 200 + 1) * USDT),
            "credit": lambda _n: credit_deposits("arbitrum"),
            "explain": self.explain,
            "reorg": self.reorg,
            "return": self.returns,
            "ask": lambda n: ask(self.customer, (n % 90 + 10) * USDT),
            "cancel": self.cancel,
            "invest": lambda n: self.move(available(self.customer), invested(self.customer), n, "invest"),
            "redeem": lambda n: self.move(invested(self.customer), available(self.customer), n, "redeem"),
            "payout": lambda n: self.move(POOL, available(self.customer), n, PAYOUT),
            "reinvest": lambda n: self.move(POOL, invested(self.customer), n, PAYOUT),
            "payout reversed": lambda n: self.move(available(self.customer), POOL, n, PAYOUT_REVERSED),
        }
        with contextlib.suppress(WithdrawalError, ledger.InsufficientFunds):
            deeds[deed](number)
        halts.resume_network("arbitrum", actor_label="operator@example.com")

    def mine(self, *states: Deposit.State) -> list[Deposit]:
        wanted = Deposit.objects.filter(deposit_address__in=[self.address, self.nobodys], state__in=states)
        return list(wanted.order_by("id"))

    def arrives(self, address: DepositAddress, micro: int) -> None:
        a_deposit(address, state=State.CONFIRMED, amount_micro=micro, amount_raw=micro)

    def explain(self, number: int) -> None:
        if rows := self.mine(State.SUSPENDED):
            credit_waiting_deposit(
                deposit_id=rows[number % len(rows)].pk,
                customer_id=self.customer.pk,
                actor=self.colleague,
                reason="theirs",
            )

    def reorg(self, number: int) -> None:
        if rows := self.mine(State.CONFIRMED, State.CREDITED, State.SUSPENDED):
            with transaction.atomic():
                take_back(registry.network("arbitrum"), [rows[number % len(rows)].pk], reason="a test's reorg")

    def returns(self, number: int) -> None:
        """Mined again: as the watcher stores it."""
        if rows := self.mine(State.REVERSED):
            row = rows[number % len(rows)]
            Deposit.objects.filter(pk=row.pk).update(
                state=State.CONFIRMED, inclusion=row.inclusion + 1, orphaned_at=None, credited_to=None
            )

    def cancel(self, _number: int) -> None:
        if row := WithdrawalRequest.objects.filter(customer=self.customer, state="requested").first():
            cancel_withdrawal(withdrawal_id=row.pk, customer_id=self.customer.pk)

    def move(self, debit: str, credit: str, number: int, kind: str) -> None:
        self.postings += 1
        micro = (number % 60 + 1) * USDT
        group = f"move:{self.customer.pk}:{self.postings}"
        fill = [Posting(f"{group}:fill", "asset:bsc:hot", POOL, micro, "profit")] if debit == POOL else []
        ledger.post(*fill, Posting(group, debit, credit, micro, kind))
        self.paid_out += {PAYOUT: micro, PAYOUT_REVERSED: -micro}.get(kind, 0)
        self.put_to_work += micro if credit == invested(self.customer) else 0
        self.put_to_work -= micro if debit == invested(self.customer) else 0

    def expected(self) -> Totals:
        return Totals(sum(row.amount_micro for row in self.mine(State.CREDITED)), self.paid_out, self.put_to_work)


DEEDS = st.tuples(
    st.sampled_from(
        [
            *["arrive", "credit", "reorg", "return"] * 3,
            *["arrive at nobody", "explain", "ask", "cancel", "invest", "redeem", "payout", "reinvest"],
            "payout reversed",
        ]
    ),
    st.integers(0, 2000),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(DEEDS, min_size=10, max_size=30))
def test_over_any_history_the_totals_are_what_happened_and_what_check_ledger_says(
    committed_db: CommittedDatabase, deeds: list[tuple[str, int]]
) -> None:
    world = World(committed_db)
    for deed, number in deeds:
        world.step(deed, number)
        assert totals_of([world.customer.pk])[world.customer.pk] == world.expected(), deed
    call_command("check_ledger", verbosity=0, stdout=io.StringIO())
