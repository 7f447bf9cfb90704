"""What vouches for the entries on a page: their links, computed anew, and the last anchor. `check_activity` is for all.

Cheap enough for each page; so it looks at these entries and the links beside them, not at the chain between.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import connection

from accounts.models import ActivityLink

from .anchors import Anchor, anchor_is_ours, last_anchor
from .encoding import COLUMNS, TIME_IN_RANGE, link_hash


def contradicted(entry_ids: Collection[int]) -> set[int]:
    """Those whose link is not of what they are now, or is not what the link behind it stands on."""
    with connection.cursor() as cursor:
        cursor.execute(_LINKED, [list(entry_ids)])
        rows = cursor.fetchall()
    return {entry_id for entry_id, *link in rows if not _holds(*link)}


def anchored_to() -> int:
    """The position up to which the last anchor vouches; 0 if it is not the signer's, or of another chain than this."""
    anchor = last_anchor()
    return anchor.position if anchor is not None and anchor_is_ours(anchor) and is_of_this_chain(anchor) else 0


def is_of_this_chain(anchor: Anchor) -> bool:
    """Whether the link at its position still has the hash that was signed."""
    link = ActivityLink.objects.filter(position=anchor.position).first()
    return link is not None and bytes(link.hash) == anchor.hash


def _holds(
    position: int, before: bytes, stored: bytes, next_before: bytes | None, readable: bool, *columns: str | None
) -> bool:
    computed = link_hash(position=position, previous_hash=bytes(before), columns=columns)
    return readable and computed == bytes(stored) and (next_before is None or bytes(next_before) == computed)


_LINKED: Final = f"""
SELECT k.entry_id, k.position, k.previous_hash, k.hash,
       (SELECT n.previous_hash FROM accounts_activitylink AS n WHERE n.position = k.position + 1),
       {TIME_IN_RANGE}, {", ".join(COLUMNS.values())}
  FROM accounts_activitylink AS k JOIN accounts_activitylog AS l ON l.id = k.entry_id
 WHERE k.entry_id = ANY(%s)
"""  # noqa: S608  # our own column texts
