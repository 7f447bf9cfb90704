"""Sessions of the database server: those of a killed process last until the server has noticed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LONGEST_SECONDS = 20


@contextmanager
def ended_sessions() -> Iterator[None]:
    """Wait, at the end, until every session on this database is over that was opened within.

    A killed process's transaction keeps its locks until the server reads the end of its socket, on a busy machine some
    time later. What skips locked rows, or asks for a lock once, would rightly pass by until then.
    """
    before = _sessions()
    yield
    known = before | {_own()}
    deadline = time.monotonic() + LONGEST_SECONDS
    while _sessions() - known:
        assert time.monotonic() < deadline, "the server keeps a dead process's session"
        time.sleep(0.01)


def _own() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _sessions() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}
