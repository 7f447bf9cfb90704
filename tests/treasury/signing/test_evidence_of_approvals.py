"""The signer believes no row: an approval counts if its approver's second factor made what stands beside it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import psycopg
import pytest
from django.db import connection
from fido2.utils import websafe_encode

from tests.support.approvers import introduce_number, write_key
from tests.support.databases import CommittedDatabase
from tests.support.passkeys import USER_VERIFIED, Passkey
from tests.support.paying import MICRO, Desk, new_address
from treasury import signing
from treasury.approvals import approval_digest
from treasury.models import Broadcast
from treasury.orders import OrderRequest

UNKNOWN_KEY = "an approval was given with a key that no operator introduced to the signer"
NOT_THEIRS = "the evidence of an approval is not its approver's, or is for another payment"


@pytest.fixture
def passkey(desk: Desk) -> Passkey:
    """A passkey of approver 300, known to the signer."""
    made = Passkey()
    write_key(300, "p300@example.test", "webauthn", made.key, made.public_key, url=desk.signer.url)
    return made


def with_evidence(request: OrderRequest, approver_id: int, evidence: Any) -> OrderRequest:
    (given,) = request.approvals
    return dataclasses.replace(
        request, approvals=[dataclasses.replace(given, approver_id=approver_id, evidence=evidence)]
    )


def digest_of(request: OrderRequest) -> str:
    return request.approvals[0].digest


def signed(desk: Desk, request: OrderRequest) -> Broadcast:
    """What the signer makes of an order for this request."""
    (order,) = desk.order_many([request])
    desk.reserve_and_sign()
    return desk.attempts(order)[0]


# --- what is good ---------------------------------------------------------------------------------------------------


def test_an_approval_by_app_is_paid(desk: Desk) -> None:
    assert signed(desk, desk.request(5 * MICRO)).state == "signed"


def test_an_approval_by_passkey_is_paid(desk: Desk, passkey: Passkey) -> None:
    request = desk.request(5 * MICRO)
    evidence = passkey.evidence(bytes.fromhex(digest_of(request)))
    assert signed(desk, with_evidence(request, 300, evidence)).state == "signed"


def test_a_passkey_and_an_app_are_two_approvers(desk: Desk, passkey: Passkey) -> None:
    request = desk.request(5_000 * MICRO, required=2)
    by_passkey = dataclasses.replace(
        request.approvals[0], approver_id=300, evidence=passkey.evidence(bytes.fromhex(digest_of(request)))
    )
    assert signed(desk, dataclasses.replace(request, approvals=[*request.approvals, by_passkey])).state == "signed"


# --- what is forged -------------------------------------------------------------------------------------------------


def rows_of_a_thief(code: str, evidence: object = None) -> int:
    """An order and an approval, as anybody could write them who has the application's role; returns the order's id."""
    thief, reference = new_address(), "withdrawal:31337"
    digest = approval_digest(reference=reference, revision=1, network=code, address=thief, amount_micro=900 * MICRO)
    with connection.cursor() as app:
        app.execute(
            "INSERT INTO treasury_paymentorder (reference, network, address, amount_micro, revision,"
            " approvals_required, state, dead_reason, created_at)"
            " VALUES (%s, %s, %s, %s, 1, 1, 'open', '', now()) RETURNING id",
            [reference, code, thief, 900 * MICRO],
        )
        order_id: int = app.fetchone()[0]
        app.execute(
            "INSERT INTO treasury_paymentapproval"
            " (order_id, approver_id, approver_label, approved_at, revision, digest, evidence)"
            " VALUES (%s, 101, 'p101@example.test', now(), 1, %s, %s)",
            [order_id, digest, json.dumps({} if evidence is None else evidence)],
        )
    return order_id


def test_rows_written_with_the_webs_database_role_alone_are_refused(desk: Desk) -> None:
    """The thief has everything that the application's role may do, and nobody's second factor."""
    introduce_number(101, url=desk.signer.url)
    order_id = rows_of_a_thief(desk.code)
    desk.reserve_and_sign()
    refused = Broadcast.objects.get(order_id=order_id)
    assert (refused.state, refused.refusal) == ("refused", "an approval comes without evidence")
    assert refused.signed_bytes is None


@pytest.mark.parametrize("swapped", [False, True], ids=["as it stands", "under the thief's approver"])
def test_true_evidence_of_another_payment_is_refused(desk: Desk, swapped: bool) -> None:
    honest = desk.request(5 * MICRO)
    other = desk.request(6 * MICRO)
    if swapped:
        introduce_number(102, url=desk.signer.url)
    forged = with_evidence(other, 102 if swapped else 101, honest.approvals[0].evidence)
    broadcast = signed(desk, forged)
    assert (broadcast.state, broadcast.refusal) == ("refused", UNKNOWN_KEY if swapped else NOT_THEIRS)


FORGERIES: dict[str, dict[str, Any]] = {
    "of another site": {"origin": "https://exchequer.example.evil.test"},
    "of a site with another port": {"origin": "http://localhost:8001"},
    "for another relying party": {"site": "evil.test"},
    "of enrolling": {"kind": "webauthn.create"},
    "with nobody there": {"flags": USER_VERIFIED},
    "in a frame of another site": {"cross_origin": True},
}


@pytest.mark.parametrize("wrong", FORGERIES.values(), ids=FORGERIES)
def test_a_passkeys_answer_is_refused_if_it_is(desk: Desk, passkey: Passkey, wrong: dict[str, Any]) -> None:
    request = desk.request(5 * MICRO)
    evidence = passkey.evidence(bytes.fromhex(digest_of(request)), **wrong)
    broadcast = signed(desk, with_evidence(request, 300, evidence))
    assert (broadcast.state, broadcast.refusal) == ("refused", NOT_THEIRS)


def test_a_passkeys_answer_to_another_challenge_is_refused(desk: Desk, passkey: Passkey) -> None:
    broadcast = signed(desk, with_evidence(desk.request(5 * MICRO), 300, passkey.evidence(b"\7" * 32)))
    assert (broadcast.state, broadcast.refusal) == ("refused", NOT_THEIRS)


def test_another_passkey_under_a_trusted_name_is_refused(desk: Desk, passkey: Passkey) -> None:
    """The thief has put a passkey of his own into the database, under the credential id that the signer knows."""
    request = desk.request(5 * MICRO)
    thiefs = Passkey(credential_id=passkey.credential_id)
    broadcast = signed(desk, with_evidence(request, 300, thiefs.evidence(bytes.fromhex(digest_of(request)))))
    assert (broadcast.state, broadcast.refusal) == ("refused", NOT_THEIRS)


NONSENSE: list[Any] = [
    "yes",
    ["totp"],
    {"kind": "totp"},
    {"kind": "totp", "key": "totp:101"},
    {"kind": "totp", "key": "totp:101", "step": "1", "record": "0" * 64},
    {"kind": "totp", "key": "totp:101", "step": 1, "record": "ж" * 64},
    {"kind": "totp", "key": "totp:101", "step": 10**300, "record": None},
    {"kind": "webauthn", "key": "totp:101", "client_data": "", "authenticator_data": "", "signature": ""},
    {"kind": "totp", "key": {"totp:101": 1}},
]


@pytest.mark.parametrize("evidence", NONSENSE, ids=lambda each: json.dumps(each)[:40])
def test_what_is_no_evidence_at_all_is_refused_and_holds_up_nobody(desk: Desk, evidence: object) -> None:
    (honest,) = desk.order_many([desk.request(5 * MICRO)])
    order_id = rows_of_a_thief(desk.code, evidence)
    desk.reserve_and_sign()
    assert Broadcast.objects.get(order_id=order_id).state == "refused"
    assert desk.attempts(honest)[0].state == "signed"


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "unreadable", ['{"key": 1e5000}', '{"key": ' + "[" * 5_000 + "]" * 5_000 + "}"], ids=["long", "deep"]
)
def test_evidence_that_python_cannot_read_holds_up_nobody(desk: Desk, unreadable: str) -> None:
    """PostgreSQL keeps longer numbers and deeper nesting than Python reads."""
    forged, honest = desk.order_many([desk.request(5 * MICRO), desk.request(5 * MICRO)])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO treasury_paymentapproval"
            " (order_id, approver_id, approver_label, approved_at, revision, digest, evidence)"
            " SELECT order_id, 999, 'thief', approved_at, revision, digest, %s::jsonb"
            " FROM treasury_paymentapproval WHERE order_id = %s",
            [unreadable, forged.pk],
        )
    desk.reserve_and_sign()
    assert [desk.attempts(order)[0].state for order in (forged, honest)] == ["refused", "signed"]


def test_a_passkeys_answer_that_is_not_one_holds_up_nobody(desk: Desk, passkey: Passkey) -> None:
    request, honest = desk.request(5 * MICRO), desk.request(6 * MICRO)
    evidence = passkey.evidence(bytes.fromhex(digest_of(request))) | {"client_data": websafe_encode(DEEP.encode())}
    first, second = desk.order_many([with_evidence(request, 300, evidence), honest])
    desk.reserve_and_sign()
    assert desk.attempts(first)[0].refusal == NOT_THEIRS
    assert desk.attempts(second)[0].state == "signed"


# --- whose keys are believed ----------------------------------------------------------------------------------------


def test_the_application_can_neither_add_nor_change_nor_read_the_keys(
    desk: Desk, committed_db: CommittedDatabase
) -> None:
    introduce_number(101, url=desk.signer.url)
    attempts = [
        "INSERT INTO treasury_approverkey (approver_id, key) VALUES (666, 'mine')",
        "UPDATE treasury_approverkey SET approver_id = 666",
        "UPDATE treasury_approverkey SET revoked_at = now()",
        "DELETE FROM treasury_approverkey",
        "TRUNCATE treasury_approverkey",
        "SELECT material FROM treasury_approverkey",
    ]
    for statement in attempts:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(committed_db.app_url) as app:
            app.execute(statement)


def test_a_key_that_the_databases_owner_wrote_is_not_believed(
    desk: Desk, passkey: Passkey, committed_db: CommittedDatabase
) -> None:
    """No keystore signed it."""
    thiefs = Passkey()
    with psycopg.connect(committed_db.owner_url) as owner:
        owner.execute(
            "INSERT INTO treasury_approverkey (approver_id, approver_label, kind, key, material, trusted_at, signature)"
            " SELECT approver_id, approver_label, kind, %s, %s, trusted_at, signature FROM treasury_approverkey",
            [thiefs.key, thiefs.public_key],
        )
    request = desk.request(5 * MICRO)
    broadcast = signed(desk, with_evidence(request, 300, thiefs.evidence(bytes.fromhex(digest_of(request)))))
    assert (broadcast.state, broadcast.refusal) == ("refused", UNKNOWN_KEY)


def test_what_a_revoked_approver_approved_is_not_signed_any_more(desk: Desk) -> None:
    request = desk.request(5 * MICRO)
    with desk.signer.role():
        assert signing.revoke("P101@example.test") == 1
    broadcast = signed(desk, request)
    assert (broadcast.state, broadcast.refusal) == ("refused", UNKNOWN_KEY)


def test_a_payment_that_was_signed_can_be_replaced_after_its_approver_has_left(desk: Desk) -> None:
    """It could not be paid faster otherwise, and no other payment than the one that was approved can be made of it."""
    (order,) = desk.order_many([desk.request(5 * MICRO)])
    desk.reserve_and_sign()
    with desk.signer.role():
        signing.revoke("p101@example.test")
    first = desk.attempts(order)[0]
    with connection.cursor() as app:
        app.execute("UPDATE treasury_broadcast SET state = 'replaced' WHERE id = %s", [first.pk])
        app.execute(
            "INSERT INTO treasury_broadcast (order_id, attempt, purpose, network, wallet_id, nonce, state, to_address,"
            " data, gas_limit, max_fee_wei, max_priority_fee_wei, refusal, reserved_at, sends, block_hash, last_error)"
            " SELECT order_id, 2, purpose, network, wallet_id, nonce, 'reserved', to_address, data, gas_limit,"
            " max_fee_wei + max_fee_wei / 5, max_priority_fee_wei * 2, '', now(), 0, '', '' FROM treasury_broadcast"
            " WHERE id = %s",
            [first.pk],
        )
    desk.signer.sign()
    assert [each.state for each in desk.attempts(order)] == ["replaced", "signed"]
