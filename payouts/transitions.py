"""The only writer of a request's state.

A transition is a row of `states.TABLE`, taken by a conditional update that must hit exactly its rows, with the
timeline, the audit and the ledger's postings in the same commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.models import User
from treasury import ledger
from treasury.alarms import resolve_alarms
from treasury.orders import order_results

from .errors import PaymentNotDead, WithdrawalNotFound, WrongState
from .models import WithdrawalEvent, WithdrawalRequest
from .postings import postings_for
from .states import FINAL, Money, Party, State, TransitionRefused, transition


def locked(withdrawal_id: int | UUID) -> WithdrawalRequest:
    """The request, re-read under its lock until the transaction ends. Raises WithdrawalNotFound.

    `withdrawal_id`: its id, or its public number.
    """
    lookup = {"public_id": withdrawal_id} if isinstance(withdrawal_id, UUID) else {"pk": withdrawal_id}
    row = WithdrawalRequest.objects.select_for_update().filter(**lookup).first()
    if row is None:
        raise WithdrawalNotFound
    return row


def opened(row: WithdrawalRequest, *, actor: User, origin: Origin | None) -> WithdrawalEvent:
    """The first line of a new request's timeline and audit."""
    return _tell([row], from_state="", actor=actor, origin=origin, process="", reason="", facts=_money_facts(row))[0]


def move(
    row: WithdrawalRequest,
    target: State,
    *,
    by: Party,
    actor: User | None = None,
    origin: Origin | None = None,
    process: str = "",
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    **changes: Any,
) -> WithdrawalEvent:
    """Take the locked `row` to `target`; returns the event. `changes` are other columns set with it.

    Raises WrongState when there is no such way from where it is, PaymentNotDead when the money would go back while it
    may still be paid, LedgerError when the funds are not there.
    """
    return move_many(
        [row], target, by=by, actor=actor, origin=origin, process=process, reason=reason, facts=facts, **changes
    )[0]


def move_many(
    rows: Sequence[WithdrawalRequest],
    target: State,
    *,
    by: Party,
    actor: User | None = None,
    origin: Origin | None = None,
    process: str = "",
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    **changes: Any,
) -> list[WithdrawalEvent]:
    """As `move`, for locked rows that are all in one state: a handful of statements, however many rows."""
    if not rows:
        return []
    source = _common_state(rows)
    try:
        step = transition(source, target, by)
    except TransitionRefused as refused:
        raise WrongState(source) from refused
    if step.money is Money.RELEASED:
        _require_nothing_under_way(rows)
    if target in FINAL:
        changes.setdefault("closed_at", timezone.now())
    hit = WithdrawalRequest.objects.filter(pk__in=[row.pk for row in rows], state=source).update(
        state=target.value, **changes
    )
    if hit != len(rows):
        raise RuntimeError(f"{len(rows)} locked withdrawals in {source}, but {hit} were moved")
    for row in rows:
        row.state = target.value
        for name, value in changes.items():
            setattr(row, name, value)
    if source == State.ON_HOLD:
        label = actor.email if actor else f"system:{process}"
        resolve_alarms([evidence_alarm(row.pk) for row in rows], actor_label=label)
    ledger.post_many([posting for row in rows for posting in postings_for(row, step.money)])
    return _tell(rows, from_state=source, actor=actor, origin=origin, process=process, reason=reason, facts=facts or {})


def evidence_alarm(withdrawal_id: int) -> str:
    """The key of the alarm that stays open while a request is on hold because it is not what was approved."""
    return f"withdrawal-evidence:{withdrawal_id}"


def _require_nothing_under_way(rows: Sequence[WithdrawalRequest]) -> None:
    """Money goes back only where no order can pay it out as well, whatever state the request came here from.

    An order is opened under the request's lock, so none can appear now. Raises PaymentNotDead.
    """
    if any(not result.is_dead for result in order_results(row.reference for row in rows).values()):
        raise PaymentNotDead


def set_tx_hashes(rows: Sequence[WithdrawalRequest]) -> None:
    """Store each locked row's `tx_hash`, in one statement."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payouts_withdrawalrequest AS w SET tx_hash = given.tx_hash"
            " FROM unnest(%s::bigint[], %s::text[]) AS given (id, tx_hash) WHERE w.id = given.id",
            [[row.pk for row in rows], [row.tx_hash for row in rows]],
        )


def _common_state(rows: Sequence[WithdrawalRequest]) -> str:
    states = {row.state for row in rows}
    if len(states) != 1:
        raise ValueError(f"rows of several states cannot move together: {sorted(states)}")
    return states.pop()


def _money_facts(row: WithdrawalRequest) -> dict[str, Any]:
    return {
        "network": row.network,
        "address": row.address,
        "amount_micro": row.amount_micro,
        "fee_micro": row.fee_micro,
        "approvals_required": row.approvals_required,
    }


def _tell(
    rows: Sequence[WithdrawalRequest],
    *,
    from_state: str,
    actor: User | None,
    origin: Origin | None,
    process: str,
    reason: str,
    facts: Mapping[str, Any],
) -> list[WithdrawalEvent]:
    events = WithdrawalEvent.objects.bulk_create(
        WithdrawalEvent(withdrawal=row, from_state=from_state, to_state=row.state, actor=actor, reason=reason[:500])
        for row in rows
    )
    activity.record_many(
        activity.Entry(
            action=f"withdrawal.{row.state}",
            target=row,
            facts={"from": from_state, "revision": row.revision, "reason": reason, **facts},
            actor=actor,
            origin=origin,
            process=process,
        )
        for row in rows
    )
    return events
