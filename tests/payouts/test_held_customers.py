"""What waits after a customer's password, e-mail or second factors were changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from accounts.holds import Kind, hold_withdrawals
from accounts.models import User
from payouts import engine, errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approve, approved, ask, confirm, funds, in_review, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven

DATABASE = pytest.mark.django_db
DAY = timedelta(days=1)


def hold(user: User) -> None:
    hold_withdrawals(user_id=user.pk, kind=Kind.PASSWORD, actor=user)


@DATABASE
def test_a_held_customer_cannot_ask_and_is_told_until_when() -> None:
    customer = a_customer(micro=100 * USDT)
    with time_machine.travel("2026-12-01 10:00+00:00", tick=False):
        hold(customer)
        with translation.override("en"), pytest.raises(errors.WithdrawalsHeld) as caught:
            ask(customer)
    assert "wait until 2 December 2026, 10:00 UTC" in str(caught.value.message)
    assert funds(customer) == (100 * USDT, 0)
    with time_machine.travel("2026-12-02 10:00:01+00:00", tick=False):
        assert ask(customer).state == "requested"


@DATABASE
def test_what_was_asked_for_before_cannot_be_confirmed_during_the_hold() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    hold(customer)
    with pytest.raises(errors.WithdrawalsHeld):
        confirm(row)
    with time_machine.travel(timezone.now() + DAY, tick=True):
        withdrawals.expire_withdrawals()
    assert funds(customer) == (100 * USDT, 0)


@DATABASE
def test_what_is_in_review_is_not_approved_during_the_hold() -> None:
    customer, support = a_customer(micro=100 * USDT), staff("support")
    row = in_review(customer)
    hold(customer)
    with pytest.raises(errors.CustomerHeld):
        approve(row, support)
    with time_machine.travel(timezone.now() + DAY, tick=True):
        assert approve(row, support).state == "approved"


@DATABASE
def test_what_is_approved_is_not_ordered_during_the_hold() -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    hold(customer)
    assert engine.start_payouts() == 0
    with time_machine.travel(timezone.now() + DAY, tick=True):
        assert engine.start_payouts() == 1
    assert WithdrawalRequest.objects.get(pk=row.pk).state == "ordered"


@DATABASE
def test_others_go_on() -> None:
    held, other = a_customer(micro=100 * USDT), a_customer(micro=100 * USDT)
    approved(held)
    approved(other)
    hold(held)
    assert engine.start_payouts() == 1


@DATABASE
def test_what_waits_can_be_cancelled_by_its_owner() -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    hold(customer)
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    assert funds(customer) == (100 * USDT, 0)


@DATABASE
def test_support_can_reject_during_the_hold() -> None:
    customer, support = a_customer(micro=100 * USDT), staff("support")
    row = in_review(customer)
    hold(customer)
    withdrawals.reject_withdrawal(
        withdrawal_id=row.pk, actor=support, revision=1, reason_for_customer="It was not you.", step_up=proven(support)
    )
    assert funds(customer) == (100 * USDT, 0)


def test_engines_see_a_hold_that_was_committed(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=100 * USDT)
    approved(customer)
    hold(customer)
    assert engine.start_payouts() == 0
