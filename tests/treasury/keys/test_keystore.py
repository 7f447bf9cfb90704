"""The encrypted seed: made once, opened by its passphrase, derived as every other wallet would."""

from __future__ import annotations

import json
import pickle
import stat
from pathlib import Path

import pytest
from coincurve import PublicKey
from eth_account import Account
from eth_hash.auto import keccak

from treasury.chains.addresses import checksummed
from treasury.keys.keystore import (
    InvalidPhrase,
    Keystore,
    KeystoreDamaged,
    KeystoreExists,
    KeystoreExposed,
    KeystoreFile,
    KeystoreMissing,
    WeakPassphrase,
    WrongPassphrase,
)
from treasury.keys.ports import PathRefused

PASSPHRASE = "correct horse battery staple"
PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
HALF_OF_THE_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
CHEAP = 2**4


def address_of(public_key: bytes) -> str:
    return checksummed(keccak(public_key)[12:])


@pytest.fixture
def file(tmp_path: Path) -> KeystoreFile:
    return KeystoreFile(tmp_path / "keys" / "keystore.json")


@pytest.fixture
def keystore(file: KeystoreFile) -> Keystore:
    return file.create(PASSPHRASE, phrase=PHRASE, scrypt_n=CHEAP)


def test_it_opens_again_with_the_same_passphrase_to_the_same_keys(file: KeystoreFile, keystore: Keystore) -> None:
    again = file.open(PASSPHRASE)
    assert again.public_key("m/44'/60'/1'/0/421337") == keystore.public_key("m/44'/60'/1'/0/421337")
    assert again.pool_public_key() == keystore.pool_public_key()
    assert file.pool_public_key() == keystore.pool_public_key().hex()


def test_a_wrong_passphrase_is_named_as_that(file: KeystoreFile, keystore: Keystore) -> None:
    with pytest.raises(WrongPassphrase) as raised:
        file.open(PASSPHRASE + "r")
    assert PASSPHRASE not in str(raised.value)


def test_a_new_phrase_has_twenty_four_words_and_differs_each_time(tmp_path: Path) -> None:
    first, second = KeystoreFile(tmp_path / "1"), KeystoreFile(tmp_path / "2")
    first.create(PASSPHRASE, scrypt_n=CHEAP)
    second.create(PASSPHRASE, scrypt_n=CHEAP)
    assert len(first.phrase(PASSPHRASE).split()) == 24
    assert first.phrase(PASSPHRASE) != second.phrase(PASSPHRASE)


def test_the_phrase_restores_the_same_keys_elsewhere(tmp_path: Path, file: KeystoreFile, keystore: Keystore) -> None:
    other = KeystoreFile(tmp_path / "restored").create(
        "another passphrase", phrase=f"  {file.phrase(PASSPHRASE).upper()}\n", scrypt_n=CHEAP
    )
    assert other.deposit_public_keys(60, [0, 1]) == keystore.deposit_public_keys(60, [0, 1])
    assert other.pool_public_key() == keystore.pool_public_key()


@pytest.mark.parametrize(
    "phrase", ["", "abandon " * 12, PHRASE.replace("about", "above"), "слово " * 12, PHRASE + " zoo"]
)
def test_words_that_are_no_phrase_are_refused(file: KeystoreFile, phrase: str) -> None:
    with pytest.raises(InvalidPhrase):
        file.create(PASSPHRASE, phrase=phrase, scrypt_n=CHEAP)
    assert not file.path.exists()


def test_an_existing_keystore_is_never_overwritten(file: KeystoreFile, keystore: Keystore) -> None:
    before = file.path.read_bytes()
    with pytest.raises(KeystoreExists):
        file.create("another passphrase", scrypt_n=CHEAP)
    assert file.path.read_bytes() == before


def test_a_short_passphrase_is_refused(file: KeystoreFile) -> None:
    with pytest.raises(WeakPassphrase):
        file.create("hunter2", scrypt_n=CHEAP)


def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(file: KeystoreFile, keystore: Keystore) -> None:
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["keystore.json"]
    file.path.chmod(0o644)
    with pytest.raises(KeystoreExposed):
        file.open(PASSPHRASE)


def test_a_missing_file_is_named_as_that(file: KeystoreFile) -> None:
    with pytest.raises(KeystoreMissing):
        file.open(PASSPHRASE)


def test_what_lies_in_the_file_is_neither_phrase_nor_passphrase(file: KeystoreFile, keystore: Keystore) -> None:
    text = file.path.read_text()
    assert "abandon" not in text
    assert PASSPHRASE not in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ciphertext", "00" * 40),
        ("pool_public_key", "11" * 32),
        ("version", 2),
        ("kdf", {"name": "scrypt"}),
        ("cipher", {}),
    ],
)
def test_a_changed_file_does_not_open(file: KeystoreFile, keystore: Keystore, key: str, value: object) -> None:
    file.path.write_text(json.dumps(json.loads(file.path.read_text()) | {key: value}))
    with pytest.raises((WrongPassphrase, KeystoreDamaged)):
        file.open(PASSPHRASE)


def test_a_torn_file_is_named_as_damaged(file: KeystoreFile, keystore: Keystore) -> None:
    file.path.write_text(file.path.read_text()[:100])
    with pytest.raises(KeystoreDamaged):
        file.open(PASSPHRASE)


def test_the_backup_mark_survives_and_the_keystore_still_opens(file: KeystoreFile, keystore: Keystore) -> None:
    assert file.backed_up_at() is None
    file.mark_backed_up()
    assert file.backed_up_at()
    assert file.open(PASSPHRASE).pool_public_key() == keystore.pool_public_key()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("path", ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/7", "m/44'/60'/1'/0/421337", "m/44'/195'/0'/0/3"])
def test_keys_are_those_that_other_wallets_derive(keystore: Keystore, path: str) -> None:
    Account.enable_unaudited_hdwallet_features()
    assert address_of(keystore.public_key(path)) == Account.from_mnemonic(PHRASE, account_path=path).address


def test_many_deposit_keys_are_the_same_as_one_by_one(keystore: Keystore) -> None:
    indexes = [0, 1, 2, 999_999, 2**31 - 1]
    assert keystore.deposit_public_keys(60, indexes) == [keystore.public_key(f"m/44'/60'/0'/0/{i}") for i in indexes]


@pytest.mark.parametrize("path", ["", "m", "m/", "44'/60'", "m/44h/60", "m/2147483648", "m/-1", "m/1/x"])
def test_anything_else_is_no_path(keystore: Keystore, path: str) -> None:
    with pytest.raises(PathRefused):
        keystore.public_key(path)


def test_signatures_are_low_deterministic_and_recover_to_the_key(keystore: Keystore) -> None:
    path = "m/44'/60'/1'/0/421337"
    for number in range(50):
        digest = keccak(number.to_bytes(4, "big"))
        signature = keystore.sign_digest(path, digest)
        assert signature == keystore.sign_digest(path, digest)
        assert 0 < signature.s <= HALF_OF_THE_CURVE
        recoverable = signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([signature.y_parity])
        recovered = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
        assert recovered.format(compressed=False)[1:] == keystore.public_key(path)


def test_only_a_whole_digest_is_signed(keystore: Keystore) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        keystore.sign_digest("m/44'/60'/1'/0/1", b"short")


def test_it_neither_shows_nor_pickles_itself(keystore: Keystore) -> None:
    assert repr(keystore) == "<Keystore>"
    with pytest.raises(TypeError):
        pickle.dumps(keystore)
