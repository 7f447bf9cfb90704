"""An alarm about mails that do not leave. accounts, whose outbox it is, knows no alarms.

Without mail nobody signs in from a new browser or confirms a withdrawal, and no alarm is told by mail: this one is for
the overview and the log.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.delivery_health import late_mail
from treasury.alarms import is_raised, raise_alarm, resolve_alarm
from treasury.models import Alarm

LATE_SECONDS: Final = 1800
MAIL_LATE: Final = "mail-late"


def watch_mail() -> None:
    """Raise the alarm while mails wait for longer than LATE_SECONDS, and close it once they leave again."""
    late = late_mail(seconds=LATE_SECONDS)
    if late is not None:
        facts = {
            "waiting": late.waiting,
            "seconds": int((timezone.now() - late.since).total_seconds()),
            "last_error": late.last_error,
        }
        with transaction.atomic():
            raise_alarm(
                key=MAIL_LATE,
                severity=Alarm.Severity.CRITICAL,
                message="Mails do not leave: the carrier takes none, or no worker sends them.",
                facts=facts,
            )
    elif is_raised(MAIL_LATE):
        resolve_alarm(key=MAIL_LATE, actor_label="system:mail")
