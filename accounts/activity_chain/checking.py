"""Walking the whole chain: is every entry what was linked, every link where it was made, every anchor the signer's?

Reads in batches by key, so memory does not grow with the log, and takes no lock: entries that are written meanwhile are
the next check's. The last links and entries together, cut off without a trace, are what only the signer can notice: it
remembers beside the database how far it has anchored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from .anchors import Anchor, anchor_is_ours
from .encoding import BEFORE_THE_FIRST, COLUMNS, TIME_IN_RANGE, link_hash
from .guards import unguarded

BATCH = 5_000
ENTRIES_AT_ONCE = 100_000
LOWEST_ID: Final = -(2**63)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be. `kind` is a word for machines."""

    kind: str
    text: str


@dataclass
class Walk:
    """What was looked at, for the last line. `start` is the anchor that a shorter check trusts."""

    public_key: str | None = None
    start: Anchor | None = None
    pending_seconds: int = 300
    kept_heads: dict[int, str] = field(default_factory=dict)
    links: int = 0
    anchors: int = 0
    pending: int = 0
    head: int = 0
    head_hash: str = ""


def check_chain(walk: Walk, progress: Progress = lambda what, done, total: None) -> Iterator[Finding]:
    """Every finding, as it is found. Fills `walk` on its way; run it to its end."""
    for guard, what in unguarded():
        yield Finding("guard", f"{guard}: {what}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0), count(*) FROM accounts_activitylink")
        walk.head, count = cursor.fetchone()
    yield from _links(walk, progress)
    if count != walk.head:
        yield Finding("count", f"the chain ends at position {walk.head} and has {count} links")
    yield from _anchors(walk, progress)
    yield from _kept_heads(walk)
    yield from _unlinked(walk, progress)


# --- links and the entries behind them --------------------------------------------------------------------------------


def _links(walk: Walk, progress: Progress) -> Iterator[Finding]:
    place, before = (walk.start.position, walk.start.hash) if walk.start else (0, BEFORE_THE_FIRST)
    while rows := _query(_LINKS, {"after": place, "head": walk.head, "batch": BATCH}):
        for row in rows:
            position, entry_id, previous_hash, stored = row[0], row[1], bytes(row[2]), bytes(row[3])
            yield from _place(place, position)
            if position == place + 1 and previous_hash != before:
                yield Finding("link", f"position {position} does not stand on position {place}: a link was changed")
            yield from _entry(position, entry_id, previous_hash, stored, row[4], row[5:])
            place, before = position, stored
            walk.links += 1
        walk.head_hash = before.hex()
        progress("links", place, walk.head)


def _place(last: int, position: int) -> Iterator[Finding]:
    if position == last:
        yield Finding("link", f"position {position} is there twice")
    elif position != last + 1:
        missing = f"position {last + 1}" if position == last + 2 else f"positions {last + 1} to {position - 1}"
        yield Finding("link", f"{missing} missing: links were removed")


def _entry(
    position: int, entry_id: int, previous_hash: bytes, stored: bytes, readable: bool, columns: tuple[str | None, ...]
) -> Iterator[Finding]:
    if columns[0] is None:
        yield Finding("missing", f"entry {entry_id} (position {position}) is missing: it was linked, and removed")
    elif not readable or link_hash(position=position, previous_hash=previous_hash, columns=columns) != stored:
        yield Finding(
            "changed", f"entry {entry_id} (position {position}) is not what was linked: it, or its link, was changed"
        )


_LINKS: Final = f"""
SELECT k.position, k.entry_id, k.previous_hash, k.hash, {TIME_IN_RANGE}, {", ".join(COLUMNS.values())}
  FROM accounts_activitylink AS k LEFT JOIN accounts_activitylog AS l ON l.id = k.entry_id
 WHERE k.position > %(after)s AND k.position <= %(head)s
 ORDER BY k.position, k.entry_id LIMIT %(batch)s
"""  # noqa: S608  # our own column texts


def _kept_heads(walk: Walk) -> Iterator[Finding]:
    """Heads that somebody kept outside this database."""
    for position, digest in sorted(walk.kept_heads.items()):
        found = _query("SELECT hash FROM accounts_activitylink WHERE position = %(position)s", {"position": position})
        if not found:
            yield Finding("head", f"position {position} is not in the chain; a head of it was kept elsewhere")
        elif bytes(found[0][0]).hex() != digest:
            yield Finding("head", f"position {position} has another hash than the head that was kept elsewhere")


