"""A payment is proven dead: the money goes back, or is sent anew, as people decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from payouts import engine, errors, withdrawals
from payouts.models import WithdrawalApproval, WithdrawalRequest
from tests.payouts.chain_answers import Treasury
from tests.payouts.people import USDT, a_customer, approve, approved, funds, staff, states_told
from tests.support.approvers import forget
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from treasury.alarms import is_raised
from treasury.models import PaymentOrder

Decide = Callable[..., WithdrawalRequest]
BOTH = pytest.mark.parametrize("decide", [withdrawals.return_withdrawal, withdrawals.retry_withdrawal])


@pytest.fixture
def treasury(committed_db: CommittedDatabase) -> Treasury:
    return Treasury(committed_db)


@pytest.fixture
def failed(treasury: Treasury) -> WithdrawalRequest:
    row = approved(a_customer(micro=100 * USDT))
    engine.start_payouts()
    treasury.send(row)
    engine.settle_payouts()
    treasury.kill(row)
    engine.settle_payouts()
    row.refresh_from_db()
    assert row.state == "failed"
    assert is_raised(f"withdrawal-failed:{row.pk}")
    return row


def given(row: WithdrawalRequest, **changes: object) -> dict[str, Any]:
    person = staff("treasurer")
    return {
        "withdrawal_id": row.pk,
        "actor": person,
        "revision": row.revision,
        "reason": "The recipient's contract refuses tokens.",
        "step_up": proven(person),
    } | changes


def test_a_return_gives_amount_and_fee_back(failed: WithdrawalRequest) -> None:
    row = withdrawals.return_withdrawal(**given(failed))
    assert row.state == "returned"
    assert not is_raised(f"withdrawal-failed:{row.pk}")
    assert funds(row.customer) == (100 * USDT, 0)
    assert OutgoingMail.objects.get(template="withdrawal_returned").facts["reason"].startswith("The recipient's")


def test_a_return_happens_once(failed: WithdrawalRequest) -> None:
    withdrawals.return_withdrawal(**given(failed))
    with pytest.raises(errors.WrongState):
        withdrawals.return_withdrawal(**given(failed))
    assert funds(failed.customer) == (100 * USDT, 0)


def test_a_retry_is_paid_by_a_new_order_and_once(failed: WithdrawalRequest, treasury: Treasury) -> None:
    withdrawals.retry_withdrawal(**given(failed))
    assert engine.settle_payouts() == 0  # the dead order is no answer about the new one
    assert engine.start_payouts() == 1
    orders = PaymentOrder.objects.filter(reference=failed.reference).order_by("id")
    assert [order.state for order in orders] == ["dead", "open"]
    tx_hash = treasury.send(failed)
    treasury.settle(failed)
    engine.settle_payouts()
    failed.refresh_from_db()
    assert (failed.state, failed.tx_hash) == ("paid", tx_hash)
    assert funds(failed.customer) == (59 * USDT, 0)


def test_a_retry_of_what_the_signer_would_refuse_again_goes_back_to_be_approved_anew(
    failed: WithdrawalRequest, treasury: Treasury
) -> None:
    forget(Authenticator.objects.get(user=WithdrawalApproval.objects.get().approver))
    row = withdrawals.retry_withdrawal(**given(failed))
    assert (row.state, row.revision, row.decided_at, row.tx_hash) == ("in_review", 2, None, "")
    assert not is_raised(f"withdrawal-failed:{row.pk}")
    assert engine.start_payouts() == 0
    assert funds(row.customer) == (59 * USDT, 41 * USDT)

    approve(row, staff("support"))
    assert engine.start_payouts() == 1
    tx_hash = treasury.send(row)
    treasury.settle(row)
    engine.settle_payouts()
    row.refresh_from_db()
    assert (row.state, row.tx_hash) == ("paid", tx_hash)
    assert list(PaymentOrder.objects.order_by("id").values_list("state", "revision")) == [("dead", 1), ("settled", 2)]
    assert funds(row.customer) == (59 * USDT, 0)


def test_a_failed_payment_that_is_back_in_review_can_be_cancelled_and_the_money_goes_back_once(
    failed: WithdrawalRequest,
) -> None:
    forget(Authenticator.objects.get(user=WithdrawalApproval.objects.get().approver))
    row = withdrawals.retry_withdrawal(**given(failed))
    withdrawals.cancel_withdrawal(withdrawal_id=row.pk, customer_id=row.customer_id)
    assert engine.settle_payouts() == 0
    assert engine.start_payouts() == 0
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert funds(row.customer) == (100 * USDT, 0)


def test_a_payment_can_fail_twice_and_be_returned_then(failed: WithdrawalRequest, treasury: Treasury) -> None:
    withdrawals.retry_withdrawal(**given(failed))
    engine.start_payouts()
    treasury.kill(failed)
    engine.settle_payouts()
    failed.refresh_from_db()
    row = withdrawals.return_withdrawal(**given(failed))
    assert funds(row.customer) == (100 * USDT, 0)
    assert states_told(row)[-5:] == [
        ("sent", "failed"),
        ("failed", "approved"),
        ("approved", "ordered"),
        ("ordered", "failed"),
        ("failed", "returned"),
    ]


@BOTH
def test_nothing_is_decided_while_the_payment_may_still_arrive(
    failed: WithdrawalRequest, treasury: Treasury, decide: Decide
) -> None:
    """The request says failed, and treasury has a live order: whoever made that row, no money moves on it."""
    withdrawals.retry_withdrawal(**given(failed))
    engine.start_payouts()
    WithdrawalRequest.objects.filter(pk=failed.pk).update(state="failed")
    with pytest.raises(errors.PaymentNotDead):
        decide(**given(failed))
    assert funds(failed.customer) == (59 * USDT, 41 * USDT)


@BOTH
def test_only_a_failed_payment_is_decided_about(committed_db: CommittedDatabase, decide: Decide) -> None:
    row = approved(a_customer(micro=100 * USDT))
    with pytest.raises(errors.WrongState):
        decide(**given(row))


@BOTH
def test_a_decision_needs_right_password_reason_and_revision(failed: WithdrawalRequest, decide: Decide) -> None:
    for changes, error in (
        ({"actor": staff("support")}, errors.NotPermitted),
        ({"step_up": StepUp("wrong")}, StepUpFailed),
        ({"reason": " "}, errors.ReasonMissing),
        ({"revision": 9}, errors.StaleRevision),
    ):
        with pytest.raises(error):
            decide(**given(failed, **changes))
    failed.refresh_from_db()
    assert failed.state == "failed"
