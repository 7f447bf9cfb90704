"""Do mails leave? Cheap enough for a task each minute."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils import timezone

from .models import OutgoingMail

State = OutgoingMail.State
SENT_OF_LATE = dt.timedelta(days=2)
"""How far back a mail that was sent just now may have been queued; the index is by that time."""


@dataclass(frozen=True, slots=True)
class LateMail:
    """Mails that wait although nothing is wrong with them: since when the oldest does, how many, and the last error."""

    since: dt.datetime
    waiting: int
    last_error: str


def late_mail(*, seconds: int) -> LateMail | None:
    """What the carrier, or the worker, has left lying for longer than `seconds`; None if mails leave.

    One mail that nobody takes is no trouble of the carrier: it has attempts of its own. But if none of several people's
    was taken meanwhile, it is.
    """
    old = timezone.now() - dt.timedelta(seconds=seconds)
    queued = OutgoingMail.objects.filter(state=State.QUEUED)
    late = queued.filter(queued_at__lt=old, attempts__lte=1)
    if not late.exists():
        late = queued.filter(queued_at__lt=old)
        if late.values("recipient").distinct()[:2].count() < 2 or _was_any_sent_since(old):
            return None
    found = late.aggregate(since=Min("queued_at"))
    waiting = queued.aggregate(waiting=Count("pk"))["waiting"]
    error = late.exclude(last_error="").order_by("queued_at").values_list("last_error", flat=True).first()
    return LateMail(since=found["since"], waiting=waiting, last_error=error or "")


def _was_any_sent_since(moment: dt.datetime) -> bool:
    queued_of_late = OutgoingMail.objects.filter(queued_at__gt=moment - SENT_OF_LATE)
    return queued_of_late.filter(state=State.SENT, sent_at__gte=moment).exists()
