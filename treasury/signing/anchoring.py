"""Signing the head of the audit's chain.

The signer cannot read the audit: it sees the chain's hashes, vouches for when they were there, and remembers beside the
database the last one that it signed. A database that was rolled back, or whose chain was written anew, with or without
its anchors, contradicts that memory, and gets no further anchor.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import replace
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from accounts.activity_chain.anchors import Anchor, anchor_is_ours, anchor_message, last_anchor
from treasury import failpoints
from treasury.keys.ports import Keys
from treasury.signing import memory
from treasury.signing.vault import vault

logger = logging.getLogger(__name__)


class ChainContradicts(Exception):
    """The chain in this database is not a continuation of the one that was anchored. The text says in what."""


def anchor_activity() -> Anchor | None:
    """Sign the head if it has moved since the last anchor, or if a day (UTC) has begun. None if nothing was to be done.

    Raises ChainContradicts, and then signs nothing; ValueError if the memory file is spoilt. Safe to run twice at once.
    """
    keys = vault().keys
    known, last = remembered(), last_anchor()
    _check_memory(known, last)
    if last is not None:
        _check_last(keys, last)
        if known is None or known.number < last.number:
            _remember(last)  # another signer's, or our own if we were killed before we could
    head = _head()
    if head is None:
        return None
    now = timezone.now().replace(microsecond=0)
    daily = last is None or last.signed_at.astimezone(dt.UTC).date() < now.astimezone(dt.UTC).date()
    if last is not None and head[0] == last.position and not daily:
        return None
    unsigned = Anchor(last.number + 1 if last else 1, head[0], head[1], now, daily)
    anchor = replace(unsigned, signature=keys.sign_anchor(anchor_message(unsigned)))
    if not _store(anchor):
        return None
    _remember(anchor)
    return anchor


def remembered() -> Anchor | None:
    """The last anchor that was signed here, without its signature. Raises ValueError if the file is spoilt."""
    path = anchor_memory_file()
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Anchor(
            number=int(found["number"]),
            position=int(found["position"]),
            hash=bytes.fromhex(found["hash"]),
            signed_at=dt.datetime.fromisoformat(found["signed_at"]),
            daily=bool(found["daily"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold an anchor") from error


def forget_anchors() -> Anchor | None:
    """Forget what was anchored; returns what it was. Somebody has found out why the chain contradicts it."""
    known = remembered()
    anchor_memory_file().unlink(missing_ok=True)
    return known


def anchor_memory_file() -> Path:
    """Beside the memory of payments, and like it never to be restored together with the database."""
    beside = memory.memory_file()
    return beside.with_name(f"{beside.stem}.anchored.json")


def _check_memory(known: Anchor | None, last: Anchor | None) -> None:
    if known is None:
        return
    if last is None or last.number < known.number:
        there = "none" if last is None else f"{last.number} is the last"
        raise ChainContradicts(f"anchor {known.number} was signed, and of the anchors in this database {there}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM accounts_activityanchor WHERE number = %s", [known.number])
        row = cursor.fetchone()
    if row is None or (row[0], bytes(row[1])) != (known.position, known.hash):
        raise ChainContradicts(f"anchor {known.number} in this database is not the one that was signed")
    if _hash_at(known.position) != known.hash:
        raise ChainContradicts(f"position {known.position} was anchored with another hash")


def _check_last(keys: Keys, last: Anchor) -> None:
    if not anchor_is_ours(last, keys.pool_public_key().hex()):
        raise ChainContradicts(f"anchor {last.number} does not carry our signature")
    if _hash_at(last.position) != last.hash:
        raise ChainContradicts(f"position {last.position} was anchored with another hash")


def _head() -> tuple[int, bytes] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM accounts_activitylink ORDER BY position DESC LIMIT 1")
        row = cursor.fetchone()
    return None if row is None else (row[0], bytes(row[1]))


def _hash_at(position: int) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM accounts_activitylink WHERE position = %s", [position])
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def _store(anchor: Anchor) -> bool:
    """False if another signer was there meanwhile: two anchors of one number there are never."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_activityanchor (number, position, hash, signed_at, daily, signature)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [anchor.number, anchor.position, anchor.hash, anchor.signed_at, anchor.daily, anchor.signature],
            )
            stored = bool(cursor.rowcount == 1)
        failpoints.hit("before_anchor_commit")
    failpoints.hit("after_anchor_commit")
    return stored


def _remember(anchor: Anchor) -> None:
    memory.write_durably(
        anchor_memory_file(),
        {
            "number": anchor.number,
            "position": anchor.position,
            "hash": anchor.hash.hex(),
            "signed_at": anchor.signed_at.isoformat(),
            "daily": anchor.daily,
        },
    )
