"""What an approver's second factor leaves behind beside the approval, and what is not taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.db.models import JSONField, Value
from fido2.utils import websafe_decode, websafe_encode

from accounts.models import ActivityLog, OutgoingMail, User, UserProfile
from accounts.second_factor import StepUp, StepUpMissing, WrongPasskey
from accounts.second_factor.evidence import app_record, evidence_key
from payouts import errors, withdrawals
from payouts.engine import start_payouts
from payouts.models import WithdrawalApproval, WithdrawalRequest
from payouts.withdrawals import approval_digest_of
from payouts.withdrawals.facts import Doubts, doubts_about
from tests.payouts.people import USDT, a_customer, approve, in_review, staff
from tests.support.approvers import forget, introduce, write_key
from tests.support.factors import code_of, give_app, proven, seed_of
from tests.support.passkeys import Passkey
from treasury.alarms import is_raised
from treasury.models import Alarm, PaymentApproval

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> WithdrawalRequest:
    return in_review(a_customer(micro=5_000 * USDT))


@pytest.fixture
def passkey() -> Passkey:
    return Passkey()


def somebody_with(passkey: Passkey) -> User:
    """Of support, with a passkey that the signer knows."""
    person = staff("support")
    passkey.enrol(person)
    write_key(person.pk, person.email, "webauthn", passkey.key, passkey.public_key)
    return person


def answered(passkey: Passkey, challenge: bytes) -> StepUp:
    """What the dialog hands over: the passkey's answer, and the state that the session kept of the question."""
    state = {"challenge": websafe_encode(challenge), "user_verification": "preferred"}
    return StepUp(assertion=passkey.assertion(challenge), challenge=state)


def test_a_passkey_leaves_its_answer_over_exactly_what_is_paid(row: WithdrawalRequest, passkey: Passkey) -> None:
    challenge = bytes.fromhex(approval_digest_of(row))
    person = somebody_with(passkey)
    assert approve(row, person, step_up=answered(passkey, challenge)).state == "approved"
    kept = WithdrawalApproval.objects.get().evidence
    assert (kept["kind"], kept["key"]) == ("webauthn", passkey.key)
    assert f'"challenge": "{websafe_encode(challenge)}"'.encode() in websafe_decode(kept["client_data"])


def test_a_passkeys_answer_to_a_question_about_something_else_approves_nothing(
    row: WithdrawalRequest, passkey: Passkey
) -> None:
    """It was given on the page of another deed, or of another request."""
    other = in_review(a_customer(micro=100 * USDT))
    person = somebody_with(passkey)
    for challenge in (b"any 32 bytes, as of another page", bytes.fromhex(approval_digest_of(other))):
        with pytest.raises(WrongPasskey):
            approve(row, person, step_up=answered(passkey, challenge))
    assert not WithdrawalApproval.objects.exists()


def test_an_app_leaves_a_record_that_says_who_approved_what_and_when(row: WithdrawalRequest) -> None:
    person = staff("support")
    approve(row, person, step_up=StepUp(code=code_of(person)))
    kept = WithdrawalApproval.objects.get().evidence
    factor = Authenticator.objects.get(user=person)
    wanted = app_record(seed_of(person), digest=approval_digest_of(row), approver_id=person.pk, step=kept["step"])
    assert kept == {"kind": "totp", "key": f"totp:{factor.pk}", "step": kept["step"], "record": wanted}


def test_the_evidence_goes_along_with_the_order(row: WithdrawalRequest) -> None:
    approve(row, staff("support"))
    start_payouts()
    assert PaymentApproval.objects.get().evidence == WithdrawalApproval.objects.get().evidence != {}


def test_a_code_of_minutes_ago_approves_nothing(row: WithdrawalRequest) -> None:
    person = staff("support")
    with pytest.raises(StepUpMissing):
        approve(row, person, step_up=proven(person))
    assert not WithdrawalApproval.objects.exists()


def test_nobody_approves_with_a_factor_that_the_signer_does_not_know(row: WithdrawalRequest) -> None:
    """The payment would be refused at the last moment, with the customer waiting."""
    person = staff("support")
    Authenticator.objects.filter(user=person).delete()
    factor = give_app(person)
    with pytest.raises(errors.UnknownToSigner):
        approve(row, person, step_up=StepUp(code=code_of(person)))
    assert not WithdrawalApproval.objects.exists()
    introduce(factor)
    assert evidence_key(factor) == f"totp:{factor.pk}"
    assert approve(row, person).state == "approved"


def test_an_approval_without_evidence_is_not_paid_but_put_on_hold(row: WithdrawalRequest) -> None:
    """A row that somebody wrote, or one of before evidence was kept."""
    person = staff("support")
    WithdrawalApproval.objects.create(
        withdrawal=row, revision=1, approver=person, approved_at=row.confirmed_at, digest=approval_digest_of(row)
    )
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="approved", decided_at=row.confirmed_at)
    start_payouts()
    row.refresh_from_db()
    assert row.state == "on_hold"
    assert Alarm.objects.get().facts["fault"] == "unproven"
    assert not PaymentApproval.objects.exists()


