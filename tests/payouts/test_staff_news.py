"""Staff hear once of withdrawals that wait too long, of wallets that run low, and of the day."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.mail import render
from accounts.models import OutgoingMail
from payouts import tasks, withdrawals
from payouts.models import WithdrawalRequest
from payouts.staff_news import tell_daily_digest, tell_late_reviews, tell_low_wallets
from tests.payouts.people import USDT, a_customer, fund, in_review, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from treasury import ledger
from treasury.ledger import Posting

HOUR = timedelta(hours=1)


def told(template: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(template=template).order_by("id"))


def text_of(row: OutgoingMail) -> str:
    row.language = "en"
    return str(render(row).body)


# --- late reviews ---------------------------------------------------------------------------------------------------


def waiting(hours: float, micro: int = 40 * USDT) -> WithdrawalRequest:
    row = in_review(a_customer(micro=100 * USDT), micro)
    WithdrawalRequest.objects.filter(pk=row.pk).update(confirmed_at=timezone.now() - hours * HOUR)
    return row


def test_withdrawals_that_wait_longer_than_promised_are_told_once_to_those_who_may_approve(
    committed_db: CommittedDatabase,
) -> None:
    support = staff("support")
    staff("finance")
    late, fresh = waiting(5), waiting(1)
    tasks.tell_late_reviews()
    tasks.tell_late_reviews()
    (row,) = told("reviews_late")
    assert row.user_id == support.pk
    text = text_of(row)
    assert f"W-{late.pk}: 40.00\u00a0USDT" in text
    assert "waits 5 hours" in text
    assert f"W-{fresh.pk}" not in text
    waiting(6)
    assert tell_late_reviews() == 1
    assert len(told("reviews_late")) == 2


def test_one_that_was_decided_meanwhile_is_not_told(committed_db: CommittedDatabase) -> None:
    support = staff("support")
    row = waiting(5)
    withdrawals.reject_withdrawal(
        withdrawal_id=row.pk, actor=support, revision=row.revision, reason_for_customer="No.", step_up=proven(support)
    )
    assert tell_late_reviews() == 0


def test_two_workers_at_once_tell_once(committed_db: CommittedDatabase) -> None:
    staff("support")
    for _number in range(5):
        waiting(5)

    def run() -> None:
        try:
            tell_late_reviews()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.facts["count"] for row in told("reviews_late")] == [5]


# --- hot wallets ----------------------------------------------------------------------------------------------------


def paid(micro: int) -> None:
    """A withdrawal that was paid yesterday, as far as the figures look."""
    row = in_review(a_customer(micro=micro + 100 * USDT), micro)
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="paid", closed_at=timezone.now() - 24 * HOUR)


def hot(micro: int) -> None:
    ledger.post(
        Posting(
            key=f"test-hot:{micro}", debit="asset:arbitrum:hot", credit="asset:arbitrum:deposit", amount=micro,
            kind="sweep",
        )
    )  # fmt: skip


def test_a_hot_wallet_that_lasts_less_than_a_day_is_told_once_a_day(committed_db: CommittedDatabase) -> None:
    finance = staff("finance")
    staff("support")
    fund(a_customer(), 1000 * USDT)
    paid(700 * USDT)  # 100 a day
    hot(50 * USDT)
    assert (tell_low_wallets(), tell_low_wallets()) == (1, 0)
    (row,) = told("hot_wallet_low")
    assert row.user_id == finance.pk
    text = text_of(row)
    assert "50.00\u00a0USDT" in text
    assert "100.00\u00a0USDT" in text
    assert "12 hours" in text
    with time_machine.travel(timezone.now() + 24 * HOUR, tick=False):
        assert tell_low_wallets() == 1


def test_one_that_lasts_longer_or_pays_nothing_is_not_told(committed_db: CommittedDatabase) -> None:
    staff("finance")
    assert tell_low_wallets() == 0
    fund(a_customer(), 1000 * USDT)
    paid(700 * USDT)
    hot(100 * USDT)
    assert tell_low_wallets() == 0


# --- the day --------------------------------------------------------------------------------------------------------

MORNING = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


def test_the_day_before_is_told_in_the_morning_once(committed_db: CommittedDatabase) -> None:
    finance, treasurer = staff("finance"), staff("treasurer")
    staff("support")
    staff("admin")
    with time_machine.travel(MORNING - 10 * HOUR, tick=False):
        in_review(a_customer(micro=100 * USDT), 40 * USDT)
    with time_machine.travel(MORNING, tick=False):
        assert tell_daily_digest()
        assert not tell_daily_digest()
        tasks.tell_daily_news()
    rows = told("daily_digest")
    assert [row.user_id for row in rows] == [finance.pk, treasurer.pk]
    text = text_of(rows[0])
    assert "23 November 2026" in text
    assert "Withdrawals to review: 1" in text
    assert "Later than promised: 1" in text
    assert "Owed to customers: 100.00\u00a0USDT" in text
    assert "Coverage: 100.00\u00a0%" in text


def test_before_the_hour_nothing_is_told(committed_db: CommittedDatabase, settings: Settings) -> None:
    staff("finance")
    a_customer(micro=100 * USDT)
    settings.DAILY_DIGEST_HOUR_UTC = 7
    with time_machine.travel(MORNING, tick=False):
        assert not tell_daily_digest()
    with time_machine.travel(MORNING + HOUR, tick=False):
        assert tell_daily_digest()


@pytest.mark.usefixtures("committed_db")
def test_an_installation_that_nobody_uses_yet_is_silent() -> None:
    staff("finance")
    with time_machine.travel(MORNING, tick=False):
        tell_daily_digest()
    assert told("daily_digest") == []
