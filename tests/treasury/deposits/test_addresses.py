"""Who gets which deposit address, and that a changed row is never shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from accounts.models import User
from tests.support.databases import CommittedDatabase
from tests.support.watching import Depositor, Depositors, Pool, alarms
from treasury.addresses import AddressNotAuthentic, NoAddressAvailable, deposit_address_for
from treasury.alarms import raise_alarm, resolve_alarm
from treasury.models import Alarm, DepositAddress


def as_owner(database: CommittedDatabase, sql: str, *values: object) -> None:
    """What somebody who broke into the database as the schema's owner could do."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
        connection.execute(sql, values)


def test_a_customer_keeps_one_address_and_shares_it_with_nobody(depositors: Depositors) -> None:
    anna, boris = depositors.new(), depositors.new()
    assert deposit_address_for(customer_id=anna.user.pk, family="evm") == anna.address
    assert anna.address != boris.address


def test_an_empty_pool_says_so(pool: Pool) -> None:
    user = User.objects.create_user("anna@example.com")
    with pytest.raises(NoAddressAvailable):
        deposit_address_for(customer_id=user.pk, family="evm")


def test_many_requests_of_one_customer_at_once_give_one_address(pool: Pool) -> None:
    pool.add(10)
    user = User.objects.create_user("anna@example.com")

    def ask(_: int) -> str:
        try:
            return deposit_address_for(customer_id=user.pk, family="evm")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(ask, range(6)))) == 1
    assert DepositAddress.objects.filter(customer=user).count() == 1


def test_many_customers_at_once_get_different_addresses(pool: Pool) -> None:
    pool.add(8)
    users = [User.objects.create_user(f"customer{number}@example.com") for number in range(8)]

    def ask(user: User) -> str:
        try:
            return deposit_address_for(customer_id=user.pk, family="evm")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, users))) == 8


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE treasury_depositaddress SET address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'",
        "UPDATE treasury_depositaddress SET signature = decode(repeat('00', 64), 'hex')",
        "UPDATE treasury_depositaddress SET derivation_index = derivation_index + 1000000",
    ],
)
def test_a_changed_row_is_not_shown_and_raises_an_alarm(
    change: str, anna: Depositor, committed_db: CommittedDatabase
) -> None:
    as_owner(committed_db, change)
    with pytest.raises(AddressNotAuthentic):
        deposit_address_for(customer_id=anna.user.pk, family="evm")
    alarm = Alarm.objects.get()
    assert (alarm.severity, alarm.key.split(":")[0]) == ("critical", "address_not_authentic")


def test_a_row_that_points_at_another_customers_address_cannot_be_made_even_by_the_owner(
    depositors: Depositors, committed_db: CommittedDatabase
) -> None:
    anna, boris = depositors.new(), depositors.new()
    with pytest.raises(psycopg.errors.UniqueViolation):
        as_owner(
            committed_db,
            "UPDATE treasury_depositaddress SET address = %s WHERE customer_id = %s",
            anna.address,
            boris.user.pk,
        )


def test_a_forged_free_row_is_not_given_out_while_there_are_others(pool: Pool, committed_db: CommittedDatabase) -> None:
    forged, honest = pool.add(2)
    as_owner(
        committed_db,
        "UPDATE treasury_depositaddress SET signature = decode(repeat('00', 64), 'hex') WHERE address = %s",
        forged,
    )
    user = User.objects.create_user("anna@example.com")
    assert deposit_address_for(customer_id=user.pk, family="evm") == honest


def test_a_pool_of_forged_rows_gives_nothing_out(
    pool: Pool, committed_db: CommittedDatabase, settings: Settings
) -> None:
    pool.add(2)
    settings.ADDRESS_POOL_PUBLIC_KEY = "00" * 32
    user = User.objects.create_user("anna@example.com")
    with pytest.raises(AddressNotAuthentic):
        deposit_address_for(customer_id=user.pk, family="evm")
    assert not DepositAddress.objects.filter(customer=user).exists()
    assert alarms() == {"address_not_authentic"}


def test_an_alarm_is_open_once_however_often_it_is_raised(committed_db: CommittedDatabase) -> None:
    for number in range(3):
        raise_alarm(key="test", severity="warning", message=f"number {number}")
    alarm = Alarm.objects.get()
    assert (alarm.times_seen, alarm.message) == (3, "number 2")
    assert resolve_alarm(key="test", actor_label="a@example.com")
    assert not resolve_alarm(key="test", actor_label="a@example.com")
    raise_alarm(key="test", severity="critical", message="again")
    assert Alarm.objects.filter(resolved_at=None).count() == 1
    assert Alarm.objects.count() == 2
