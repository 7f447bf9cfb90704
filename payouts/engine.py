"""The one way from "approved" to a chain, and back to the ledger with what became of it.

`start_payouts` turns approved requests into treasury's payment orders, in one commit with their state, and only if the
row still is what people approved and the ledger holds its money back. `settle_payouts` asks treasury what became of
the orders. Both find their own work in the database and may run any number of times, at once, anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import translation
from django.utils.translation import gettext

from accounts.holds import running_holds
from treasury import failpoints, ledger
from treasury.alarms import raise_alarm
from treasury.dispatch import wake
from treasury.models import Alarm, NetworkState
from treasury.orders import Approval, OrderError, OrderRequest, OrderResult, open_orders, order_results

from . import emails, policy
from .models import WithdrawalApproval, WithdrawalRequest
from .policy import EvidenceFault
from .postings import reserved_for
from .states import Party, State
from .transitions import evidence_alarm, move, move_many, set_tx_hashes
from .withdrawals.facts import doubts_about, payment_facts
from .withdrawals.failures import failure_alarm
from .withdrawals.staff import UNCLAIMED

logger = logging.getLogger(__name__)

BEGIN_TASK = "treasury.tasks.begin_payments"
BATCH = 250  # half a thousand at once keep the signer waiting, a hundred cost more passes than they save
FIRST_BATCH = 50  # so that the first payments are on their way while the others are still ordered
IN_FLIGHT = (State.ORDERED, State.SENT)
PAGES_MAX = 40  # of in-flight requests that one run of settle_payouts looks at

Evidence = dict[int, list[WithdrawalApproval]]


# --- approved -> ordered --------------------------------------------------------------------------------------------


def start_payouts(network: str | None = None, limit: int = BATCH) -> int:
    """Order the payment of up to `limit` approved requests, oldest first; returns how many were ordered.

    Requests on halted networks and of frozen or held customers wait. One that is not what was approved goes on hold
    with an alarm, and is never paid as it is.
    """
    try:
        with transaction.atomic(durable=True):
            ordered = _order(_claim(network, limit), network)
            failpoints.hit("before_payout_order_commit")
        failpoints.hit("after_payout_order_commit")
    except (OrderError, ledger.LedgerError):
        # One of them poisons the batch: take them one by one, so that it stops only itself.
        logger.exception("a batch of payments was refused; ordering one by one")
        ordered = [row for pk in _approved(network).values_list("pk", flat=True)[:limit] for row in _start_one(pk)]
    for code in sorted({row.network for row in ordered}):
        wake(BEGIN_TASK, code)
    return len(ordered)


def _approved(network: str | None) -> QuerySet[WithdrawalRequest]:
    held = Exists(running_holds().filter(user_id=OuterRef("customer_id")))
    rows = WithdrawalRequest.objects.filter(
        ~held, state=State.APPROVED, customer__profile__withdrawals_frozen_at=None, customer__is_active=True
    ).exclude(network__in=NetworkState.objects.filter(halted_at__isnull=False).values("network"))
    return (rows.filter(network=network) if network else rows).order_by("id")


def _claim(network: str | None, limit: int) -> list[WithdrawalRequest]:
    return list(_approved(network).select_for_update(skip_locked=True, of=("self",))[:limit])


def _start_one(pk: int) -> list[WithdrawalRequest]:
    try:
        with transaction.atomic(durable=True):
            rows = list(_approved(None).filter(pk=pk).select_for_update(skip_locked=True, of=("self",)))
            return _order(rows, None)
    except (OrderError, ledger.LedgerError) as error:
        with transaction.atomic(durable=True):
            row = WithdrawalRequest.objects.select_for_update().filter(pk=pk, state=State.APPROVED).first()
            if row is not None:
                _stop(row, type(error).__name__)
        return []


def _order(rows: Sequence[WithdrawalRequest], network: str | None) -> list[WithdrawalRequest]:
    """Within the transaction that holds the locks of `rows`; returns those that were ordered."""
    if not rows:
        return []
    evidence = _evidence(rows)
    held = reserved_for(rows)
    doubts = doubts_about(approval for row in rows for approval in evidence.get(row.pk, []))
    good = []
    for row in rows:
        facts = payment_facts(row, evidence.get(row.pk, []), held.get(row.pk), doubts=doubts)
        fault = policy.evidence_fault(facts)
        if fault is None:
            good.append(row)
        else:
            _stop(row, fault)
    open_orders([_order_request(row, evidence[row.pk]) for row in good])
    move_many(good, State.ORDERED, by=Party.SYSTEM, process="engine")
    if len(rows) > len(good) or len(good) > 1:
        logger.info("ordered %s payments, stopped %s (%s)", len(good), len(rows) - len(good), network or "all networks")
    return good


def _evidence(rows: Iterable[WithdrawalRequest]) -> Evidence:
    """Every approval of each request, with who gave it."""
    evidence: Evidence = {}
    ids = [row.pk for row in rows]
    for approval in WithdrawalApproval.objects.filter(withdrawal__in=ids).select_related("approver").order_by("id"):
        evidence.setdefault(approval.withdrawal_id, []).append(approval)
    return evidence


def _order_request(row: WithdrawalRequest, approvals: Iterable[WithdrawalApproval]) -> OrderRequest:
    return OrderRequest(
        reference=row.reference,
        network=row.network,
        address=row.address,
        amount_micro=row.amount_micro,
        revision=row.revision,
        approvals_required=row.approvals_required,
        approvals=[
            Approval(
                approver_id=each.approver_id,
                approver_label=each.approver.email,
                approved_at=each.approved_at,
                revision=each.revision,
                digest=each.digest,
                evidence=each.evidence,
            )
            for each in approvals
            if each.revision == row.revision
        ],
    )


def _stop(row: WithdrawalRequest, fault: str) -> None:
    """The row changed behind our back, or an approver lost the signer's trust: off the road, its approvals void, and
    people called."""
    event = move(
        row,
        State.ON_HOLD,
        by=Party.SYSTEM,
        process="engine",
        reason=f"{_what_is_wrong(fault)}: {EvidenceFault(fault).value if fault in set(EvidenceFault) else fault}",
        reason_for_customer=_looking_again(row),
        revision=row.revision + 1,
        decided_at=None,
        **UNCLAIMED,
    )
    emails.tell_customer("held", row, event)
    raise_alarm(
        key=evidence_alarm(row.pk),
        severity=Alarm.Severity.WARNING if fault == EvidenceFault.REVOKED else Alarm.Severity.CRITICAL,
        network=row.network,
        message=f"Withdrawal W-{row.pk} {_what_is_wrong(fault)}; it was put on hold and not paid.",
        facts={"withdrawal": row.pk, "fault": str(fault), "address": row.address, "amount_micro": row.amount_micro},
    )


def _what_is_wrong(fault: str) -> str:
    if fault == EvidenceFault.REVOKED:
        return "was approved with a second factor that was revoked since"
    if fault == EvidenceFault.UNPROVEN:
        return "has an approval without the mark of its approver's second factor"
    return "is not what was approved"


def _looking_again(row: WithdrawalRequest) -> str:
    profile = getattr(row.customer, "profile", None)
    with translation.override(profile.language if profile else settings.LANGUAGE_CODE):
        return gettext("We are looking at this withdrawal once more. There is nothing for you to do.")


# --- ordered -> sent -> paid | failed -------------------------------------------------------------------------------


def settle_payouts(limit: int = 500) -> int:
    """Take what treasury says of our orders into the requests and the ledger; returns how many requests moved.

    Looks at all requests in flight, `limit` at a time and without a lock; locks and moves only those with news.
    """
    moved, after = 0, 0
    for _page in range(PAGES_MAX):
        page = list(
            WithdrawalRequest.objects.filter(state__in=IN_FLIGHT, pk__gt=after)
            .order_by("pk")
            .only("pk", "state", "tx_hash")[:limit]
        )
        if not page:
            break
        after = page[-1].pk
        results = order_results(row.reference for row in page)
        news = [row.pk for row in page if _is_news(row, results.get(row.reference))]
        moved += _settle(news)
        if len(page) < limit:
            break
    return moved


def _is_news(row: WithdrawalRequest, result: OrderResult | None) -> bool:
    if result is None:
        return False
    if result.is_settled or result.is_dead:
        return True
    return result.sent and (row.state != State.SENT or row.tx_hash != (result.tx_hash or ""))


def _settle(ids: Sequence[int]) -> int:
    if not ids:
        return 0
    try:
        with transaction.atomic(durable=True):
            moved = _settle_locked(ids)
            failpoints.hit("before_payout_settle_commit")
        failpoints.hit("after_payout_settle_commit")
        return moved
    except ledger.LedgerError:
        logger.exception("settlements refused by the ledger: %s", list(ids[:20]))
        if len(ids) == 1:
            _alarm_unsettled(ids[0])
            return 0
    return sum(_settle([pk]) for pk in ids)


def _settle_locked(ids: Sequence[int]) -> int:
    rows = list(
        WithdrawalRequest.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk__in=ids, state__in=IN_FLIGHT)
        .order_by("pk")
    )
    results = order_results(row.reference for row in rows)
    dead = [row for row in rows if row.reference in results and results[row.reference].is_dead]
    alive = [row for row in rows if row.reference in results and not results[row.reference].is_dead]
    _note_hashes(alive, results)
    settled = [row for row in alive if results[row.reference].is_settled]
    sent = [row for row in alive if row.state == State.ORDERED and (row in settled or results[row.reference].sent)]
    _mark_sent(sent, settled)
    _mark_paid(settled)
    _mark_failed(dead, results)
    return len({row.pk for row in (*sent, *settled, *dead)})


def _note_hashes(rows: Iterable[WithdrawalRequest], results: dict[str, OrderResult]) -> None:
    """The newest transaction of each; a replacement at the same nonce has another hash."""
    changed = []
    for row in rows:
        tx_hash = results[row.reference].tx_hash or ""
        if tx_hash and tx_hash != row.tx_hash:
            row.tx_hash = tx_hash
            changed.append(row)
    set_tx_hashes(changed)


def _mark_sent(rows: Sequence[WithdrawalRequest], settled: Sequence[WithdrawalRequest]) -> None:
    events = move_many(rows, State.SENT, by=Party.SYSTEM, process="engine")
    done = {row.pk for row in settled}  # these hear "completed" in the same moment, and nothing before it
    emails.tell_customers("sent", [pair for pair in zip(rows, events, strict=True) if pair[0].pk not in done])


def _mark_paid(rows: Sequence[WithdrawalRequest]) -> None:
    events = move_many(rows, State.PAID, by=Party.SYSTEM, process="engine")
    emails.tell_customers("completed", zip(rows, events, strict=True))


def _mark_failed(rows: Sequence[WithdrawalRequest], results: dict[str, OrderResult]) -> None:
    """The money stays reserved: people decide whether it goes back or is sent anew."""
    for source in IN_FLIGHT:
        move_many([row for row in rows if row.state == source], State.FAILED, by=Party.SYSTEM, process="engine")
    for row in rows:
        raise_alarm(
            key=failure_alarm(row),
            severity=Alarm.Severity.WARNING,
            network=row.network,
            message=f"The payment of withdrawal W-{row.pk} failed for good: return the money or pay it anew.",
            facts={"withdrawal": row.pk, "why": results[row.reference].dead_reason},
        )


def _alarm_unsettled(pk: int) -> None:
    raise_alarm(
        key=f"withdrawal-unsettled:{pk}",
        severity=Alarm.Severity.CRITICAL,
        message=f"Withdrawal W-{pk} was paid on chain, but the ledger refuses its postings.",
        facts={"withdrawal": pk},
    )
