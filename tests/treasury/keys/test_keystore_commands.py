"""The signer's commands, as an operator runs them. (The boundary itself is in tests/treasury/signing.)"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.support.paying import PASSPHRASE, Signer
from treasury import signing
from treasury.keys.keystore import KeystoreFile
from treasury.models import DepositAddress


@pytest.fixture
def path(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("treasury.keys.keystore.SCRYPT_N", 2**4)
    settings.SIGNER_KEYSTORE_FILE = str(tmp_path / "keystore.json")
    settings.SIGNER_PASSPHRASE = PASSPHRASE
    return tmp_path / "keystore.json"


def run(name: str, *args: str, stdin: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    output = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command(name, *args, stdout=output, stderr=output)
    return output.getvalue()


def test_create_prints_the_public_key_and_nothing_secret(path: Path) -> None:
    printed = run("create_keystore")
    file = KeystoreFile(path)
    assert f"ADDRESS_POOL_PUBLIC_KEY={file.pool_public_key()}" in printed
    assert " ".join(file.phrase(PASSPHRASE).split()[:2]) not in printed
    assert PASSPHRASE not in printed
    with pytest.raises(CommandError, match="exists"):
        run("create_keystore")


def test_the_phrase_is_shown_once_and_again_only_when_confirmed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("create_keystore")
    words = KeystoreFile(path).phrase(PASSPHRASE).split()
    with pytest.raises(CommandError, match="not a terminal"):
        run("backup_keystore")
    shown = run("backup_keystore", "--not-a-terminal")
    assert all(f"{number:2}. {word}" in shown for number, word in enumerate(words, start=1))
    with pytest.raises(CommandError, match="was shown"):
        run("backup_keystore", "--not-a-terminal")
    with pytest.raises(CommandError, match="Not confirmed"):
        run("backup_keystore", "--not-a-terminal", "--again", stdin="yes\n", monkeypatch=monkeypatch)
    assert words[0] in run(
        "backup_keystore", "--not-a-terminal", "--again", stdin="show it again\n", monkeypatch=monkeypatch
    )


def test_a_phrase_is_restored_from_standard_input(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = "abandon " * 11 + "about"
    run("create_keystore", "--restore", stdin=phrase + "\n", monkeypatch=monkeypatch)
    assert KeystoreFile(path).phrase(PASSPHRASE) == phrase


def test_a_wrong_phrase_is_refused_without_repeating_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError) as raised:
        run("create_keystore", "--restore", stdin="abandon ability able\n", monkeypatch=monkeypatch)
    assert "abandon" not in str(raised.value)


@pytest.mark.parametrize("name", ["create_keystore", "backup_keystore", "verify_keystore", "prepare_signer"])
def test_other_settings_than_the_signers_cannot_run_them(name: str) -> None:
    with pytest.raises(CommandError, match=r"portal\.settings\.signer"):
        run(name)


def test_prepare_and_verify_agree_and_a_changed_row_is_found(
    networks: object, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with signer.role():
        printed = run("prepare_signer", "--free", "30")
        assert "60 deposit addresses" in run("verify_keystore")
    assert {line.split()[0] for line in printed.splitlines()} == {"tron", "arbitrum", "bsc"}

    genuine = signing.verifying.pool_signatures.verify
    spoiled = DepositAddress.objects.order_by("pk")[7]
    monkeypatch.setattr(signing.verifying.pool_signatures, "verify", lambda row: row.pk != spoiled.pk and genuine(row))
    with signer.role(), pytest.raises(CommandError, match="1 differences"):
        run("verify_keystore", "--all")


def test_another_seed_is_found_by_verify(networks: object, signer: Signer, settings: Settings, tmp_path: Path) -> None:
    with signer.role():
        run("prepare_signer", "--free", "5")
    other = KeystoreFile(tmp_path / "other.json")
    other.create(PASSPHRASE, scrypt_n=2**4)
    settings.SIGNER_KEYSTORE_FILE = str(other.path)
    with signer.role():
        with pytest.raises(CommandError, match="differences"):
            run("verify_keystore")
        with pytest.raises(CommandError, match="seed gives"):
            run("prepare_signer")
