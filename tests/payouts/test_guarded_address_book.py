"""What the database itself refuses about saved addresses, whoever asks."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from payouts.models import SavedAddress
from tests.payouts.people import OTHER_RECIPIENT, a_customer, add, saved
from tests.support.databases import CommittedDatabase

DATABASE = pytest.mark.django_db


@DATABASE
@pytest.mark.parametrize(
    "changes",
    [{"address": OTHER_RECIPIENT}, {"network": "bsc"}, {"customer": 1}, {"label": "other"}, {"resembles": "other"}],
)
def test_the_application_cannot_change_what_was_saved(changes: dict[str, object]) -> None:
    entry = saved(a_customer())
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        SavedAddress.objects.filter(pk=entry.pk).update(**changes)


@DATABASE
def test_nothing_is_deleted() -> None:
    entry = saved(a_customer())
    with pytest.raises(DatabaseError), transaction.atomic():
        entry.delete()


@DATABASE
def test_a_hold_is_neither_shortened_nor_begun_in_the_past() -> None:
    now = timezone.now()
    entry, waiting = saved(a_customer()), add(a_customer())
    with pytest.raises(DatabaseError, match="keeps its times"), transaction.atomic():
        SavedAddress.objects.filter(pk=entry.pk).update(active_from=now)
    yesterday = now - timedelta(days=1)
    with pytest.raises(DatabaseError, match="confirmed in the past"), transaction.atomic():
        SavedAddress.objects.filter(pk=waiting.pk).update(
            state="confirmed", confirmed_at=yesterday, active_from=yesterday
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAddress.objects.filter(pk=waiting.pk).update(state="confirmed", confirmed_at=now, active_from=yesterday)
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAddress.objects.filter(pk=waiting.pk).update(state="confirmed")


@DATABASE
def test_a_removed_address_never_comes_back() -> None:
    entry = saved(a_customer())
    SavedAddress.objects.filter(pk=entry.pk).update(state="removed", closed_at=timezone.now())
    with pytest.raises(DatabaseError, match="stays removed"), transaction.atomic():
        SavedAddress.objects.filter(pk=entry.pk).update(state="confirmed", closed_at=None)


@DATABASE
def test_an_entry_begins_unconfirmed() -> None:
    now = timezone.now()
    with pytest.raises(DatabaseError, match="begins unconfirmed"), transaction.atomic():
        SavedAddress.objects.create(
            customer=a_customer(), network="arbitrum", address=OTHER_RECIPIENT, label="x", state="confirmed",
            added_at=now, confirm_by=now, confirmed_at=now, active_from=now,
        )  # fmt: skip


@DATABASE
@pytest.mark.parametrize("state", ["active", "", "CONFIRMED"])
def test_there_are_no_other_states(state: str) -> None:
    entry = add(a_customer())
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAddress.objects.filter(pk=entry.pk).update(state=state)


def test_not_even_the_owner_of_the_database_changes_an_address(committed_db: CommittedDatabase) -> None:
    entry = saved(a_customer())
    for statement in (
        f"UPDATE payouts_savedaddress SET address = '{OTHER_RECIPIENT}' WHERE id = {entry.pk}",
        f"DELETE FROM payouts_savedaddress WHERE id = {entry.pk}",
        "TRUNCATE payouts_savedaddress CASCADE",
    ):
        with psycopg.connect(committed_db.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(statement)
