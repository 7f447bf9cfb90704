"""From the form to the ledger, with treasury's answers given by its own tables."""

from __future__ import annotations

import pytest

from accounts.models import ActivityLog, OutgoingMail
from payouts import engine
from tests.payouts.people import (
    PASSWORD,
    USDT,
    a_customer,
    approve,
    ask,
    confirm,
    funds,
    order_state,
    staff,
    states_told,
)

pytestmark = pytest.mark.django_db


def test_a_withdrawal_is_requested_confirmed_approved_and_ordered() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer, 40 * USDT)
    assert (row.state, funds(customer)) == ("requested", (59 * USDT, 41 * USDT))

    row = confirm(row)
    assert row.state == "in_review"

    row = approve(row, staff("support"))
    assert row.state == "approved"

    assert engine.start_payouts() == 1
    row.refresh_from_db()
    assert row.state == "ordered"
    assert order_state(row) == "open"
    assert funds(customer) == (59 * USDT, 41 * USDT)
    assert states_told(row) == [
        ("", "requested"),
        ("requested", "confirmed"),
        ("confirmed", "in_review"),
        ("in_review", "approved"),
        ("approved", "ordered"),
    ]
    assert list(OutgoingMail.objects.order_by("id").values_list("template", flat=True)) == [
        "withdrawal_confirm",
        "withdrawal_received",
        "withdrawal_approved",
    ]


def test_every_step_says_who_when_and_from_where() -> None:
    customer, support = a_customer(micro=100 * USDT), staff("support")
    row = approve(confirm(ask(customer)), support)
    engine.start_payouts()
    lines = ActivityLog.objects.filter(target_type="payouts.withdrawalrequest", target_id=str(row.pk)).order_by("id")
    assert [(line.action, line.actor_label, line.ip_address) for line in lines] == [
        ("withdrawal.requested", customer.email, "192.0.2.7"),
        ("withdrawal.confirmed", customer.email, "192.0.2.7"),
        ("withdrawal.in_review", "system:policy", None),
        ("withdrawal.approval_given", support.email, "192.0.2.7"),
        ("withdrawal.approved", support.email, "192.0.2.7"),
        ("withdrawal.ordered", "system:engine", None),
    ]
    assert all(PASSWORD not in str(line.facts) for line in lines)
