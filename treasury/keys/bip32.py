"""Hierarchical derivation (BIP-32) on secp256k1, as fast as libsecp256k1 lets it be.

Only what we use: private derivation along a path, and many sibling public keys under one parent.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from hashlib import sha512
from typing import Self

from coincurve import PrivateKey, PublicKey

from treasury.keys.ports import PathRefused

HARDENED = 0x8000_0000
_PATH = re.compile(r"m(/\d{1,10}'?)+")


def parse_path(path: str) -> tuple[int, ...]:
    """The indexes of a path such as m/44'/60'/1'/0/7, hardened ones with their high bit. Raises PathRefused."""
    if not _PATH.fullmatch(path):
        raise PathRefused(f"not a derivation path: {path!r}")
    indexes = []
    for part in path.split("/")[1:]:
        index = int(part.rstrip("'"))
        if index >= HARDENED:
            raise PathRefused(f"an index of the path is too large: {path!r}")
        indexes.append(index + HARDENED if part.endswith("'") else index)
    return tuple(indexes)


@dataclass(frozen=True, slots=True, repr=False)
class ExtendedKey:
    """A private key and its chain code. It never shows itself."""

    secret: bytes
    chain_code: bytes

    @classmethod
    def master(cls, seed: bytes) -> Self:
        """The root of a seed of 16 to 64 bytes."""
        if not 16 <= len(seed) <= 64:
            raise ValueError("a seed has 16 to 64 bytes")
        return cls._of(hmac.digest(b"Bitcoin seed", seed, sha512), base=None)

    def derive(self, path: str) -> ExtendedKey:
        """The key at `path`, counted from this one as `m`."""
        key = self
        for index in parse_path(path):
            key = key.child(index)
        return key

    def child(self, index: int) -> ExtendedKey:
        """One step down; `index` from 2^31 on is hardened."""
        number = index.to_bytes(4, "big")
        if index >= HARDENED:
            mixed = hmac.digest(self.chain_code, b"\x00" + self.secret + number, sha512)
        else:
            mixed = hmac.digest(self.chain_code, self._public().format(compressed=True) + number, sha512)
        return self._of(mixed, base=self.secret)

    def public_key(self) -> bytes:
        """64 bytes, uncompressed without the prefix."""
        return bytes(self._public().format(compressed=False)[1:])

    def children_public_keys(self, indexes: list[int]) -> list[bytes]:
        """Public keys of many non-hardened children; no child's private key is computed."""
        parent = self._public()
        compressed = parent.format(compressed=True)
        found = []
        for index in indexes:
            if not 0 <= index < HARDENED:
                raise PathRefused(f"not a plain child index: {index}")
            mixed = hmac.digest(self.chain_code, compressed + index.to_bytes(4, "big"), sha512)
            found.append(bytes(parent.add(mixed[:32]).format(compressed=False)[1:]))
        return found

    def _public(self) -> PublicKey:
        return PublicKey.from_valid_secret(self.secret)

    @classmethod
    def _of(cls, mixed: bytes, *, base: bytes | None) -> Self:
        # coincurve raises for the one in 2^127 that BIP-32 calls invalid
        secret = PrivateKey(mixed[:32]).secret if base is None else PrivateKey(base).add(mixed[:32]).secret
        return cls(secret=secret, chain_code=mixed[32:])