def test_an_approval_by_a_factor_that_was_revoked_since_is_not_paid_but_put_on_hold(row: WithdrawalRequest) -> None:
    person = staff("support")
    approve(row, person)
    forget(Authenticator.objects.get(user=person))
    UserProfile.objects.filter(user=row.customer_id).update(language="ru")
    assert start_payouts() == 0
    row.refresh_from_db()
    assert (row.state, row.revision, row.decided_at) == ("on_hold", 2, None)
    alarm = Alarm.objects.get()
    assert (alarm.facts["fault"], alarm.severity) == ("revoked", "warning")
    assert "revoked since" in alarm.message
    told = OutgoingMail.objects.get(template="withdrawal_held")
    assert told.user_id == row.customer_id
    assert "Мы ещё раз проверяем" in told.facts["reason"]
    assert not PaymentApproval.objects.exists()

    treasurer = staff("support")
    withdrawals.release_hold(withdrawal_id=row.pk, actor=treasurer, revision=2, step_up=proven(treasurer))
    assert not is_raised(f"withdrawal-evidence:{row.pk}"), "the next one is news again"
    row.refresh_from_db()
    approve(row, treasurer)
    assert start_payouts() == 1


def test_of_two_approvals_each_must_be_by_a_factor_that_is_known_still() -> None:
    row = in_review(a_customer(micro=5_000 * USDT), micro=1_000 * USDT)
    first, second = staff("support"), staff("support")
    approve(row, first)
    approve(row, second)
    forget(Authenticator.objects.get(user=first))
    assert start_payouts() == 0
    row.refresh_from_db()
    assert row.state == "on_hold"


def test_somebody_elses_key_proves_nobodys_approval(row: WithdrawalRequest) -> None:
    """The signer looks a key up among those of the approver whom the row names."""
    person, other = staff("support"), staff("support")
    approve(row, person)
    forget(Authenticator.objects.get(user=person))
    key = WithdrawalApproval.objects.get().evidence["key"]
    approval = WithdrawalApproval.objects.get()
    assert doubts_about([approval]) == Doubts(revoked=frozenset({approval.pk}))
    write_key(other.pk, other.email, "totp", key, b"")
    assert doubts_about([approval]) == Doubts(revoked=frozenset({approval.pk}))
    approval.approver = other
    assert not doubts_about([approval])
    approval.approver = staff("support")
    assert doubts_about([approval]) == Doubts(unproven=frozenset({approval.pk}))


@pytest.mark.parametrize("nonsense", [[], "x", 7, None, {"key": {}}, {"key": ["totp:1"]}, {"kind": "totp"}])
def test_nonsense_in_place_of_evidence_stops_that_payment_and_no_other(row: WithdrawalRequest, nonsense: Any) -> None:
    """A row that was written with the web's role; the next one in the same batch is an honest customer's."""
    forged, honest = row, in_review(a_customer(micro=100 * USDT))
    WithdrawalApproval.objects.create(
        withdrawal=forged, revision=1, approver=staff("support"), approved_at=row.confirmed_at,
        digest=approval_digest_of(forged), evidence=Value(nonsense, JSONField()),
    )  # fmt: skip
    WithdrawalRequest.objects.filter(pk=forged.pk).update(state="approved", decided_at=row.confirmed_at)
    approve(honest, staff("support"))
    assert start_payouts() == 1
    states = dict(WithdrawalRequest.objects.values_list("pk", "state"))
    assert states == {forged.pk: "on_hold", honest.pk: "ordered"}
    alarm = Alarm.objects.get()
    assert (alarm.facts["fault"], alarm.severity) == ("unproven", "critical")


def test_a_number_too_long_for_python_stops_that_payment_and_no_other(row: WithdrawalRequest) -> None:
    """PostgreSQL keeps it, and reading it is an error: of one column of one row, not of the batch."""
    approve(row, staff("support"))
    honest = in_review(a_customer(micro=100 * USDT))
    approve(honest, staff("support"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payouts_withdrawalapproval (withdrawal_id, revision, approver_id, approved_at, reason, digest,"
            " evidence) SELECT withdrawal_id, revision, %s, approved_at, '', digest, '{\"key\": 1e5000}'"
            " FROM payouts_withdrawalapproval WHERE withdrawal_id = %s",
            [staff("support").pk, row.pk],
        )
    assert start_payouts() == 1
    states = dict(WithdrawalRequest.objects.values_list("pk", "state"))
    assert states == {row.pk: "on_hold", honest.pk: "ordered"}


def test_a_second_approver_is_told_that_the_first_ones_factor_was_revoked(row: WithdrawalRequest) -> None:
    row = in_review(a_customer(micro=5_000 * USDT), micro=1_000 * USDT)
    first, second, third = staff("support"), staff("support"), staff("support")
    approve(row, first)
    forget(Authenticator.objects.get(user=first))
    with pytest.raises(errors.ApprovalsVoid):
        approve(row, second)
    row.refresh_from_db()
    assert (row.state, row.revision) == ("in_review", 2)
    assert WithdrawalApproval.objects.filter(withdrawal=row).count() == 1
    assert ActivityLog.objects.filter(action="withdrawal.approvals_voided", target_id=str(row.pk)).count() == 1
    approve(row, second)
    row.refresh_from_db()
    assert row.state == "in_review", "the revoked one counts for nothing"
    assert approve(row, third).state == "approved"
    assert start_payouts() == 1
