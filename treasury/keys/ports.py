"""What the signer asks of whatever holds the keys. Pure; an HSM or a KMS can keep `PaymentKeys` as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature over secp256k1. `s` is in the lower half of the order; `y_parity` is 0 or 1."""

    r: int
    s: int
    y_parity: int


class PaymentKeys(Protocol):
    """Keys of platform wallets, named by derivation path (or by a handle that stands for one)."""

    def sign_digest(self, path: str, digest: bytes) -> Signature:
        """Sign exactly these 32 bytes. The digest is computed by the caller, from bytes it has checked."""
        ...

    def public_key(self, path: str) -> bytes:
        """64 bytes: x and y of the uncompressed public key."""
        ...


class DepositKeys(Protocol):
    """Deposit addresses are derived (BIP-32), which an HSM cannot do: they stay on a wrapped seed."""

    def deposit_public_keys(self, coin_type: int, indexes: Sequence[int]) -> list[bytes]:
        """The 64-byte public keys at m/44'/<coin_type>'/0'/0/<index>, in order."""
        ...


POOL_PURPOSE = b"exchequer-deposit-address:"
ANCHOR_PURPOSE = b"exchequer-activity-anchor:"
APPROVER_PURPOSE = b"exchequer-approver-key:"


class PoolKey(Protocol):
    """The ed25519 key that vouches for deposit addresses, for the audit's chain and for the keys of approvers.

    What it signs begins with the purpose, so that no signature for one passes for the other.
    """

    def pool_public_key(self) -> bytes:
        """32 bytes: what ADDRESS_POOL_PUBLIC_KEY has to be, in hex."""
        ...

    def sign_for_pool(self, message: bytes) -> bytes:
        """64 bytes. Raises ValueError for a message that does not begin with POOL_PURPOSE."""
        ...

    def sign_anchor(self, message: bytes) -> bytes:
        """64 bytes, by the same key. Raises ValueError for a message that does not begin with ANCHOR_PURPOSE."""
        ...

    def sign_approver_key(self, message: bytes) -> bytes:
        """64 bytes, by the same key. Raises ValueError for a message that does not begin with APPROVER_PURPOSE."""
        ...


class Keys(PaymentKeys, DepositKeys, PoolKey, Protocol):
    """Everything the signer's process needs."""


class KeysError(Exception):
    """Base of what a key backend raises. No message ever holds key material or a passphrase."""


class PathRefused(KeysError):
    """Not a derivation path of ours."""
