"""The pool of deposit addresses: derived and signed by the signer, in order, and a changed row never passes."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from devnet.networks import TRON_CHAIN_ID
from tests.support.databases import CommittedDatabase
from tests.support.paying import Signer
from treasury import pool_signatures, signing
from treasury.models import DepositAddress, Wallet


@pytest.fixture
def filled(networks: object, signer: Signer) -> list[DepositAddress]:
    with signer.role():
        signing.add_addresses(family="evm", count=25)
        signing.add_addresses(family="tron", count=25)
    return list(DepositAddress.objects.filter(family="evm").order_by("pk"))


def forge(database: CommittedDatabase, change: str) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER USER")
        owner.execute("ALTER TABLE treasury_depositaddress DROP CONSTRAINT deposit_address_once")
        owner.execute(f"UPDATE treasury_depositaddress SET {change}")


def test_addresses_stand_in_the_order_of_their_indexes_and_ids(filled: list[DepositAddress]) -> None:
    assert [row.derivation_index for row in filled] == list(range(25))
    assert all(pool_signatures.verify(row) for row in filled)
    assert len({row.address for row in filled}) == 25


def test_a_full_pool_is_left_alone_and_a_short_one_gets_a_batch(filled: list[DepositAddress], signer: Signer) -> None:
    with signer.role():
        assert signing.fill_address_pool(free=25) == 0
        assert signing.fill_address_pool(free=26) == 2 * 20


def test_two_signers_at_once_use_no_index_twice(networks: object, signer: Signer) -> None:
    def run() -> None:
        signing.add_addresses(family="evm", count=50)
        connections.close_all()

    with signer.role():
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = list(DepositAddress.objects.order_by("pk").values_list("derivation_index", flat=True))
    assert rows == list(range(150))


@pytest.mark.parametrize(
    "change",
    [
        "address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' WHERE derivation_index = 3 AND family = 'evm'",
        (
            "address = (SELECT address FROM treasury_depositaddress WHERE derivation_index = 4 AND family = 'tron')"
            " WHERE derivation_index = 3 AND family = 'tron'"
        ),
        "family = 'other' WHERE derivation_index = 3 AND family = 'evm'",
        "signature = '\\x00' WHERE derivation_index = 3 AND family = 'tron'",
        (
            "signature = (SELECT signature FROM treasury_depositaddress WHERE derivation_index = 4 AND family = 'evm')"
            " WHERE address = '{3}'"
        ),
    ],
)
def test_a_changed_row_does_not_verify(
    filled: list[DepositAddress], committed_db: CommittedDatabase, signer: Signer, change: str
) -> None:
    forge(committed_db, change.replace("{3}", filled[3].address))
    assert [
        row.derivation_index for row in DepositAddress.objects.order_by("pk") if not pool_signatures.verify(row)
    ] == [3]
    with signer.role():
        assert len(signing.verify_keystore(sample=None).wrong) == 1


@pytest.mark.parametrize("key", ["", "zz", "00" * 32, "11" * 31])
def test_without_the_right_public_key_no_address_is_authentic(
    filled: list[DepositAddress], settings: Settings, key: str
) -> None:
    settings.ADDRESS_POOL_PUBLIC_KEY = key
    assert not any(pool_signatures.verify(row) for row in filled)


def test_wallets_are_the_seeds_and_not_among_the_deposit_addresses(networks: object, signer: Signer) -> None:
    with signer.role():
        wallets = signing.ensure_wallets()
        assert signing.ensure_wallets() == wallets
        signing.fill_address_pool(free=50)
    assert [(wallet.network, wallet.derivation_path) for wallet in wallets] == [
        ("tron", f"m/44'/195'/1'/0/{TRON_CHAIN_ID % 2**31}"),
        ("arbitrum", "m/44'/60'/1'/0/421337"),
        ("bsc", "m/44'/60'/1'/0/561337"),
    ]
    addresses = set(Wallet.objects.values_list("address", flat=True))
    assert len(addresses) == 3
    assert not DepositAddress.objects.filter(address__in=addresses).exists()
