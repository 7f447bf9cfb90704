"""check_ledger compares each withdrawal's state with what was posted for it and ordered."""

from __future__ import annotations

import pytest

from payouts.models import WithdrawalRequest
from payouts.postings import reserve
from tests.payouts.people import USDT, a_customer, approved, ask
from treasury import ledger
from treasury.ledger_checks import run_checks


def differences() -> list[str]:
    return [
        f"{each.check}: {each.subject}: expected {each.expected}, found {each.found}"
        for outcome in run_checks().outcomes
        for each in outcome.first
    ]


@pytest.mark.django_db
def test_requests_on_their_way_agree_with_the_books() -> None:
    ask(a_customer(micro=100 * USDT))
    approved(a_customer(micro=100 * USDT))
    assert differences() == []


@pytest.mark.django_db
def test_a_request_called_returned_whose_money_is_still_held_is_found() -> None:
    row = ask(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state=WithdrawalRequest.State.RETURNED)
    expected, held = "0 reserved, 0 paid, 0 fee", f"{row.debit_micro} reserved, 0 paid, 0 fee"
    assert differences() == [f"withdrawals: withdrawal:{row.pk} returned: expected {expected}, found {held}"]


@pytest.mark.django_db
def test_a_request_called_paid_without_an_order_is_found() -> None:
    row = ask(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state=WithdrawalRequest.State.PAID)
    assert f"withdrawal_orders: withdrawal {row.pk} paid: expected one settled order, found no order" in differences()


@pytest.mark.django_db
def test_postings_of_a_request_that_does_not_exist_are_found() -> None:
    customer = a_customer(micro=100 * USDT)
    row = WithdrawalRequest(pk=987, customer=customer, network="arbitrum", amount_micro=USDT, fee_micro=1)
    ledger.post(reserve(row))
    assert differences() == [
        "withdrawals: withdrawal:987: expected no postings, found postings of a withdrawal that does not exist"
    ]
