"""Finding entries of the audit: by exact values, each of which an index serves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import ActivityLog, User
from accounts.staff.filters import within_days


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is empty narrows nothing. `actor` is an e-mail address, `target` a "type:number"."""

    actor: str = ""
    action: str = ""
    target: str = ""
    ip_address: str = ""
    since: dt.date | None = None
    until: dt.date | None = None

    def facts(self) -> dict[str, str]:
        """What was asked for, for the audit."""
        named = {
            "actor": self.actor, "action": self.action, "target": self.target, "ip_address": self.ip_address,
            "since": self.since and self.since.isoformat(), "until": self.until and self.until.isoformat(),
        }  # fmt: skip
        return {name: value for name, value in named.items() if value}


def search(queryset: QuerySet[ActivityLog], wanted: Wanted) -> QuerySet[ActivityLog]:
    """The entries of `queryset` that are wanted; none for an actor that does not exist or a target of no such form."""
    if wanted.actor:
        actor = User.objects.filter(email=wanted.actor.strip().lower()).values_list("pk", flat=True).first()
        queryset = queryset.none() if actor is None else queryset.filter(actor=actor)
    if wanted.action:
        queryset = queryset.filter(action=wanted.action.strip())
    if wanted.target:
        kind, separator, number = wanted.target.strip().rpartition(":")
        queryset = queryset.filter(target_type=kind.lower(), target_id=number) if separator else queryset.none()
    if wanted.ip_address:
        queryset = queryset.filter(ip_address=wanted.ip_address)
    return within_days(queryset, "at", wanted.since, wanted.until)


def find(queryset: QuerySet[ActivityLog], term: str) -> QuerySet[Any]:
    """What one search box says: the target if it looks like one, else the actor."""
    kind, separator, _number = term.rpartition(":")
    return search(queryset, Wanted(target=term) if separator and kind else Wanted(actor=term))
