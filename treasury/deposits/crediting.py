"""Confirmed deposits into the ledger: the posting, the row's state, the audit and the mail are one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import activity, outbox
from accounts.activity import Entry, Origin
from accounts.models import User
from treasury import failpoints, halts, ledger
from treasury.alarms import raise_alarm, resolve_alarm
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.deposits import postings
from treasury.deposits.reorgs import PROCESS, booked_of, lock_customers
from treasury.ledger import Posting
from treasury.models import Alarm, Deposit

BATCH = 200
BATCHES_PER_RUN = 25
CREDITED_MAIL = "deposit_credited"
BELOW_MINIMUM_MAIL = "deposit_below_minimum"
DUST_SHARE = 100
"""Less than this part of the minimum is not worth a mail: strangers send dust to be noticed."""
ACTIONS = {
    Deposit.State.CREDITED: "deposit.credited",
    Deposit.State.BELOW_MINIMUM: "deposit.below_minimum",
    Deposit.State.SUSPENDED: "deposit.suspended",
}


class DepositNotWaiting(Exception):
    """The deposit is not one that waits for a decision of the staff."""


@dataclass(frozen=True, slots=True)
class _Decision:
    row: Deposit
    state: Deposit.State
    postings: Sequence[Posting]


def credit_deposits(network_code: str) -> int:
    """Book the confirmed deposits; returns how many were credited to customers. Books nothing while halted.

    A deposit below the network's minimum, or to an address of nobody or a retired one, is booked as unexplained and
    waits for the staff.
    """
    network = registry.network(network_code)
    credited = 0
    for _ in range(BATCHES_PER_RUN):
        try:
            booked = _book(network, _confirmed(network_code)[:BATCH])
        except ledger.LedgerError:
            return credited + _book_one_by_one(network)
        credited += booked.credited
        if booked.rows < BATCH:
            break
    return credited


@dataclass(frozen=True, slots=True)
class _Booked:
    rows: int
    credited: int


def _book(network: Network, wanted: QuerySet[Deposit]) -> _Booked:
    with transaction.atomic(durable=True):
        rows = [] if halts.is_halted(network.code) else list(wanted.select_for_update(of=("self",), skip_locked=True))
        decisions = _decide(network, rows)
        ledger.post(*[posting for decision in decisions for posting in decision.postings])
        credited = _record(decisions)
        failpoints.hit("before_credit_commit")
    failpoints.hit("after_credit_commit")
    return _Booked(len(rows), credited)


def _book_one_by_one(network: Network) -> int:
    """One deposit that the ledger refuses must not hold up the others: it stays, with an alarm."""
    credited = 0
    for deposit_id in list(_confirmed(network.code).values_list("pk", flat=True)[:BATCH]):
        try:
            credited += _book(network, _confirmed(network.code).filter(pk=deposit_id)).credited
        except ledger.LedgerError as refused:
            raise_alarm(
                key=f"deposit_refused:{deposit_id}",
                severity=Alarm.Severity.CRITICAL,
                network=network.code,
                message="The ledger refuses to book a confirmed deposit: the books contradict each other.",
                facts={"deposit_id": deposit_id, "error": type(refused).__name__, "said": str(refused)},
            )
    return credited


def _confirmed(network_code: str) -> QuerySet[Deposit]:
    rows = Deposit.objects.filter(network=network_code, state=Deposit.State.CONFIRMED)
    return rows.select_related("deposit_address").order_by("block_number", "pk")


def _decide(network: Network, rows: Sequence[Deposit]) -> list[_Decision]:
    states = [state_when_booked(row, minimum_micro=network.min_deposit_micro) for row in rows]
    owed = _owed(
        row.deposit_address.customer_id
        for row, state in zip(rows, states, strict=True)
        if state == Deposit.State.CREDITED and row.inclusion > 1
    )
    decisions = []
    for row, state in zip(rows, states, strict=True):
        customer_id = row.deposit_address.customer_id
        if state != Deposit.State.CREDITED or customer_id is None:
            decisions.append(_Decision(row, state, postings.suspend(booked_of(row))))
            continue
        owes = owed.get(customer_id, 0) if row.inclusion > 1 else 0
        owed[customer_id] = owes - min(owes, row.amount_micro)
        decisions.append(
            _Decision(row, state, postings.credit(booked_of(row), customer_id=customer_id, owed_micro=owes))
        )
    return decisions


def state_when_booked(row: Deposit, *, minimum_micro: int) -> Deposit.State:
    """What becomes of a confirmed deposit. Pure."""
    address = row.deposit_address
    if address.customer_id is None or address.retired_at is not None:
        return Deposit.State.SUSPENDED
    if row.amount_micro < max(minimum_micro, 1):
        return Deposit.State.BELOW_MINIMUM
    return Deposit.State.CREDITED


def _owed(customer_ids: Iterable[int | None]) -> dict[int, int]:
    """What reorgs left each of them owing, under their locks."""
    ids = {customer_id for customer_id in customer_ids if customer_id is not None}
    if not ids:
        return {}
    lock_customers(set(ids))
    balances = ledger.balances(postings.receivable(customer_id) for customer_id in ids)
    return {customer_id: balances[postings.receivable(customer_id)] for customer_id in ids}


def _record(decisions: Sequence[_Decision]) -> int:
    now = timezone.now()
    for state in ACTIONS:
        ids = [decision.row.pk for decision in decisions if decision.state == state]
        if ids:
            Deposit.objects.filter(pk__in=ids).update(
                state=state, credited_at=now if state == Deposit.State.CREDITED else None
            )
    activity.record_many(
        Entry(ACTIONS[decision.state], decision.row, _facts(decision.row), process=PROCESS) for decision in decisions
    )
    credited = [decision.row for decision in decisions if decision.state == Deposit.State.CREDITED]
    outbox.queue_mails(_mail(row, row.deposit_address.customer_id) for row in credited)
    below = [decision.row for decision in decisions if decision.state == Deposit.State.BELOW_MINIMUM]
    outbox.queue_mails(_mail_below_minimum(row) for row in below if not _is_dust(row))
    for decision in decisions:
        if decision.state == Deposit.State.SUSPENDED:
            _alarm(decision.row)
    return len(credited)


def _facts(row: Deposit) -> dict[str, object]:
    return {
        "network": row.network,
        "tx_hash": row.tx_hash,
        "ordinal": row.ordinal,
        "amount_micro": row.amount_micro,
        "inclusion": row.inclusion,
        "customer_id": row.deposit_address.customer_id,
    }


def _mail(row: Deposit, customer_id: int | None) -> outbox.Mail:
    return outbox.Mail(
        key=f"deposit_credited:{row.pk}:{row.inclusion}",
        template=CREDITED_MAIL,
        user_id=customer_id,
        facts={"deposit_id": row.pk, "network": row.network, "amount_micro": row.amount_micro, "tx_hash": row.tx_hash},
    )


def _mail_below_minimum(row: Deposit) -> outbox.Mail:
    return outbox.Mail(
        key=f"deposit_below_minimum:{row.pk}:{row.inclusion}",
        template=BELOW_MINIMUM_MAIL,
        user_id=row.deposit_address.customer_id,
        facts={
            "deposit_id": row.pk,
            "network": row.network,
            "amount_micro": row.amount_micro,
            "minimum_micro": _minimum_micro(row),
            "tx_hash": row.tx_hash,
        },
    )


def _is_dust(row: Deposit) -> bool:
    return row.amount_micro * DUST_SHARE < _minimum_micro(row)


def _minimum_micro(row: Deposit) -> int:
    return registry.network(row.network).min_deposit_micro


def _alarm(row: Deposit) -> None:
    raise_alarm(
        key=f"deposit_suspended:{row.pk}",
        severity=Alarm.Severity.WARNING,
        network=row.network,
        message="Money arrived at a deposit address of nobody, or at a retired one. It waits for a decision.",
        facts=_facts(row) | {"address": row.deposit_address.address},
    )


def credit_waiting_deposit(
    *, deposit_id: int, customer_id: int, actor: User, reason: str, origin: Origin | None = None
) -> None:
    """Staff credit a deposit that waits (suspended, or below the minimum) to a customer.

    Raises DepositNotWaiting if it does not wait any more, or belongs to another customer's live address.
    """
    with transaction.atomic(durable=True):
        row = (
            Deposit.objects.select_for_update(of=("self",))
            .select_related("deposit_address")
            .filter(pk=deposit_id)
            .first()
        )
        if row is None or row.state not in (Deposit.State.SUSPENDED, Deposit.State.BELOW_MINIMUM):
            raise DepositNotWaiting
        owner_id = row.deposit_address.customer_id
        if (owner_id is not None and owner_id != customer_id) or halts.is_halted(row.network):
            raise DepositNotWaiting
        owes = _owed([customer_id])[customer_id] if row.inclusion > 1 else 0
        ledger.post(*postings.explain(booked_of(row), customer_id=customer_id, owed_micro=owes))
        Deposit.objects.filter(pk=row.pk).update(
            state=Deposit.State.CREDITED, credited_at=timezone.now(), credited_to_id=customer_id
        )
        activity.record(
            actor=actor,
            action="deposit.credited_by_staff",
            target=row,
            facts=_facts(row) | {"customer_id": customer_id, "reason": reason},
            origin=origin,
        )
        outbox.queue_mails([_mail(row, customer_id)])
        resolve_alarm(key=f"deposit_suspended:{row.pk}", actor_label=actor.email)
