"""`trust_approver`, on the signer's machine, with the approver on the phone."""

from __future__ import annotations

import builtins
import io

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from accounts.models import ActivityLog, User
from accounts.second_factor.codes import current_step, totp_code
from accounts.second_factor.evidence import evidence_key, fingerprint
from tests.payouts.people import staff
from tests.support.factors import seed_of
from tests.support.passkeys import Passkey
from tests.support.paying import Signer
from treasury.approver_keys import audit_approver_keys, known_keys
from treasury.models import ApproverKey


@pytest.fixture
def person(signer: Signer) -> User:
    """Of the staff, with an app that the signer does not know."""
    return staff("finance")


def run(signer: Signer, *arguments: str) -> str:
    out = io.StringIO()
    with signer.role():
        call_command("trust_approver", *arguments, stdout=out)
    return out.getvalue()


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """The operator types these; returns what was asked."""
    asked: list[str] = []
    left = list(answers)

    def answer(question: str = "") -> str:
        asked.append(question)
        return left.pop(0)

    monkeypatch.setattr(builtins, "input", answer)
    return asked


def test_an_app_is_introduced_with_a_code_that_its_owner_reads_out(
    signer: Signer, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, totp_code(seed_of(person), current_step()))
    assert "1 introduced." in run(signer, person.email.upper())
    (row,) = ApproverKey.objects.values("approver_id", "approver_label", "kind", "revoked_at")
    assert row == {"approver_id": person.pk, "approver_label": person.email, "kind": "totp", "revoked_at": None}
    assert f"{person.email}: app, trusted since" in run(signer)


@pytest.mark.parametrize("code", ["000000", "12345", "no", "１２３４５６"])
def test_an_app_whose_code_nobody_knows_is_not_introduced(
    signer: Signer, person: User, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The seed in the database may be a thief's by now."""
    answering(monkeypatch, code)
    with pytest.raises(CommandError, match="not a code of this app"):
        run(signer, person.email)
    assert known_keys(person.pk) == frozenset()


def test_an_app_can_be_left_out(signer: Signer, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "")
    assert "0 introduced." in run(signer, person.email)
    assert known_keys(person.pk) == frozenset()


@pytest.mark.parametrize(("answer", "known"), [("yes", True), ("no", False), ("", False)])
def test_a_passkey_is_introduced_by_its_fingerprint(
    signer: Signer, person: User, monkeypatch: pytest.MonkeyPatch, answer: str, known: bool
) -> None:
    passkey = Passkey()
    factor = passkey.enrol(person, "Blue key")
    answering(monkeypatch, "", answer)
    told = run(signer, person.email)
    assert f"passkey {fingerprint(passkey.public_key)} Blue key, added" in told
    assert (evidence_key(factor) in known_keys(person.pk)) is known


def test_introducing_again_changes_nothing(signer: Signer, person: User) -> None:
    assert "1 introduced." in run(signer, person.email, "--without-asking")
    assert "0 introduced." in run(signer, person.email, "--without-asking")
    assert ApproverKey.objects.values("pk").count() == 1


def test_a_factor_that_took_the_place_of_another_under_its_name_is_trusted_instead(
    signer: Signer, person: User
) -> None:
    passkey = Passkey()
    factor = passkey.enrol(person)
    run(signer, person.email, "--without-asking")
    factor.delete()
    Passkey(credential_id=passkey.credential_id).enrol(person)
    run(signer, person.email, "--without-asking")
    rows = ApproverKey.objects.filter(key=passkey.key).order_by("pk").values_list("revoked_at", flat=True)
    assert [revoked is None for revoked in rows] == [False, True]


def test_a_factor_that_is_somebody_elses_now_is_trusted_as_theirs_alone(signer: Signer, person: User) -> None:
    factor = Passkey().enrol(person)
    run(signer, person.email, "--without-asking")
    heir = staff("finance")
    Authenticator.objects.filter(pk=factor.pk).update(user=heir)
    run(signer, heir.email, "--without-asking")
    assert evidence_key(factor) in known_keys(heir.pk)
    assert evidence_key(factor) not in known_keys(person.pk)


def test_a_revoked_approver_is_believed_no_more_and_can_be_introduced_again(signer: Signer, person: User) -> None:
    run(signer, person.email, "--without-asking")
    assert "1 revoked" in run(signer, person.email, "--revoke")
    assert known_keys(person.pk) == frozenset()
    assert "believes nobody's approvals" in run(signer)
    with pytest.raises(CommandError, match="trusts no factor"):
        run(signer, person.email, "--revoke")
    assert "1 introduced." in run(signer, person.email, "--without-asking")


def test_only_staff_with_a_second_factor_can_be_introduced(signer: Signer, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=False)
    for email in (person.email, "nobody@example.test"):
        with pytest.raises(CommandError, match="No active member of the staff"):
            run(signer, email, "--without-asking")


def test_nobody_is_introduced_anywhere_but_at_the_signer(committed_db: object) -> None:
    person = staff("finance")
    with pytest.raises(CommandError, match="needs the signer's settings"):
        call_command("trust_approver", person.email, "--without-asking", stdout=io.StringIO())


def test_the_audit_tells_of_whom_the_signer_trusts_once(signer: Signer, person: User) -> None:
    run(signer, person.email, "--without-asking")
    audit_approver_keys()
    audit_approver_keys()
    run(signer, person.email, "--revoke")
    audit_approver_keys()
    told = ActivityLog.objects.filter(target_type="treasury.approverkey").order_by("pk")
    assert [(each.action, each.actor_label, each.facts["approver"]) for each in told] == [
        ("approver_key.trusted", "system:signer", person.email),
        ("approver_key.revoked", "system:signer", person.email),
    ]
