"""Addresses and keys. Inside the node an address is its 20 raw bytes; the prefix 0x41 belongs to the wire."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import base58
from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak

PREFIX = b"\x41"
SIGNATURE_BYTES = range(65, 69)  # java-tron's SignUtils.isValidLength; what follows the 65th byte is ignored


class BadSignature(Exception):
    """No public key can be recovered; the text is that of java-tron's common/crypto/ECKey.java."""


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def on_wire(address: bytes) -> bytes:
    """20 bytes -> the 21 of protobuf messages."""
    return PREFIX + address


def base58_of(address: bytes) -> str:
    """20 or 21 bytes -> T..."""
    return base58.b58encode_check(address if len(address) == 21 else PREFIX + address).decode()


def decoded(text: str) -> bytes | None:
    """21 bytes of T... or None, as java-tron's Commons.decodeFromBase58Check."""
    try:
        found: bytes = base58.b58decode_check(text)
    except ValueError:
        return None
    return found if len(found) == 21 and found[:1] == PREFIX else None


def parsed(text: str) -> bytes:
    """20 bytes of an address in any notation: T..., 41..., 0x... For the control port."""
    found = decoded(text)
    if found is None:
        found = bytes.fromhex(text.removeprefix("0x"))
        if len(found) == 21 and found[:1] == PREFIX:
            found = found[1:]
    else:
        found = found[1:]
    if len(found) != 20:
        raise ValueError(f"no address: {text}")
    return found


def address_of(public: PublicKey) -> bytes:
    return keccak256(public.format(compressed=False)[1:])[-20:]


@dataclass(frozen=True)
class Key:
    """A private key of the devnet. Worth nothing elsewhere, because anybody can derive it from the seed."""

    secret: bytes
    address: bytes

    @classmethod
    def of(cls, secret: bytes) -> Key:
        return cls(secret, address_of(PrivateKey(secret).public_key))

    @classmethod
    def derived(cls, seed: str, role: str) -> Key:
        return cls.of(sha256(f"exchequer devnet {seed} {role}".encode()))

    def sign(self, digest: bytes) -> bytes:
        """65 bytes: r, s, and a v of 0 or 1."""
        return PrivateKey(self.secret).sign_recoverable(digest, hasher=None)


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """The address whose key signed `digest`; v may be 0, 1, 27 or 28 (ECKey.signatureToKeyBytes)."""
    v = signature[64]
    v = v + 27 if v < 27 else v
    if not 27 <= v <= 34:
        raise BadSignature(f"Header byte out of range: {v}")
    v = v - 4 if v >= 31 else v
    try:
        public = PublicKey.from_signature_and_message(signature[:64] + bytes([v - 27]), digest, hasher=None)
    except Exception as error:  # coincurve raises bare exceptions here
        raise BadSignature("Could not recover public key from signature") from error
    return address_of(public)


def contract_address(txid: bytes, owner: bytes) -> bytes:
    """20 bytes: where a CreateSmartContract transaction puts its contract (Util.generateContractAddress)."""
    return keccak256(txid + on_wire(owner))[-20:]
