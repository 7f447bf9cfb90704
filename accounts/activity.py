"""The audit: who did what, when, from where. Written in the same transaction as the fact it tells of."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from psycopg.types.json import Jsonb

from .models import User

Target = Model | tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. Operations take it, so that they need no HTTP request."""

    ip_address: str | None = None
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit that is not written yet. `actor` None is a process, named by `process`."""

    action: str
    target: Target = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    actor: User | None = None
    origin: Origin | None = None
    process: str = ""


def origin_of(request: HttpRequest) -> Origin:
    """The origin of `request`; the address is the one behind the trusted proxies."""
    from allauth.account.adapter import get_adapter

    try:
        address = get_adapter(request).get_client_ip(request)
    except (PermissionDenied, ImproperlyConfigured):
        address = None  # no address, or fewer proxies than promised: the audit must not stop the deed
    # PostgreSQL stores no NUL, and an odd header must not stop the deed either.
    return Origin(ip_address=address, user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:400])


def record(
    *,
    actor: User | None,
    action: str,
    target: Target = None,
    facts: Mapping[str, Any] | None = None,
    origin: Origin | None = None,
    request: HttpRequest | None = None,
    process: str = "",
) -> None:
    """Add one line. Call it inside the transaction of the fact.

    `actor` None means a process: it is shown as "system:<process>". `facts` must be JSON-able and hold no secret.
    `request` is a shorthand for `origin=origin_of(request)`.
    """
    if origin is None and request is not None:
        origin = origin_of(request)
    record_many([Entry(action, target, facts or {}, actor, origin, process)])


def record_many(entries: Iterable[Entry]) -> None:
    """Add many lines in one statement (a thousand at a time)."""
    now = timezone.now()
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        for some in batched(entries, 1_000):
            cursor.execute(
                _INSERT + ", ".join([_VALUES] * len(some)), [cell for each in some for cell in _line(each, now)]
            )


# By hand: every fact of the product pays for it in its own transaction, and the ORM's way takes three times as long.
_INSERT = (
    "INSERT INTO accounts_activitylog"
    " (at, actor_id, actor_label, action, target_type, target_id, facts, ip_address, user_agent) VALUES "
)
_VALUES = "(%s, %s, %s, %s, %s, %s, %s, %s::inet, %s)"


def _line(entry: Entry, at: dt.datetime) -> tuple[Any, ...]:
    target_type, target_id = _named(entry.target)
    origin = entry.origin or Origin()
    return (
        at,
        entry.actor.pk if entry.actor else None,
        entry.actor.email if entry.actor else f"system:{entry.process or 'exchequer'}",
        entry.action,
        target_type,
        target_id,
        Jsonb(dict(entry.facts)),
        origin.ip_address,
        origin.user_agent[:400],
    )


def _named(target: Target) -> tuple[str, str]:
    if target is None:
        return "", ""
    if isinstance(target, tuple):
        return target
    model = target._meta.concrete_model  # noqa: SLF001  # Django's documented model API; a proxy is its base
    return (model or type(target))._meta.label_lower, str(target.pk)  # noqa: SLF001  # likewise
