"""The seed of every key we hold, in one encrypted file.

The file is JSON, versioned, mode 0600. A passphrase goes through scrypt to a key for AES-256-GCM, which encrypts the
BIP-39 phrase; everything beside it in the file is public and authenticated, except for the mark that a backup was made.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any, NoReturn

from coincurve import PrivateKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from treasury.keys.bip32 import ExtendedKey
from treasury.keys.ports import ANCHOR_PURPOSE, APPROVER_PURPOSE, POOL_PURPOSE, KeysError, Signature

VERSION = 1
SCRYPT_N = 2**17  # 128 MiB and some 0.4 s for each guess at the passphrase
_SCRYPT_N_MOST = 2**22
_POOL_KEY_LABEL = b"exchequer:address-pool:ed25519:v1"
_WORDS = 24
MINIMUM_PASSPHRASE = 12


class KeystoreMissing(KeysError):
    """There is no file at this path."""


class KeystoreExists(KeysError):
    """There is a file at this path already; it is never overwritten."""


class KeystoreDamaged(KeysError):
    """The file is not a keystore of a version that we know."""


class KeystoreExposed(KeysError):
    """Other users of this machine may read the file."""


class WrongPassphrase(KeysError):
    """The passphrase is not the keystore's (or the file's contents were changed: the two look the same)."""


class WeakPassphrase(KeysError):
    """The passphrase for a new keystore is too short."""


class InvalidPhrase(KeysError):
    """The words are not a BIP-39 phrase: one is wrong, missing or in another place."""


class Keystore:
    """An opened seed: keeps the `Keys` port. Lives in the signer's process only, and never shows or pickles itself."""

    def __init__(self, seed: bytes) -> None:
        self._master = ExtendedKey.master(seed)
        pool_secret = HKDF(algorithm=SHA256(), length=32, salt=None, info=_POOL_KEY_LABEL).derive(seed)
        self._pool_key = Ed25519PrivateKey.from_private_bytes(pool_secret)
        self._by_path: dict[str, ExtendedKey] = {}

    def sign_digest(self, path: str, digest: bytes) -> Signature:
        """See ports.PaymentKeys. Deterministic (RFC 6979): the same bytes sign to the same bytes."""
        if len(digest) != 32:
            raise ValueError("a digest has 32 bytes")
        signature = PrivateKey(self._at(path).secret).sign_recoverable(digest, hasher=None)
        return Signature(
            r=int.from_bytes(signature[:32], "big"), s=int.from_bytes(signature[32:64], "big"), y_parity=signature[64]
        )

    def public_key(self, path: str) -> bytes:
        """See ports.PaymentKeys."""
        return self._at(path).public_key()

    def deposit_public_keys(self, coin_type: int, indexes: Sequence[int]) -> list[bytes]:
        """See ports.DepositKeys."""
        return self._at(f"m/44'/{coin_type}'/0'/0").children_public_keys(list(indexes))

    def pool_public_key(self) -> bytes:
        """See ports.PoolKey."""
        return self._pool_key.public_key().public_bytes_raw()

    def sign_for_pool(self, message: bytes) -> bytes:
        """See ports.PoolKey."""
        return self._sign_for(POOL_PURPOSE, message)

    def sign_anchor(self, message: bytes) -> bytes:
        """See ports.PoolKey."""
        return self._sign_for(ANCHOR_PURPOSE, message)

    def sign_approver_key(self, message: bytes) -> bytes:
        """See ports.PoolKey."""
        return self._sign_for(APPROVER_PURPOSE, message)

    def _sign_for(self, purpose: bytes, message: bytes) -> bytes:
        if not message.startswith(purpose):
            raise ValueError("the message is for another purpose")
        return self._pool_key.sign(message)

    def _at(self, path: str) -> ExtendedKey:
        found = self._by_path.get(path)
        if found is None:
            found = self._by_path[path] = self._master.derive(path)
        return found

    def __repr__(self) -> str:
        return "<Keystore>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keystore is never pickled")


