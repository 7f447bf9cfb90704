"""Facts are told once: who tells several in one mail notes here which they were, in the mails' commit."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

_NOTE = """
    INSERT INTO accounts_toldfact (key, told_at) SELECT key, now() FROM unnest(%s::text[]) AS key
    ON CONFLICT (key) DO NOTHING RETURNING key
"""


def first_time(keys: Iterable[str]) -> set[str]:
    """Those of `keys` that were never told; from the commit of the caller's transaction on, they are.

    Of two that ask for the same key at once one waits for the other, and gets it only if that one rolls back.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [wanted])
        return {key for (key,) in cursor.fetchall()}
