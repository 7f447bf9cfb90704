"""What the database itself refuses, whoever asks."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, transaction

from payouts.models import WithdrawalApproval, WithdrawalEvent, WithdrawalRequest
from tests.payouts.people import OTHER_RECIPIENT, USDT, a_customer, approved, in_review
from tests.support.databases import CommittedDatabase


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"address": OTHER_RECIPIENT},
        {"amount_micro": 41 * USDT},
        {"network": "bsc"},
        {"fee_micro": 0},
        {"customer": 1},
        {"idempotency_key": "other"},
    ],
)
def test_the_application_cannot_change_what_is_paid_and_whose_it_is(changes: dict[str, object]) -> None:
    row = approved(a_customer(micro=100 * USDT))
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        WithdrawalRequest.objects.filter(pk=row.pk).update(**changes)


@pytest.mark.django_db
def test_the_application_cannot_delete_or_rewrite_what_was_decided() -> None:
    row = approved(a_customer(micro=100 * USDT))
    for deed in (
        lambda: WithdrawalRequest.objects.filter(pk=row.pk).delete(),
        lambda: WithdrawalApproval.objects.update(digest="0" * 64),
        lambda: WithdrawalApproval.objects.all().delete(),
        lambda: WithdrawalEvent.objects.update(reason="another"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


@pytest.mark.django_db
def test_a_closed_withdrawal_stays_closed() -> None:
    row = approved(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="paid")
    with pytest.raises(DatabaseError, match="stays closed"), transaction.atomic():
        WithdrawalRequest.objects.filter(pk=row.pk).update(state="approved")


@pytest.mark.django_db
def test_a_revision_never_falls() -> None:
    row = approved(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=5)
    with pytest.raises(DatabaseError, match="never falls"), transaction.atomic():
        WithdrawalRequest.objects.filter(pk=row.pk).update(revision=4)


@pytest.mark.parametrize(
    "change", [f"address = '{OTHER_RECIPIENT}'", "network = 'bsc'", "amount_micro = amount_micro + 1", "fee_micro = 0"]
)
def test_whoever_changes_what_is_paid_voids_the_approvals(committed_db: CommittedDatabase, change: str) -> None:
    row = approved(a_customer(micro=100 * USDT))
    with psycopg.connect(committed_db.owner_url) as owner:
        owner.execute(f"UPDATE payouts_withdrawalrequest SET {change} WHERE id = %s", [row.pk])
    row.refresh_from_db()
    assert row.revision == 2
    assert not row.approvals.filter(revision=row.revision).exists()


def test_not_even_the_owner_changes_what_is_being_paid(committed_db: CommittedDatabase) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="ordered")
    with psycopg.connect(committed_db.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("UPDATE payouts_withdrawalrequest SET amount_micro = 1 WHERE id = %s", [row.pk])
