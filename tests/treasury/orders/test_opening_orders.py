"""Orders: opened once for a reference, on honest evidence, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from tests.support.paying import MICRO, new_address
from treasury.approvals import Approval, approval_digest
from treasury.models import PaymentApproval, PaymentOrder
from treasury.orders import LiveOrderExists, OrderRefused, OrderRequest, open_orders, order_results

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _networks(networks: object) -> None:
    pass


def request(
    reference: str = "withdrawal:1", amount_micro: int = 5 * MICRO, approvers: tuple[int, ...] = (1,)
) -> OrderRequest:
    to = new_address()
    digest = approval_digest(reference=reference, revision=3, network="arbitrum", address=to, amount_micro=amount_micro)
    return OrderRequest(
        reference=reference,
        network="arbitrum",
        address=to,
        amount_micro=amount_micro,
        revision=3,
        approvals_required=len(approvers),
        approvals=[
            Approval(who, f"{who}@example.test", timezone.now(), 3, digest, {"kind": "totp"}) for who in approvers
        ],
    )


def open_one(given: OrderRequest) -> PaymentOrder:
    with transaction.atomic():
        (pk,) = open_orders([given])
    return PaymentOrder.objects.get(pk=pk)


def test_an_order_carries_its_evidence() -> None:
    given = request(approvers=(1, 2))
    order = open_one(given)
    assert (order.state, order.amount_micro, order.address) == ("open", given.amount_micro, given.address)
    assert list(PaymentApproval.objects.order_by("approver_id").values_list("approver_id", "digest", "revision")) == [
        (1, given.approvals[0].digest, 3),
        (2, given.approvals[0].digest, 3),
    ]


def test_many_are_opened_in_order() -> None:
    with transaction.atomic():
        ids = open_orders([request(f"withdrawal:{number}") for number in range(50)])
    assert list(PaymentOrder.objects.filter(pk__in=ids).order_by("pk").values_list("reference", flat=True)) == [
        f"withdrawal:{number}" for number in range(50)
    ]


def test_a_reference_has_one_live_order() -> None:
    open_one(request())
    with pytest.raises(LiveOrderExists):
        open_one(request())
    assert PaymentOrder.objects.count() == 1


def test_a_settled_reference_is_never_paid_again() -> None:
    order = open_one(request())
    PaymentOrder.objects.filter(pk=order.pk).update(state="settled")
    with pytest.raises(LiveOrderExists):
        open_one(request())


def test_after_a_dead_order_there_may_be_another() -> None:
    order = open_one(request())
    PaymentOrder.objects.filter(pk=order.pk).update(state="dead", dead_reason="proven")
    assert order_results(["withdrawal:1"])["withdrawal:1"].dead_reason == "proven"
    second = open_one(request())
    result = order_results(["withdrawal:1", "withdrawal:2"])
    assert set(result) == {"withdrawal:1"}
    assert (result["withdrawal:1"].order_id, result["withdrawal:1"].state) == (second.pk, "open")
    assert (result["withdrawal:1"].sent, result["withdrawal:1"].tx_hash) == (False, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda given: replace(given, amount_micro=0), "not positive"),
        (lambda given: replace(given, amount_micro=-1), "not positive"),
        (lambda given: replace(given, amount_micro=given.amount_micro + 1), "something else"),
        (lambda given: replace(given, address=new_address()), "something else"),
        (lambda given: replace(given, network="bsc"), "something else"),
        (lambda given: replace(given, revision=4), "something else"),
        (lambda given: replace(given, reference="withdrawal:2"), "something else"),
        (lambda given: replace(given, address=given.address.lower()), "canonical"),
        (lambda given: replace(given, address="0x0"), "canonical"),
        (lambda given: replace(given, approvals=[]), "not enough"),
        (lambda given: replace(given, approvals_required=2), "not enough"),
        (lambda given: replace(given, approvals_required=0), "not enough"),
        (lambda given: replace(given, approvals=list(given.approvals) * 2), "twice"),
    ],
)
def test_a_request_that_contradicts_itself_opens_nothing(
    change: Callable[[OrderRequest], OrderRequest], reason: str
) -> None:
    with pytest.raises(OrderRefused, match=reason):
        open_one(change(request()))
    assert not PaymentOrder.objects.exists()


@pytest.mark.parametrize("field", ["reference", "network", "address"])
def test_a_digest_is_of_text_that_reads_in_one_way_only(field: str) -> None:
    fields = {"reference": "w:1", "revision": 1, "network": "arbitrum", "address": "0x1", "amount_micro": 1}
    for text in ("", "a\nb", "é"):
        with pytest.raises(ValueError, match="printable"):
            approval_digest(**(fields | {field: text}))  # type: ignore[arg-type]  # a dict of the right fields


def test_each_field_changes_the_digest() -> None:
    fields = {"reference": "w:1", "revision": 1, "network": "arbitrum", "address": "0x1", "amount_micro": 1}
    changed = {"reference": "w:11", "revision": 11, "network": "bsc", "address": "0x11", "amount_micro": 11}
    digests = {approval_digest(**(fields | {name: value})) for name, value in changed.items()}  # type: ignore[arg-type]
    assert len(digests | {approval_digest(**fields)}) == 6  # type: ignore[arg-type]  # as above
