"""The filter lets every address of the pool pass, soon, and few others."""

from __future__ import annotations

import os

import psycopg
import pytest

from tests.support.databases import CommittedDatabase
from tests.support.watching import Pool
from treasury import address_filter
from treasury.address_filter import PoolFilter, account_heads
from treasury.chains.addresses import raw_account, tron_address


def digits(address: str) -> bytes:
    return raw_account("evm" if address.startswith("0x") else "tron", address).hex().encode()


def strangers(count: int) -> list[bytes]:
    return [os.urandom(20).hex().encode() for _ in range(count)]


@pytest.mark.parametrize("family", ["evm", "tron"])
def test_it_picks_the_positions_of_ours_in_order(pool: Pool, family: str) -> None:
    ours = [digits(address) for address in pool.add(3, family=family)]
    among = [*strangers(50), ours[0], *strangers(50), ours[1], ours[1], ours[2]]
    assert list(PoolFilter(family).pick(b"".join(among))) == [50, 101, 102, 103]


def test_an_address_that_was_committed_before_pick_passes(pool: Pool) -> None:
    wanted = PoolFilter("evm")
    for _ in range(3):
        (fresh,) = pool.add()
        assert list(wanted.pick(digits(fresh))) == [0]
    assert wanted.size == 3


def test_it_holds_one_family_only(pool: Pool) -> None:
    (other,) = pool.add(family="tron")
    assert not PoolFilter("evm").pick(digits(other))


def test_many_addresses_of_tron_are_read_at_once_as_each_alone() -> None:
    accounts = [os.urandom(20) for _ in range(2_000)] + [bytes(20), b"\xff" * 20, bytes(19) + b"\x01"]
    texts = "".join(tron_address(account) for account in accounts).encode()
    assert account_heads(texts) == b"".join(account[:8] for account in accounts)


def test_a_spoilt_row_of_tron_keeps_no_other_from_being_watched(pool: Pool, committed_db: CommittedDatabase) -> None:
    spoilt, honest = pool.add(2, family="tron")
    with psycopg.connect(committed_db.owner_url) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
        connection.execute("UPDATE treasury_depositaddress SET address = 'T0' WHERE address = %s", [spoilt])
    assert list(PoolFilter("tron").pick(digits(honest))) == [0]


def test_rows_come_in_chunks(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_filter, "ROWS_AT_ONCE", 3)
    wanted = PoolFilter("evm")
    ours = [digits(address) for address in pool.add(10)]
    assert len(wanted.pick(b"".join(ours))) == wanted.size == 10


def test_a_database_put_in_place_of_ours_is_noticed(pool: Pool, committed_db: CommittedDatabase) -> None:
    wanted = PoolFilter("evm")
    pool.add(2)
    wanted.refresh()
    with psycopg.connect(committed_db.owner_url) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
        connection.execute("DELETE FROM treasury_depositaddress")
        connection.execute("ALTER SEQUENCE treasury_depositaddress_id_seq RESTART")
    ours = [digits(address) for address in pool.add(2)]
    assert list(wanted.pick(b"".join(ours))) == [0, 1]
    assert wanted.size == 2


def test_hardly_any_stranger_passes(pool: Pool) -> None:
    pool.add(200)
    assert len(PoolFilter("evm").pick(b"".join(strangers(20_000)))) <= 2


def test_no_recipients_are_no_trouble(pool: Pool) -> None:
    assert not PoolFilter("evm").pick(b"")


@pytest.mark.parametrize("text", ["no address", "0x1234", "0x12 34", ""])
def test_a_spoilt_row_keeps_no_other_from_being_watched(pool: Pool, committed_db: CommittedDatabase, text: str) -> None:
    spoilt, honest = pool.add(2)
    with psycopg.connect(committed_db.owner_url) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
        connection.execute("UPDATE treasury_depositaddress SET address = %s WHERE address = %s", [text, spoilt])
    wanted = PoolFilter("evm")
    assert list(wanted.pick(digits(honest))) == [0]
    (later,) = pool.add()
    assert list(wanted.pick(digits(later))) == [0]
