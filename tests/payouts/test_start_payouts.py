"""From approved to ordered: only what was approved, only once, many at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from queue import Empty
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.db import connection, transaction

from accounts.freezes import freeze_withdrawals
from payouts import engine, withdrawals
from payouts.models import WithdrawalRequest
from payouts.postings import reserve
from tests.payouts.people import (
    OTHER_RECIPIENT,
    USDT,
    a_customer,
    approve,
    approved,
    fund,
    funds,
    staff,
    states_told,
    thaw,
)
from tests.support.databases import CommittedDatabase
from tests.support.product import forget_queues
from tests.support.suite import Share
from treasury import ledger
from treasury.halts import halt_network, resume_network
from treasury.ledger import Posting
from treasury.models import Alarm, PaymentOrder
from treasury.orders import OrderRequest, open_orders


@pytest.mark.django_db
def test_the_order_carries_the_evidence() -> None:
    support = staff("support")
    row = approved(a_customer(micro=100 * USDT), by=support)
    assert engine.start_payouts() == 1
    order = PaymentOrder.objects.get()
    assert (order.reference, order.network, order.address, order.amount_micro, order.revision) == (
        f"withdrawal:{row.pk}",
        "arbitrum",
        row.address,
        40 * USDT,
        1,
    )
    evidence = order.approvals.get()
    assert (evidence.approver_id, evidence.approver_label, evidence.digest) == (
        support.pk,
        support.email,
        row.approvals.get().digest,
    )


@pytest.mark.django_db
def test_an_order_over_the_threshold_carries_both_approvals() -> None:
    row = approved(a_customer(micro=2000 * USDT), 1000 * USDT)
    assert row.state == "in_review"
    approve(row, staff("support"))
    engine.start_payouts()
    order = PaymentOrder.objects.get()
    assert (order.approvals_required, order.approvals.count()) == (2, 2)


@pytest.mark.django_db
def test_a_second_run_orders_nothing() -> None:
    approved(a_customer(micro=100 * USDT))
    assert [engine.start_payouts(), engine.start_payouts()] == [1, 0]
    assert PaymentOrder.objects.count() == 1


@pytest.mark.django_db
def test_one_network_at_a_time_if_wanted() -> None:
    customer = a_customer(micro=500 * USDT)
    approved(customer)
    approved(customer, network="bsc")
    assert engine.start_payouts("bsc") == 1
    assert PaymentOrder.objects.get().network == "bsc"


@pytest.mark.django_db
def test_a_halted_network_waits() -> None:
    approved(a_customer(micro=100 * USDT))
    halt_network("arbitrum", "the test says so")
    assert engine.start_payouts() == 0
    resume_network("arbitrum", actor_label="test")
    assert engine.start_payouts() == 1


@pytest.mark.django_db
def test_a_frozen_customer_waits() -> None:
    customer = a_customer(micro=100 * USDT)
    approved(customer)
    freeze_withdrawals(user_id=customer.pk, reason="test", process="test")
    assert engine.start_payouts() == 0
    thaw(customer)
    assert engine.start_payouts() == 1


@pytest.mark.django_db
def test_many_are_ordered_in_a_handful_of_statements(django_assert_max_num_queries: Any) -> None:
    customer, support = a_customer(micro=100_000 * USDT), staff("support")
    rows = [approved(customer, 10 * USDT, by=support) for _number in range(10)]
    with django_assert_max_num_queries(16):
        assert engine.start_payouts() == len(rows)
    assert PaymentOrder.objects.count() == len(rows)
    assert set(WithdrawalRequest.objects.values_list("state", flat=True)) == {"ordered"}


@pytest.mark.django_db
def test_the_oldest_go_first() -> None:
    customer = a_customer(micro=500 * USDT)
    first, second = approved(customer), approved(customer)
    assert engine.start_payouts(limit=1) == 1
    assert PaymentOrder.objects.get().reference == first.reference
    engine.start_payouts(limit=1)
    assert PaymentOrder.objects.filter(reference=second.reference).exists()


@pytest.mark.django_db
def test_without_the_money_held_back_nothing_is_ordered() -> None:
    """Somebody made a row out of nothing."""
    customer, support = a_customer(micro=100 * USDT), staff("support")
    real = approved(customer, by=support)
    ledger.post(
        Posting(
            key=f"{real.reference}:release",
            debit=f"customer:{customer.pk}:reserved",
            credit=f"customer:{customer.pk}:available",
            amount=real.debit_micro,
            kind="withdrawal_release",
        )
    )
    assert engine.start_payouts() == 0
    assert_stopped(real, "not_reserved")


@pytest.mark.django_db
def test_what_is_held_back_for_somebody_else_does_not_count() -> None:
    customer, rich = a_customer(micro=100 * USDT), a_customer(micro=1000 * USDT)
    row = WithdrawalRequest(customer=rich, amount_micro=40 * USDT, fee_micro=USDT, network="arbitrum")
    row.pk = 987_654
    ledger.post(reserve(row))
    row.customer = customer
    from payouts.postings import reserved_for

    assert reserved_for([row]) == {}


def assert_stopped(row: WithdrawalRequest, fault: str) -> None:
    row.refresh_from_db()
    assert row.state == "on_hold"
    assert not PaymentOrder.objects.exists()
    assert not row.approvals.filter(revision=row.revision).exists()
    alarm = Alarm.objects.get(key=f"withdrawal-evidence:{row.pk}")
    assert (alarm.severity, alarm.facts["fault"]) == ("critical", fault)


@pytest.mark.parametrize("guarded", [True, False], ids=["with the trigger", "with the trigger switched off"])
@pytest.mark.parametrize(
    "change", [f"address = '{OTHER_RECIPIENT}'", "amount_micro = amount_micro + 1", "network = 'bsc'"]
)
def test_a_row_changed_after_approval_is_not_paid(
    committed_db: CommittedDatabase, change: str, *, guarded: bool
) -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    with psycopg.connect(committed_db.owner_url) as intruder:
        if not guarded:
            intruder.execute("ALTER TABLE payouts_withdrawalrequest DISABLE TRIGGER guard")
        intruder.execute(f"UPDATE payouts_withdrawalrequest SET {change} WHERE id = %s", [row.pk])
        if not guarded:
            intruder.execute("ALTER TABLE payouts_withdrawalrequest ENABLE TRIGGER guard")
    assert engine.start_payouts() == 0
    assert_stopped(row, "too_few" if guarded else "changed")  # the trigger has raised the revision
    assert funds(customer) == (59 * USDT, 41 * USDT)
    assert states_told(row)[-1] == ("approved", "on_hold")


def test_the_good_ones_beside_a_changed_one_are_paid(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=500 * USDT)
    good, bad, good_too = approved(customer), approved(customer), approved(customer)
    with psycopg.connect(committed_db.owner_url) as owner:
        owner.execute("UPDATE payouts_withdrawalrequest SET fee_micro = 0 WHERE id = %s", [bad.pk])
    assert engine.start_payouts() == 2
    assert set(PaymentOrder.objects.values_list("reference", flat=True)) == {good.reference, good_too.reference}


def test_an_order_that_exists_already_stops_only_its_own_request(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=500 * USDT)
    strange, good = approved(customer), approved(customer)
    evidence = engine._order_request(strange, strange.approvals.select_related("approver"))
    with transaction.atomic():
        open_orders([evidence])
    assert isinstance(evidence, OrderRequest)
    assert engine.start_payouts() == 1
    strange.refresh_from_db()
    good.refresh_from_db()
    assert (strange.state, good.state) == ("on_hold", "ordered")
    assert PaymentOrder.objects.filter(reference=strange.reference).count() == 1
    assert Alarm.objects.filter(key=f"withdrawal-evidence:{strange.pk}").exists()


def test_engines_at_once_order_each_request_once(committed_db: CommittedDatabase) -> None:
    customer, support = a_customer(micro=10_000 * USDT), staff("support")
    rows = [approved(customer, 10 * USDT, by=support) for _number in range(12)]
    ordered = in_threads(*[lambda: engine.start_payouts(limit=3)] * 4)
    while more := engine.start_payouts(limit=3):
        ordered.append(more)
    assert sum(ordered) == len(rows)
    assert PaymentOrder.objects.count() == len(rows)


def test_a_cancellation_and_an_order_never_both_happen(committed_db: CommittedDatabase) -> None:
    customer = a_customer()
    for _round in range(6):
        fund(customer, 41 * USDT)
        row = approved(customer)
        in_threads(engine.start_payouts, lambda row=row: cancel_quietly(row))
        row.refresh_from_db()
        ordered = PaymentOrder.objects.filter(reference=row.reference).exists()
        assert (row.state, ordered) in {("cancelled", False), ("ordered", True)}


def cancel_quietly(row: WithdrawalRequest) -> int:
    from payouts.errors import WrongState

    try:
        withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=row.customer_id)
    except WrongState:
        return 0
    return 1


def in_threads(*deeds: Callable[[], int]) -> list[int]:
    results: list[int] = []
    barrier = threading.Barrier(len(deeds))

    def run(deed: Callable[[], int]) -> None:
        barrier.wait()
        try:
            results.append(deed())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(deeds)
    return results


def test_the_sender_is_woken_once_what_it_should_find_is_committed(
    committed_db: CommittedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = a_customer(micro=500 * USDT)
    approved(customer), approved(customer)
    woken: list[tuple[str, str, int]] = []

    def wake(task: str, network: str) -> None:
        with psycopg.connect(committed_db.owner_url) as another:
            (seen,) = another.execute("SELECT count(*) FROM treasury_paymentorder").fetchone() or (0,)
        woken.append((task, network, seen))

    monkeypatch.setattr(engine, "wake", wake)
    assert engine.start_payouts() == 2
    assert engine.start_payouts() == 0
    assert woken == [("treasury.tasks.begin_payments", "arbitrum", 2)]


def test_what_wakes_the_sender_is_a_task_that_exists_with_the_network_to_work_on(
    committed_db: CommittedDatabase, share: Share
) -> None:
    forget_queues(share)
    approved(a_customer(micro=500 * USDT))
    assert engine.start_payouts() == 1
    with current_app.connection_for_read() as connection, closing(connection.SimpleQueue("default")) as queue:
        sent = {}
        while True:
            try:
                message = queue.get(timeout=1)
            except Empty:
                break
            sent[message.headers["task"]] = message.payload[0]
    assert sent["treasury.tasks.begin_payments"] == ["arbitrum"]
    current_app.loader.import_default_modules()
    assert set(sent) <= set(current_app.tasks)
