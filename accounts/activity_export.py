"""Taking the audit out of the house: asked for with a step-up, limited, and itself in the audit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import activity
from accounts.activity_search import Wanted, search
from accounts.models import ActivityLog, User
from accounts.second_factor import StepUp, verify_step_up
from accounts.staff.csv_files import csv_chunks

MOST_ENTRIES: Final = 100_000
PAGE: Final = 2_000
HEADER: Final = (
    "id", "at", "actor_id", "actor", "action", "target_type", "target_id", "facts", "ip_address", "user_agent",
    "position", "hash",
)  # fmt: skip
_COLUMNS: Final = (
    "pk", "at", "actor_id", "actor_label", "action", "target_type", "target_id", "facts_text", "ip_address",
    "user_agent", "link__position", "link__hash",
)  # fmt: skip


class ExportRefused(Exception):
    """Nothing is exported. `message` may be shown."""

    message: Any = _("This cannot be exported.")

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(ExportRefused):
    message = _("You may not export the activity log.")


class NothingToExport(ExportRefused):
    message = _("No entry matches.")


class TooManyEntries(ExportRefused):
    @property
    def message(self) -> str:
        return ngettext(
            "More than %(count)s entry matches: choose a shorter period, and export the rest after it.",
            "More than %(count)s entries match: choose a shorter period, and export the rest after it.",
            MOST_ENTRIES,
        ) % {"count": f"{MOST_ENTRIES:,}"}


def export_activity(
    *, actor: User, wanted: Wanted, step_up: StepUp, origin: activity.Origin | None = None
) -> Iterator[bytes]:
    """The entries as they are now, oldest first, as a CSV file in pieces. In the audit before the first piece is read.

    Raises StepUpFailed, NotAllowed, NothingToExport, TooManyEntries.
    """
    if not actor.has_perm("accounts.export_activitylog"):
        raise NotAllowed
    verify_step_up(user=actor, credential=step_up, origin=origin)
    found = search(ActivityLog.objects.all(), wanted)
    count = found.order_by("pk").values_list("pk", flat=True)[: MOST_ENTRIES + 1].count()
    if count > MOST_ENTRIES:
        raise TooManyEntries
    last = found.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        raise NothingToExport
    with transaction.atomic(durable=True):
        activity.record(
            actor=actor,
            action="activity.exported",
            facts={"entries": count, "up_to": last, **wanted.facts()},
            origin=origin,
        )
    return csv_chunks(HEADER, _rows(found.filter(pk__lte=last)))


def _rows(found: QuerySet[ActivityLog]) -> Iterator[list[Any]]:
    """Page by page in the order of keys."""
    pages = found.annotate(facts_text=Cast("facts", TextField())).order_by("pk").values_list(*_COLUMNS)
    after = 0
    while page := list(pages.filter(pk__gt=after)[:PAGE]):
        yield from (_cells(row) for row in page)
        after = page[-1][0]


def _cells(row: tuple[Any, ...]) -> list[Any]:
    pk, at, *rest, digest = row
    return [
        pk,
        at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        *rest,
        bytes(digest).hex() if digest else None,
    ]
