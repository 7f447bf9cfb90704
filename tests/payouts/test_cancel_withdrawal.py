"""The customer changes their mind."""

from __future__ import annotations

import pytest

from accounts.freezes import freeze_withdrawals
from payouts import engine, errors, withdrawals
from tests.payouts.people import USDT, a_customer, approved, ask, funds, in_review, staff
from tests.support.factors import proven

pytestmark = pytest.mark.django_db


def test_the_money_is_available_again_at_once() -> None:
    customer = a_customer(micro=100 * USDT)
    row = withdrawals.cancel_withdrawal(withdrawal_id=ask(customer).pk, customer_id=customer.pk)
    assert row.state == "cancelled"
    assert funds(customer) == (100 * USDT, 0)


def test_it_can_be_named_by_its_public_number() -> None:
    customer = a_customer(micro=100 * USDT)
    row = withdrawals.cancel_withdrawal(withdrawal_id=ask(customer).public_id, customer_id=customer.pk)
    assert row.state == "cancelled"


@pytest.mark.parametrize("stage", ["in_review", "on_hold", "approved"])
def test_it_is_possible_until_the_payment_is_ordered(stage: str) -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer) if stage == "approved" else in_review(customer)
    if stage == "on_hold":
        person = staff("support")
        withdrawals.hold_withdrawal(
            withdrawal_id=row.pk, actor=person, revision=1, reason="a closer look", step_up=proven(person)
        )
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    assert funds(customer) == (100 * USDT, 0)
    assert engine.start_payouts() == 0


def test_it_is_too_late_once_the_payment_is_ordered() -> None:
    customer = a_customer(micro=100 * USDT)
    row = approved(customer)
    engine.start_payouts()
    with pytest.raises(errors.WrongState):
        withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    assert funds(customer) == (59 * USDT, 41 * USDT)


def test_it_gives_the_money_back_once() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    with pytest.raises(errors.WrongState):
        withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk)
    assert funds(customer) == (100 * USDT, 0)


def test_somebody_elses_request_is_not_found() -> None:
    row = ask(a_customer(micro=100 * USDT))
    with pytest.raises(errors.WithdrawalNotFound):
        withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=a_customer().pk)


def test_a_frozen_customer_may_cancel() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    freeze_withdrawals(user_id=customer.pk, reason="test", process="test")
    assert withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=customer.pk).state == "cancelled"
