"""What is given back is never paid as well; what cannot be ordered stops only itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from payouts import engine, errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import ORIGIN, USDT, a_customer, approved, funds, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from treasury.chains import registry
from treasury.models import Alarm, PaymentOrder
from treasury.orders import open_orders


def with_an_order_of_its_own(row: WithdrawalRequest) -> WithdrawalRequest:
    """An order that the request's state knows nothing of."""
    with transaction.atomic():
        open_orders([engine._order_request(row, row.approvals.select_related("approver"))])
    return row


def test_a_request_with_an_open_order_is_never_given_back(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=100 * USDT)
    cancelled = with_an_order_of_its_own(approved(customer))
    rejected = with_an_order_of_its_own(approved(customer))
    with pytest.raises(errors.PaymentNotDead):
        withdrawals.cancel_withdrawal(withdrawal_id=cancelled.pk, customer_id=customer.pk)
    engine.start_payouts()  # puts them on hold
    rejected.refresh_from_db()
    assert rejected.state == "on_hold"
    person = staff("support")
    with pytest.raises(errors.PaymentNotDead):
        withdrawals.reject_withdrawal(
            withdrawal_id=rejected.pk,
            actor=person,
            revision=rejected.revision,
            reason_for_customer="No.",
            step_up=proven(person),
            origin=ORIGIN,
        )
    assert funds(customer) == (100 * USDT - 82 * USDT, 82 * USDT)


def test_a_network_taken_out_of_the_settings_stops_only_its_own_payments(
    committed_db: CommittedDatabase, networks: dict[str, dict[str, Any]]
) -> None:
    customer = a_customer(micro=500 * USDT)
    orphan, good = approved(customer, network="bsc"), approved(customer)
    del networks["bsc"]
    registry.reset()
    assert engine.start_payouts() == 1
    orphan.refresh_from_db()
    good.refresh_from_db()
    assert (orphan.state, good.state) == ("on_hold", "ordered")
    assert PaymentOrder.objects.get().reference == good.reference
    assert Alarm.objects.filter(key=f"withdrawal-evidence:{orphan.pk}").exists()
    withdrawals.cancel_withdrawal(withdrawal_id=orphan.pk, customer_id=customer.pk)
    assert funds(customer)[1] == good.debit_micro