class KeystoreFile:
    """The file: created once, opened by whoever knows the passphrase."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def create(self, passphrase: str, *, phrase: str | None = None, scrypt_n: int | None = None) -> Keystore:
        """Write a new keystore, of a fresh 24-word phrase or of the one given, and open it.

        Raises KeystoreExists, WeakPassphrase, InvalidPhrase.
        """
        if len(passphrase) < MINIMUM_PASSPHRASE:
            raise WeakPassphrase(f"the passphrase needs at least {MINIMUM_PASSPHRASE} characters")
        if self.path.exists():
            raise KeystoreExists(f"{self.path} exists already")
        words = _new_phrase() if phrase is None else _checked_phrase(phrase)
        keystore = Keystore(_seed_of(words))
        header = {
            "version": VERSION,
            "kdf": {"name": "scrypt", "n": scrypt_n or SCRYPT_N, "r": 8, "p": 1, "salt": secrets.token_hex(16)},
            "cipher": {"name": "aes-256-gcm", "nonce": secrets.token_hex(12)},
            "pool_public_key": keystore.pool_public_key().hex(),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        ciphertext = AESGCM(_key_of(header, passphrase)).encrypt(
            bytes.fromhex(header["cipher"]["nonce"]),  # type: ignore[index]  # a dict two lines above
            words.encode("ascii"),
            _public_part(header),
        )
        self._write({**header, "ciphertext": ciphertext.hex(), "backed_up_at": None}, new=True)
        return keystore

    def open(self, passphrase: str) -> Keystore:
        """Raises KeystoreMissing, KeystoreExposed, KeystoreDamaged, WrongPassphrase."""
        return Keystore(_seed_of(self.phrase(passphrase)))

    def phrase(self, passphrase: str) -> str:
        """The BIP-39 phrase: for `backup_keystore`, which shows it to a person, and for nothing else."""
        content = self._read()
        header = {name: content[name] for name in content if name not in ("ciphertext", "backed_up_at")}
        try:
            clear = AESGCM(_key_of(header, passphrase)).decrypt(
                bytes.fromhex(header["cipher"]["nonce"]), bytes.fromhex(content["ciphertext"]), _public_part(header)
            )
        except InvalidTag:
            raise WrongPassphrase(f"wrong passphrase for {self.path}, or the file was changed") from None
        except (KeyError, TypeError, ValueError) as error:
            raise KeystoreDamaged(f"{self.path} is damaged") from error
        return clear.decode("ascii")

    def pool_public_key(self) -> str:
        """Hex; public, so no passphrase is asked for."""
        return str(self._read()["pool_public_key"])

    def backed_up_at(self) -> str | None:
        """When the phrase was shown for the backup, None if it never was."""
        found = self._read().get("backed_up_at")
        return None if found is None else str(found)

    def mark_backed_up(self) -> None:
        """Remember that a person has seen the phrase."""
        self._write({**self._read(), "backed_up_at": datetime.now(UTC).isoformat(timespec="seconds")}, new=False)

    def _read(self) -> dict[str, Any]:
        try:
            mode = self.path.stat().st_mode
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeystoreMissing(f"there is no keystore at {self.path}: create one with `create_keystore`") from None
        if mode & 0o077:
            raise KeystoreExposed(f"{self.path} is readable by others: chmod 600 it")
        try:
            content = json.loads(text)
        except ValueError as error:
            raise KeystoreDamaged(f"{self.path} is not JSON") from error
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise KeystoreDamaged(f"{self.path} is not a keystore of version {VERSION}")
        return content

    def _write(self, content: dict[str, Any], *, new: bool) -> None:
        """Whole or not at all: a temporary file beside it, flushed to the disk, then one rename (a link if new)."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if new:
                os.link(beside, self.path)  # refuses an existing file, in one step
            else:
                beside.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except FileExistsError:
            raise KeystoreExists(f"{self.path} exists already") from None
        finally:
            beside.unlink(missing_ok=True)


class OpenedOnce:
    """The process's keystore: opened at first use, kept open."""

    def __init__(self, path: str | Path, passphrase: str) -> None:
        self._file = KeystoreFile(path)
        self._passphrase = passphrase

    @cached_property
    def keys(self) -> Keystore:
        return self._file.open(self._passphrase)

    def __repr__(self) -> str:
        return "<OpenedOnce>"


def _key_of(header: dict[str, Any], passphrase: str) -> bytes:
    kdf = header["kdf"]
    if kdf["name"] != "scrypt" or header["cipher"]["name"] != "aes-256-gcm" or not 0 < kdf["n"] <= _SCRYPT_N_MOST:
        raise KeystoreDamaged("the keystore names a cipher that we do not use")
    scrypt = Scrypt(salt=bytes.fromhex(kdf["salt"]), length=32, n=kdf["n"], r=kdf["r"], p=kdf["p"])
    return scrypt.derive(passphrase.encode("utf-8"))


def _public_part(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii")


def _new_phrase() -> str:
    from eth_account.hdaccount.mnemonic import Mnemonic  # brings all of eth_account: half a second, rarely needed

    return Mnemonic().to_mnemonic(secrets.token_bytes(_WORDS * 4 // 3))


def _checked_phrase(phrase: str) -> str:
    from eth_account.hdaccount.mnemonic import Mnemonic

    words = " ".join(phrase.lower().split())
    if not words.isascii() or not Mnemonic().is_mnemonic_valid(words):
        raise InvalidPhrase("these words are not a BIP-39 phrase (English): check each of them and their order")
    return words


def _seed_of(phrase: str) -> bytes:
    """BIP-39, for phrases of ASCII words without a passphrase of their own; so the signer need not load eth_account."""
    return pbkdf2_hmac("sha512", phrase.encode("ascii"), b"mnemonic", 2048)