# --- anchors ----------------------------------------------------------------------------------------------------------


def _anchors(walk: Walk, progress: Progress) -> Iterator[Finding]:
    number, position = (walk.start.number - 1, 0) if walk.start else (0, 0)
    anchor = None
    while rows := _query(_ANCHORS, {"after": number, "batch": BATCH}):
        for row in rows:
            anchor = Anchor(row[0], row[1], bytes(row[2]), row[3], row[4], bytes(row[5]))
            if anchor.number != number + 1:
                yield Finding("anchor", f"anchors {number + 1} to {anchor.number - 1} missing: they were removed")
            if not anchor_is_ours(anchor, walk.public_key):
                yield Finding("anchor", f"anchor {anchor.number} does not carry the signer's signature")
            if anchor.position < position:
                yield Finding("anchor", f"anchor {anchor.number} is of an earlier position than the one before it")
            if row[6] is None:
                yield Finding("anchor", f"anchor {anchor.number} is of position {anchor.position}, which is missing")
            elif bytes(row[6]) != anchor.hash:
                yield Finding(
                    "anchor",
                    f"anchor {anchor.number}: position {anchor.position} had another hash when it was signed"
                    f" ({anchor.signed_at:%Y-%m-%d %H:%M} UTC): the chain was written anew",
                )
            number, position = anchor.number, anchor.position
            walk.anchors += 1
        progress("anchors", number, number)
    yield from _beyond(walk, anchor)


def _beyond(walk: Walk, last: Anchor | None) -> Iterator[Finding]:
    """Links that wait for their anchor for longer than it takes."""
    position = last.position if last else 0
    old = timezone.now() - dt.timedelta(seconds=walk.pending_seconds)
    if walk.head <= position or (last is not None and last.signed_at > old):
        return
    rows = _query(_NEXT, {"next": position + 1})
    if rows[0][0] is not None and rows[0][0] < old:
        yield Finding(
            "unanchored",
            f"positions {position + 1} to {walk.head} have no anchor: is the signer up? Its log says if it refuses",
        )


_NEXT: Final = f"""
SELECT min(l.at) FROM accounts_activitylink AS k JOIN accounts_activitylog AS l ON l.id = k.entry_id
 WHERE k.position = %(next)s AND {TIME_IN_RANGE}
"""  # noqa: S608  # our own text
_ANCHORS: Final = """
SELECT a.number, a.position, a.hash, a.signed_at, a.daily, a.signature,
       (SELECT k.hash FROM accounts_activitylink AS k WHERE k.position = a.position)
  FROM accounts_activityanchor AS a WHERE a.number > %(after)s ORDER BY a.number LIMIT %(batch)s
"""


# --- entries without a link -------------------------------------------------------------------------------------------


def _unlinked(walk: Walk, progress: Progress) -> Iterator[Finding]:
    ((complete_to,),) = _query("SELECT max(complete_to) FROM accounts_activitylinking", {})
    old = timezone.now() - dt.timedelta(seconds=walk.pending_seconds)
    first, seen = LOWEST_ID, 0
    while (page := _query(_PAGE, {"first": first, "batch": ENTRIES_AT_ONCE})[0])[0]:
        count, last = page
        for entry_id, at in _query(_UNLINKED, {"first": first, "last": last}):
            if entry_id <= (complete_to or 0):
                yield Finding("inserted", f"entry {entry_id} has no link where all have one: it was put there later")
            elif at is None or at < old:
                yield Finding("unlinked", f"entry {entry_id} is not linked yet: is the worker up?")
            else:
                walk.pending += 1
        first, seen = last + 1, seen + count
        progress("entries", seen, max(seen, walk.head))


# By the entries that there are, not by numbers: a single row with a huge id would be a walk without end.
_PAGE: Final = """
SELECT count(*), max(id)
  FROM (SELECT id FROM accounts_activitylog WHERE id >= %(first)s ORDER BY id LIMIT %(batch)s) AS page
"""
_UNLINKED: Final = f"""
SELECT l.id, CASE WHEN {TIME_IN_RANGE} THEN l.at END FROM accounts_activitylog AS l
 WHERE l.id >= %(first)s AND l.id <= %(last)s
   AND NOT EXISTS (SELECT FROM accounts_activitylink AS k
                    WHERE k.entry_id = l.id AND k.entry_id >= %(first)s AND k.entry_id <= %(last)s)
 ORDER BY l.id
"""  # noqa: S608  # our own text


def _query(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
