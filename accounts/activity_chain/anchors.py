"""Anchors: the head of the chain, signed. The signature is made in the signer's process; here it is checked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from accounts.models import ActivityAnchor

PURPOSE: Final = "exchequer-activity-anchor:v1:"
"""What the message begins with. The same key signs deposit addresses; nothing it signs for one passes for the other."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The chain's head at a moment. `position` is also the number of linked entries; whole seconds, UTC."""

    number: int
    position: int
    hash: bytes
    signed_at: dt.datetime
    daily: bool
    signature: bytes = b""


def anchor_message(anchor: Anchor) -> bytes:
    """The bytes that are signed."""
    signed_at = anchor.signed_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    kind = "day" if anchor.daily else "head"
    text = f"{PURPOSE}{anchor.number}:{anchor.position}:{anchor.hash.hex()}:{signed_at}:{kind}"
    return text.encode("ascii")


def anchor_is_ours(anchor: Anchor, public_key: str | None = None) -> bool:
    """Whether the signer signed it. `public_key`: 64 hex digits, by default the settings' key of the signer.

    An absent or malformed key makes every answer False.
    """
    key = settings.ADDRESS_POOL_PUBLIC_KEY if public_key is None else public_key
    try:
        _public_key(key).verify(anchor.signature, anchor_message(anchor))
    except (InvalidSignature, ValueError):
        return False
    return True


def last_anchor() -> Anchor | None:
    """The newest one in the database, checked by nobody yet."""
    row = ActivityAnchor.objects.order_by("-number").first()
    return None if row is None else anchor_of(row)


def anchor_of(row: ActivityAnchor) -> Anchor:
    """The row as a value."""
    return Anchor(
        number=row.number,
        position=row.position,
        hash=bytes(row.hash),
        signed_at=row.signed_at,
        daily=row.daily,
        signature=bytes(row.signature),
    )


@lru_cache(maxsize=4)
def _public_key(hexadecimal: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(hexadecimal))
