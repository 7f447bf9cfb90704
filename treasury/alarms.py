"""Raising and resolving alarms: what an operator must look at. One open alarm per key, however often it is raised."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from treasury.models import Alarm

logger = logging.getLogger(__name__)

_RAISE = """
    INSERT INTO treasury_alarm
        (key, severity, network, message, facts, raised_at, last_seen_at, times_seen, resolved_by)
    VALUES (%(key)s, %(severity)s, %(network)s, %(message)s, %(facts)s, %(now)s, %(now)s, 1, '')
    ON CONFLICT (key) WHERE resolved_at IS NULL
    DO UPDATE SET severity = EXCLUDED.severity, message = EXCLUDED.message, facts = EXCLUDED.facts,
                  last_seen_at = EXCLUDED.last_seen_at, times_seen = treasury_alarm.times_seen + 1
    RETURNING times_seen
"""


def raise_alarm(
    *, key: str, severity: str, message: str, network: str = "", facts: dict[str, Any] | None = None
) -> None:
    """Open the alarm `key`, or count one more sighting of it. Takes part in the caller's transaction.

    `severity`: an `Alarm.Severity`. `message`: one English sentence for operators; `facts`: what it is about, as JSON.
    """
    values: dict[str, Any] = {
        "key": key[:160],
        "severity": Alarm.Severity(severity).value,
        "network": network,
        "message": message,
        "facts": Jsonb(facts or {}),
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, values)
        times_seen = cursor.fetchone()[0]
    if times_seen == 1:
        logger.error("alarm %s (%s): %s", key, severity, message)


def resolve_alarm(*, key: str, actor_label: str) -> bool:
    """Close the open alarm `key`; says whether there was one. `actor_label`: an e-mail or "system:<name>"."""
    return bool(resolve_alarms([key], actor_label=actor_label))


def resolve_alarms(keys: Iterable[str], *, actor_label: str) -> int:
    """As `resolve_alarm`, for several in one statement; returns how many were open."""
    found = Alarm.objects.filter(key__in=[key[:160] for key in keys], resolved_at=None)
    return found.update(resolved_at=timezone.now(), resolved_by=actor_label)


def is_raised(key: str) -> bool:
    """Whether the alarm `key` is open."""
    return Alarm.objects.filter(key=key[:160], resolved_at=None).exists()
