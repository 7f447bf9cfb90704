"""Whatever people and processes do in whatever order: no money appears, disappears or is paid twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.freezes import ThawRefused, ask_to_thaw, freeze_withdrawals
from accounts.models import User
from payouts import engine, withdrawals
from payouts.errors import WithdrawalError
from payouts.models import WithdrawalRequest
from payouts.postings import reserved_for
from payouts.states import HOLDS_MONEY, State
from tests.payouts.people import USDT, a_customer, approve, ask, confirm, funds, staff
from tests.support.approvers import forget, introduce
from tests.support.factors import proven
from treasury.models import PaymentOrder

START = 5000 * USDT


class World:
    """A new customer beside those of earlier examples, three people on the staff, and what treasury would answer."""

    def __init__(self) -> None:
        self.customer = a_customer(micro=START)
        self.support = [staff("support"), staff("support")]
        self.treasurer = staff("treasurer")
        self.paid_micro = 0

    def pick(self, number: int) -> WithdrawalRequest | None:
        rows = list(WithdrawalRequest.objects.filter(customer=self.customer).order_by("id"))
        return rows[number % len(rows)] if rows else None

    def step(self, deed: str, number: int) -> None:
        """Do it, if it can be done; a typed error is an answer like any other."""
        row = self.pick(number)
        deeds: dict[str, Callable[[], Any]] = {
            "ask": lambda: ask(self.customer, (number % 1500 + 1) * USDT),
            "start": engine.start_payouts,
            "settle": engine.settle_payouts,
            "freeze": lambda: freeze_withdrawals(user_id=self.customer.pk, reason="test", process="test"),
            "thaw": self.thaw,
            "an hour": self.an_hour,
            "revoke": lambda: forget(self.factor(number)),
            "trust": lambda: introduce(self.factor(number)),
        }
        if row is not None:
            deeds |= self.deeds_with(row, self.support[number % 2], number)
        act = deeds.get(deed)
        if act is None:
            return
        with contextlib.suppress(WithdrawalError):
            act()

    def factor(self, number: int) -> Authenticator:
        """What one of the support people approves with."""
        return Authenticator.objects.get(user=self.support[number % 2])

    def thaw(self) -> None:
        with contextlib.suppress(ThawRefused):
            for colleague in self.support:
                ask_to_thaw(user_id=self.customer.pk, reason="test", actor=colleague)

    def deeds_with(self, row: WithdrawalRequest, colleague: User, number: int) -> dict[str, Callable[[], Any]]:
        seen = {"withdrawal_id": row.pk, "revision": row.revision}
        decision = seen | {"actor": colleague, "step_up": proven(colleague)}
        resolution = seen | {"actor": self.treasurer, "step_up": proven(self.treasurer)}
        return {
            "confirm": lambda: confirm(row),
            "approve": lambda: approve(row, colleague),
            "hold": lambda: withdrawals.hold_withdrawal(**decision, reason="test"),
            "release": lambda: withdrawals.release_hold(**decision),
            "reject": lambda: withdrawals.reject_withdrawal(**decision, reason_for_customer="test"),
            "cancel": lambda: withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=self.customer.pk),
            "return": lambda: withdrawals.return_withdrawal(**resolution, reason="test"),
            "retry": lambda: withdrawals.retry_withdrawal(**resolution, reason="test"),
            "arrives": lambda: self.close(row, "settled"),
            "dies": lambda: self.close(row, "dead"),
        }

    def close(self, row: WithdrawalRequest, state: str) -> None:
        """Treasury's verdict about the row's live order, if there is one."""
        hit = PaymentOrder.objects.filter(reference=row.reference, state="open").update(state=state)
        if hit and state == "settled":
            self.paid_micro += row.amount_micro

    def an_hour(self) -> None:
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
            withdrawals.expire_withdrawals()

    def check(self) -> None:
        rows = list(WithdrawalRequest.objects.filter(customer=self.customer))
        held = reserved_for(rows)
        for row in rows:
            assert held.get(row.pk) == (row.debit_micro if State(row.state) in HOLDS_MONEY else None), row.state
        gone = [row for row in rows if row.state == State.PAID]
        available, reserved = funds(self.customer)
        assert reserved == sum(held.values())
        assert available + reserved + sum(row.debit_micro for row in gone) == START
        for row in gone:
            orders = list(PaymentOrder.objects.filter(reference=row.reference).values_list("state", flat=True))
            assert orders.count("settled") == 1
            assert "open" not in orders


DEEDS = st.tuples(
    st.sampled_from(
        [
            *["ask", "confirm", "approve", "start", "settle", "arrives"] * 3,
            *[
                "dies",
                "hold",
                "release",
                "reject",
                "cancel",
                "return",
                "retry",
                "freeze",
                "thaw",
                "an hour",
                "revoke",
                "trust",
            ],
        ]
    ),
    st.integers(0, 2000),
)


@pytest.mark.django_db
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(DEEDS, min_size=10, max_size=30))
def test_available_and_reserved_and_paid_are_always_what_came_in(deeds: list[tuple[str, int]]) -> None:
    world = World()
    for deed, number in deeds:
        world.step(deed, number)
        world.check()
    engine.settle_payouts()
    world.check()
    call_command("check_ledger", verbosity=0)
