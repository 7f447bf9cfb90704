"""Alarms told by mail to those who may resolve them: each once, several that come together in one mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.models import ToldFact
from accounts.outbox import Mail, queue_mails
from accounts.staff_users import people_who_may
from accounts.told import first_time
from treasury.models import Alarm

BATCH = 500
SHOWN_AT_MOST = 20
PEOPLE_AT_MOST = 20
PATIENCE = timedelta(seconds=60)
"""A warning that resolves itself within this time is not worth a mail."""


def tell_alarms() -> int:
    """Queue mails about open alarms that nobody was told of; returns how many alarms they are."""
    with transaction.atomic(durable=True):
        rows = list(_untold()[:BATCH])
        new = first_time(_key(row.pk) for row in rows)
        told = [row for row in rows if _key(row.pk) in new]
        if told:
            queue_mails(_mails(told))
    return len(told)


def _untold() -> Any:
    key = Concat(Value("alarm:"), Cast(OuterRef("pk"), CharField()))
    return (
        Alarm.objects.filter(resolved_at=None)
        .filter(Q(severity=Alarm.Severity.CRITICAL) | Q(raised_at__lte=timezone.now() - PATIENCE))
        .exclude(Exists(ToldFact.objects.filter(key=key)))
        .order_by(F("severity").asc(), "pk")  # critical before warning
    )


def _key(alarm_id: int) -> str:
    return f"alarm:{alarm_id}"


def _mails(alarms: list[Alarm]) -> list[Mail]:
    facts = {
        "alarms": [
            {
                "key": row.key,
                "severity": row.severity,
                "network": row.network,
                "message": row.message[:500],
                "at": row.raised_at.isoformat(),
            }
            for row in alarms[:SHOWN_AT_MOST]
        ],
        "count": len(alarms),
    }
    name = f"alarms:{alarms[0].pk}:{alarms[-1].pk}:{len(alarms)}"
    people = people_who_may("treasury.resolve_alarm").values_list("pk", flat=True)[:PEOPLE_AT_MOST]
    return [Mail(key=f"{name}:{user_id}", template="alarm_raised", user_id=user_id, facts=facts) for user_id in people]
