"""What became of the payments, into the requests and the ledger."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from accounts.models import OutgoingMail
from payouts import engine
from payouts.models import WithdrawalRequest
from tests.payouts.chain_answers import Treasury
from tests.payouts.people import USDT, a_customer, approved, funds, staff, states_told
from tests.payouts.test_start_payouts import in_threads
from tests.support.databases import CommittedDatabase
from treasury import ledger
from treasury.models import Alarm


@pytest.fixture
def treasury(committed_db: CommittedDatabase) -> Treasury:
    return Treasury(committed_db)


def ordered(micro: int = 40 * USDT) -> WithdrawalRequest:
    row = approved(a_customer(micro=100 * USDT), micro)
    assert engine.start_payouts() == 1
    row.refresh_from_db()
    return row


def mails(row: WithdrawalRequest) -> list[str]:
    sent = OutgoingMail.objects.filter(user_id=row.customer_id).order_by("id").values_list("template", flat=True)
    return [name.removeprefix("withdrawal_") for name in sent]


def test_an_open_order_is_no_news(treasury: Treasury) -> None:
    ordered()
    assert engine.settle_payouts() == 0


def test_a_payment_with_the_network_is_sent_with_its_hash(treasury: Treasury) -> None:
    row = ordered()
    tx_hash = treasury.send(row)
    assert [engine.settle_payouts(), engine.settle_payouts()] == [1, 0]
    row.refresh_from_db()
    assert (row.state, row.tx_hash) == ("sent", tx_hash)
    assert mails(row)[-1] == "sent"
    assert funds(row.customer) == (59 * USDT, 41 * USDT)


def test_a_replacement_changes_the_hash_and_nothing_else(treasury: Treasury) -> None:
    row = ordered()
    treasury.send(row)
    engine.settle_payouts()
    replacement = treasury.send(row)
    engine.settle_payouts()
    row.refresh_from_db()
    assert (row.state, row.tx_hash) == ("sent", replacement)
    assert mails(row).count("sent") == 1
    assert states_told(row)[-1] == ("ordered", "sent")


def test_a_final_payment_is_paid_and_booked(treasury: Treasury) -> None:
    row = ordered()
    tx_hash = treasury.send(row)
    engine.settle_payouts()
    treasury.settle(row)
    assert engine.settle_payouts() == 1
    row.refresh_from_db()
    assert (row.state, row.tx_hash) == ("paid", tx_hash)
    assert row.closed_at is not None
    assert funds(row.customer) == (59 * USDT, 0)
    assert ledger.balance("asset:arbitrum:hot") == -40 * USDT
    assert ledger.balance("income:withdrawal_fee") == 1 * USDT
    assert mails(row) == ["confirm", "received", "approved", "sent", "completed"]


def test_a_payment_that_was_final_before_we_looked_is_told_of_once(treasury: Treasury) -> None:
    row = ordered()
    treasury.send(row)
    treasury.settle(row)
    assert [engine.settle_payouts(), engine.settle_payouts()] == [1, 0]
    assert states_told(row)[-2:] == [("ordered", "sent"), ("sent", "paid")]
    assert mails(row)[-2:] == ["approved", "completed"]


@pytest.mark.parametrize("sent", [True, False])
def test_a_dead_payment_fails_and_keeps_its_money_until_people_decide(treasury: Treasury, *, sent: bool) -> None:
    row = ordered()
    if sent:
        treasury.send(row)
        engine.settle_payouts()
    treasury.kill(row, "the signer refused it")
    assert [engine.settle_payouts(), engine.settle_payouts()] == [1, 0]
    row.refresh_from_db()
    assert row.state == "failed"
    assert funds(row.customer) == (59 * USDT, 41 * USDT)
    alarm = Alarm.objects.get(key=f"withdrawal-failed:{row.pk}")
    assert alarm.facts["why"] == "the signer refused it"


def test_two_settlers_at_once_book_once(treasury: Treasury) -> None:
    rows = [ordered(10 * USDT) for _number in range(3)]
    for row in rows:
        treasury.send(row)
        treasury.settle(row)
    in_threads(*[engine.settle_payouts] * 3)
    engine.settle_payouts()
    assert ledger.balance("asset:arbitrum:hot") == -30 * USDT
    assert set(WithdrawalRequest.objects.values_list("state", flat=True)) == {"paid"}


def test_more_in_flight_than_one_page_are_all_looked_at(treasury: Treasury) -> None:
    rows = [ordered(10 * USDT) for _number in range(5)]
    treasury.send(rows[-1])
    treasury.settle(rows[-1])
    assert engine.settle_payouts(limit=2) == 1


def test_many_are_settled_in_a_handful_of_statements(treasury: Treasury, django_assert_max_num_queries: Any) -> None:
    customer, support = a_customer(micro=10_000 * USDT), staff("support")
    rows = [approved(customer, 10 * USDT, by=support) for _number in range(12)]
    engine.start_payouts()
    for row in rows:
        treasury.send(row)
        treasury.settle(row)
    with django_assert_max_num_queries(24):
        assert engine.settle_payouts() == len(rows)
    assert funds(customer) == (10_000 * USDT - 12 * 11 * USDT, 0)


def test_a_settlement_that_the_ledger_refuses_stops_only_itself_and_alarms(
    treasury: Treasury, committed_db: CommittedDatabase
) -> None:
    broken, good = ordered(), ordered()
    for row in (broken, good):
        treasury.send(row)
        treasury.settle(row)
    with psycopg.connect(committed_db.owner_url) as intruder:
        intruder.execute("ALTER TABLE payouts_withdrawalrequest DISABLE TRIGGER guard")
        intruder.execute("UPDATE payouts_withdrawalrequest SET amount_micro = 10^15 WHERE id = %s", [broken.pk])
        intruder.execute("ALTER TABLE payouts_withdrawalrequest ENABLE TRIGGER guard")
    engine.settle_payouts()
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.state, good.state) == ("ordered", "paid")
    assert Alarm.objects.filter(key=f"withdrawal-unsettled:{broken.pk}").exists()
