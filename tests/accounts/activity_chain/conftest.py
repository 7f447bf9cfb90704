"""Entries of the audit, and an intruder who may do anything to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from accounts import activity
from accounts.activity import Entry, Origin
from accounts.models import ActivityLog
from tests.support.databases import CommittedDatabase
from tests.support.suite import Share

Write = Callable[[int], list[int]]


@pytest.fixture
def write() -> Write:
    """`write(3)` adds three entries of different shapes; returns the ids of all there are."""

    def add(count: int) -> list[int]:
        activity.record_many(
            Entry(
                action=f"thing.done{number}",
                target=("a.thing", str(number)) if number % 2 else None,
                facts={"ключ": "значение, с запятой", "n": number, "nested": {"b": [1, 2.50, None], "a": "~,"}},
                origin=Origin("2001:db8::7", "Браузер 🦊") if number % 3 else None,
                process="test",
            )
            for number in range(count)
        )
        return list(ActivityLog.objects.order_by("pk").values_list("pk", flat=True))

    return add


@pytest.fixture
def intruder(committed_db: CommittedDatabase, share: Share) -> Iterator[psycopg.Connection]:
    """A superuser for whom no trigger fires."""
    with share.services.postgres().connect(committed_db.name) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
