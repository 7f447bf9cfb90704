"""Is this deposit address really the signer's? The one question every place asks before it shows an address."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings


class SignedAddress(Protocol):
    """A row of the pool, as far as its signature goes."""

    @property
    def family(self) -> str: ...

    @property
    def derivation_index(self) -> int: ...

    @property
    def address(self) -> str: ...

    @property
    def signature(self) -> bytes | memoryview[int]: ...


def pool_message(*, family: str, derivation_index: int, address: str) -> bytes:
    """The bytes that the pool's key signs for one address."""
    return f"exchequer-deposit-address:v1:{family}:{derivation_index}:{address}".encode("ascii")


def verify(row: SignedAddress) -> bool:
    """Whether the row carries the signature of the pool's key, `settings.ADDRESS_POOL_PUBLIC_KEY`.

    False means: never show this address. An absent or malformed key makes every answer False.
    """
    try:
        message = pool_message(family=row.family, derivation_index=row.derivation_index, address=row.address)
        _public_key(settings.ADDRESS_POOL_PUBLIC_KEY).verify(bytes(row.signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=4)
def _public_key(hexadecimal: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(hexadecimal))
