"""What is hashed, for whoever recomputes it: the checker here, or another tool.

    hash = SHA-256( "exchequer-activity:v1," + netstrings of: position, previous hash in lower-case hex, and COLUMNS )

A netstring is "<length in bytes>:<UTF-8 text>,"; NULL is "~,". The hash before the first link is 32 zero bytes. Columns
are taken as the text that PostgreSQL makes of them (`COLUMNS`), so nothing depends on how a program prints JSON. The
database's function `exchequer_link_activity` has the same in SQL; that the two agree is what each check shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

PREFIX: Final = "exchequer-activity:v1,"
BEFORE_THE_FIRST: Final = bytes(32)
COLUMNS: Final = {
    "id": "l.id::text",
    "at": """to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "actor_id": "l.actor_id::text",
    "actor_label": "l.actor_label",
    "action": "l.action",
    "target_type": "l.target_type",
    "target_id": "l.target_id",
    "facts": "l.facts::text",
    "ip_address": "l.ip_address::text",
    "user_agent": "l.user_agent",
}
"""Every column of the table, in the order of hashing, and its text in SQL (`l` is the table)."""

TIME_IN_RANGE: Final = "(l.at >= '2020-01-01 00:00+00' AND l.at < '2200-01-01 00:00+00')"
"""In SQL: the table takes no other time. The text of one before Christ is that of one after, and of infinity none."""


def link_hash(*, position: int, previous_hash: bytes, columns: Sequence[str | None]) -> bytes:
    """The hash of one link; `columns` are the texts of COLUMNS."""
    digest = sha256(PREFIX.encode())
    digest.update("".join(map(netstring, (str(position), previous_hash.hex(), *columns))).encode())
    return digest.digest()


def netstring(text: str | None) -> str:
    """The text with its length in front, so that no two lists of texts are written alike."""
    return "~," if text is None else f"{len(text.encode())}:{text},"
