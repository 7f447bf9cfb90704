"""Orders to pay: opened with their evidence by whoever decided them, and asked about later by reference.

Treasury pays an order once and never looks behind its reference. An order ends SETTLED (the payment is final on the
chain) or DEAD (it is proven that it never will be); a new order for the same reference can exist only after DEAD.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction

from treasury import failpoints
from treasury.approvals import Approval, approval_digest
from treasury.chains import registry
from treasury.chains.addresses import is_canonical
from treasury.chains.errors import ConfigurationError
from treasury.models import PaymentApproval, PaymentOrder

__all__ = [
    "Approval",
    "LiveOrderExists",
    "OrderError",
    "OrderRefused",
    "OrderRequest",
    "OrderResult",
    "approval_digest",
    "open_orders",
    "order_results",
]


class OrderError(Exception):
    """Base of what `open_orders` raises."""


class OrderRefused(OrderError):
    """The request contradicts itself: `reason` says how. Nothing was opened."""

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"{reference}: {reason}")
        self.reference = reference
        self.reason = reason


class LiveOrderExists(OrderError):
    """One of the references is being paid, or was paid, already. The caller's transaction must roll back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """Pay `amount_micro` (10^-6 USDT) to the canonical `address`, for `reference`, on this evidence."""

    reference: str
    network: str
    address: str
    amount_micro: int
    revision: int
    approvals_required: int
    approvals: Sequence[Approval]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResult:
    """What became of the newest order of a reference.

    `sent`: bytes may have reached the network. `tx_hash`: the final transaction of a settled order, the newest that was
    sent of an open one, None before. `dead_reason` is set for a dead order.
    """

    reference: str
    order_id: int
    state: str
    tx_hash: str | None
    sent: bool
    dead_reason: str

    @property
    def is_settled(self) -> bool:
        return self.state == PaymentOrder.State.SETTLED

    @property
    def is_dead(self) -> bool:
        return self.state == PaymentOrder.State.DEAD


def open_orders(requests: Iterable[OrderRequest]) -> list[int]:
    """Open one order per request, with its evidence, in the caller's transaction; returns their ids in order.

    Wake `treasury.tasks.advance_payments` after the commit for low latency; beat does it seconds later anyway.
    Raises OrderRefused (before anything is written), LiveOrderExists.
    """
    wanted = list(requests)
    if not connection.in_atomic_block:
        raise RuntimeError("open_orders belongs in the transaction that decides to pay")
    for request in wanted:
        _check(request)
    orders = [
        PaymentOrder(
            reference=request.reference,
            network=request.network,
            address=request.address,
            amount_micro=request.amount_micro,
            revision=request.revision,
            approvals_required=request.approvals_required,
        )
        for request in wanted
    ]
    try:
        with transaction.atomic():
            PaymentOrder.objects.bulk_create(orders)
    except IntegrityError as error:
        raise LiveOrderExists("a reference has a live order already") from error
    PaymentApproval.objects.bulk_create(
        PaymentApproval(
            order=order,
            approver_id=approval.approver_id,
            approver_label=approval.approver_label,
            approved_at=approval.approved_at,
            revision=approval.revision,
            digest=approval.digest,
            evidence=dict(approval.evidence),
        )
        for order, request in zip(orders, wanted, strict=True)
        for approval in request.approvals
    )
    failpoints.hit("before_orders_commit")
    return [order.pk for order in orders]


def order_results(references: Iterable[str]) -> dict[str, OrderResult]:
    """The newest order of each reference, in one query. References without an order are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_RESULTS, [list(references)])
        return {
            row[0]: OrderResult(
                reference=row[0], order_id=row[1], state=row[2], dead_reason=row[3], tx_hash=row[4], sent=row[5]
            )
            for row in cursor.fetchall()
        }


_RESULTS = """
SELECT o.reference, o.id, o.state, o.dead_reason, payment.tx_hash,
       payment.tx_hash IS NOT NULL
  FROM (SELECT DISTINCT ON (reference) id, reference, state, dead_reason
          FROM treasury_paymentorder WHERE reference = ANY(%s) ORDER BY reference, id DESC) AS o
  LEFT JOIN LATERAL (
       SELECT tx_hash FROM treasury_broadcast
        WHERE order_id = o.id AND purpose = 'payment' AND tx_hash IS NOT NULL AND sends > 0
        ORDER BY state = 'final_ok' DESC, state = 'mined' DESC, attempt DESC LIMIT 1) AS payment ON true
"""


def _check(request: OrderRequest) -> None:
    try:
        network = registry.network(request.network)
    except ConfigurationError as error:  # taken out of the settings since it was asked for: the others are paid
        raise OrderRefused(request.reference, f"the network {request.network} is not in the settings") from error
    if request.amount_micro <= 0:
        raise OrderRefused(request.reference, "the amount is not positive")
    if not is_canonical(network.family, request.address):
        raise OrderRefused(request.reference, "the address is not in canonical form")
    if request.approvals_required < 1 or len(request.approvals) < request.approvals_required:
        raise OrderRefused(request.reference, "not enough approvals")
    if len({approval.approver_id for approval in request.approvals}) != len(request.approvals):
        raise OrderRefused(request.reference, "one person approved twice")
    digest = approval_digest(
        reference=request.reference,
        revision=request.revision,
        network=request.network,
        address=request.address,
        amount_micro=request.amount_micro,
    )
    if any(given.digest != digest or given.revision != request.revision for given in request.approvals):
        raise OrderRefused(request.reference, "an approval is of something else")
