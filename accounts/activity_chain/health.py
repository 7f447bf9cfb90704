"""Is the chain followed closely? Cheap enough for a page and for a task each minute."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from .anchors import last_anchor
from .encoding import TIME_IN_RANGE


@dataclass(frozen=True, slots=True)
class ChainHealth:
    """`unlinked_since` is the time of the oldest entry without a link, `unanchored_since` of the oldest link that no
    anchor covers; None if there is none. The anchor is the newest, None before the first."""

    head: int
    anchored: int
    anchored_at: dt.datetime | None
    unlinked_since: dt.datetime | None
    unanchored_since: dt.datetime | None

    def unlinked_seconds(self) -> float:
        return _age(self.unlinked_since)

    def unanchored_seconds(self) -> float:
        """How long the head has been without an anchor: since its oldest entry or since the last anchor, if later."""
        return min(_age(self.unanchored_since), _age(self.anchored_at) if self.anchored_at else float("inf"))


def chain_health() -> ChainHealth:
    """Read in a few index look-ups, however long the log is."""
    anchor = last_anchor()
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"anchored": anchor.position if anchor else 0})
        head, unlinked, unanchored = cursor.fetchone()
    return ChainHealth(
        head=head,
        anchored=anchor.position if anchor else 0,
        anchored_at=anchor.signed_at if anchor else None,
        unlinked_since=unlinked,
        unanchored_since=unanchored,
    )


def _age(at: dt.datetime | None) -> float:
    return 0.0 if at is None else (timezone.now() - at).total_seconds()


# A time that nobody has written, in spite of the table's constraint, must not blind who watches: it counts as old.
_AT = f"CASE WHEN {TIME_IN_RANGE} THEN l.at ELSE '2020-01-01' END"
_HEALTH = f"""
WITH known AS (SELECT complete_to FROM accounts_activitylinking)
SELECT coalesce((SELECT max(position) FROM accounts_activitylink), 0),
       (SELECT {_AT} FROM accounts_activitylog AS l
         WHERE l.id > (SELECT complete_to FROM known)
           AND NOT EXISTS (SELECT FROM accounts_activitylink AS k
                            WHERE k.entry_id = l.id AND k.entry_id > (SELECT complete_to FROM known))
         ORDER BY l.id LIMIT 1),
       (SELECT {_AT} FROM accounts_activitylink AS k JOIN accounts_activitylog AS l ON l.id = k.entry_id
         WHERE k.position > %(anchored)s ORDER BY k.position LIMIT 1)
"""  # noqa: S608  # our own text
