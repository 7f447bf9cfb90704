"""Requests that nobody confirms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import OutgoingMail
from payouts import withdrawals
from tests.payouts.people import USDT, a_customer, ask, confirm, funds

pytestmark = pytest.mark.django_db


def test_after_an_hour_the_money_goes_back() -> None:
    customer = a_customer(micro=200 * USDT)
    forgotten, kept = ask(customer), confirm(ask(customer))
    assert withdrawals.expire_withdrawals() == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=3601), tick=False):
        assert withdrawals.expire_withdrawals() == 1
        assert withdrawals.expire_withdrawals() == 0
    forgotten.refresh_from_db()
    kept.refresh_from_db()
    assert (forgotten.state, kept.state) == ("expired", "in_review")
    assert funds(customer) == (159 * USDT, 41 * USDT)
    assert OutgoingMail.objects.filter(template="withdrawal_expired").count() == 1


def test_many_expire_in_a_handful_of_statements(django_assert_max_num_queries: Any) -> None:
    customer = a_customer(micro=10_000 * USDT)
    for _number in range(25):
        ask(customer, 10 * USDT)
    later = time_machine.travel(timezone.now() + timedelta(seconds=3601), tick=False)
    with later, django_assert_max_num_queries(14):
        assert withdrawals.expire_withdrawals() == 25
    assert funds(customer) == (10_000 * USDT, 0)
