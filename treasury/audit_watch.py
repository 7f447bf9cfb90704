"""Alarms about the audit's chain. accounts, whose chain it is, knows no alarms."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from accounts.activity_chain import chain_health
from treasury.alarms import is_raised, raise_alarm, resolve_alarm
from treasury.models import Alarm

LATE_SECONDS: Final = 300
UNLINKED: Final = "activity-unlinked"
UNANCHORED: Final = "activity-unanchored"


def watch_activity() -> None:
    """Entries without a link, and links without an anchor, for longer than LATE_SECONDS."""
    health = chain_health()
    facts = {"head": health.head, "anchored": health.anchored}
    for key, seconds, message in (
        (UNLINKED, health.unlinked_seconds(), "Entries of the activity log are not linked into its chain."),
        (
            UNANCHORED,
            health.unanchored_seconds(),
            "The activity log's chain is not anchored: the signer does not run, or refuses; its log says why.",
        ),
    ):
        if seconds > LATE_SECONDS:
            with transaction.atomic():
                raise_alarm(
                    key=key, severity=Alarm.Severity.CRITICAL, message=message, facts=facts | {"seconds": int(seconds)}
                )
        elif is_raised(key):
            resolve_alarm(key=key, actor_label="system:audit")
