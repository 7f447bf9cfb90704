"""Linking what was committed. Never in the transaction of a fact: a chain there would let writers wait for each other.

`exchequer_link_activity` does it in the database, one batch a transaction, one linker at a time. It finds its own work
(what is visible and has no link, in the order of ids), so a linker that was killed anywhere is followed by the next.
"""

from __future__ import annotations

from django.db import connection, transaction

from accounts import failpoints

BATCH = 5_000
MOST = 200_000
"""Of one run: some seconds. The next run goes on."""


def link_entries(*, batch: int = BATCH, most: int = MOST) -> int:
    """Link entries that have no link yet, in batches that each commit; returns how many. None while another links."""
    linked = 0
    while linked < most:
        found = _link_batch(min(batch, most - linked))
        linked += found
        if found < batch:
            break
    return linked


def _link_batch(size: int) -> int:
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT exchequer_link_activity(%s)", [size])
            (linked,) = cursor.fetchone()
        failpoints.hit("before_link_commit")
    failpoints.hit("after_link_commit")
    return int(linked or 0)
