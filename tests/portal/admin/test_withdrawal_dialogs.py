"""Each dialog of the queue: opened, sent, and refused in words."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from fido2.utils import websafe_encode

from accounts.models import ActivityLog, User
from payouts import withdrawals
from payouts.models import WithdrawalApproval, WithdrawalNote, WithdrawalRequest
from payouts.withdrawals import approval_digest_of
from tests.payouts.people import USDT, a_customer, approve, funds, in_review, staff
from tests.portal.admin.conftest import SignedIn
from tests.support.approvers import forget, introduce, write_key
from tests.support.factors import code_of, person_of
from tests.support.passkeys import Passkey
from treasury.models import PaymentOrder

pytestmark = pytest.mark.django_db
BIG = 1000 * USDT
STEPPED_UP = {"approve", "hold", "release", "reject", "retry", "give_back"}
FORMS: dict[str, dict[str, Any]] = {
    "approve": {},
    "hold": {"reason": "Please send a statement."},
    "release": {},
    "reject": {"reason_for_customer": "This exchange is sanctioned.", "note": "See the case."},
    "claim": {},
    "release_claim": {},
    "add_note": {"text": "Called the customer."},
    "retry": {"reason": "The node was down."},
    "give_back": {"reason": "The recipient cannot be paid."},
}


def url(dialog: str, row: WithdrawalRequest) -> str:
    return reverse(f"admin:payouts_withdrawalrequest_{dialog}", args=[row.pk])


def opened(client: Client, dialog: str, row: WithdrawalRequest) -> str:
    answer = client.get(url(dialog, row), headers={"hx-request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def sent(client: Client, dialog: str, row: WithdrawalRequest, **changes: Any) -> HttpResponse:
    """The dialog as the browser sends it, with the revision that it was opened with."""
    given = {"_form_submitted": "True", "revision": row.revision, **FORMS[dialog]}
    if dialog in STEPPED_UP and "code" not in changes:
        given["code"] = code_of(person_of(client))
    given |= changes
    return client.post(url(dialog, row), given, headers={"hx-request": "true"})


def refusal(answer: HttpResponse) -> str:
    """What the dialog says in place of closing."""
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers, "the dialog was carried out"
    return answer.content.decode()


def assert_done(answer: HttpResponse, row: WithdrawalRequest) -> None:
    assert answer.headers["HX-Redirect"] == reverse("admin:payouts_withdrawalrequest_change", args=[row.pk]), (
        answer.content.decode()
    )


def state(row: WithdrawalRequest) -> str:
    row.refresh_from_db()
    return row.state


def failed(customer: User) -> WithdrawalRequest:
    """A withdrawal whose payment is proven dead."""
    row = approve(in_review(customer), staff("support"))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="failed")
    PaymentOrder.objects.create(
        reference=row.reference, network=row.network, address=row.address, amount_micro=row.amount_micro,
        revision=row.revision, approvals_required=1, state="dead", closed_at=timezone.now(),
    )  # fmt: skip
    row.refresh_from_db()
    return row


# --- what a dialog shows ---


@pytest.mark.parametrize("dialog", ["approve", "hold", "reject", "claim", "add_note"])
def test_a_dialog_repeats_amount_address_and_customer_and_changes_nothing(signed_in: SignedIn, dialog: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    before = ActivityLog.objects.count()
    shown = opened(client, dialog, row)
    assert "40.00\N{NO-BREAK SPACE}USDT" in shown
    assert row.address in shown
    assert row.customer.email in shown
    assert f'name="revision" value="{row.revision}"' in shown
    assert (state(row), ActivityLog.objects.count()) == ("in_review", before)


def test_the_button_says_what_happens(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=13_000 * USDT), 12_500 * USDT)
    client, _person = signed_in("support")
    assert "Approve 12,500.00\N{NO-BREAK SPACE}USDT" in opened(client, "approve", row)
    assert "Reject 12,500.00\N{NO-BREAK SPACE}USDT" in opened(client, "reject", row)


def test_a_dialog_about_something_decided_meanwhile_says_so_and_has_no_button(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    approve(row, staff("support"))
    client, _person = signed_in("support")
    shown = opened(client, "approve", row)
    assert "There is nothing to decide here any more" in shown
    assert 'type="submit"' not in shown


def test_a_dialog_opened_in_a_tab_of_its_own_leads_to_the_page(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    answer = client.get(url("approve", row))
    assert (answer.status_code, answer["Location"]) == (
        302,
        reverse("admin:payouts_withdrawalrequest_change", args=[row.pk]),
    )


def test_after_a_decision_in_the_queue_one_is_back_in_the_queue(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    queue = reverse("admin:payouts_withdrawalrequest_changelist") + "?tab=review&network=arbitrum"
    answer = client.post(
        url("claim", row),
        {"_form_submitted": "True", "revision": row.revision},
        headers={"hx-request": "true", "hx-current-url": f"http://testserver{queue}"},
    )
    assert answer.headers["HX-Redirect"] == queue


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/admin/x", "http://testserver//evil.example/", "javascript:1"]
)
def test_nobody_is_sent_away_from_the_site(signed_in: SignedIn, elsewhere: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    answer = client.post(
        url("claim", row),
        {"_form_submitted": "True", "revision": row.revision},
        headers={"hx-request": "true", "hx-current-url": elsewhere},
    )
    assert answer.headers["HX-Redirect"].startswith("/admin/")


# --- carried out ---


def test_support_approves(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, person = signed_in("support")
    assert_done(sent(client, "approve", row, reason="Known customer"), row)
    assert state(row) == "approved"
    given = WithdrawalApproval.objects.get(withdrawal=row)
    assert (given.approver, given.reason, given.ip_address) == (person, "Known customer", "127.0.0.1")


def test_of_two_approvals_the_first_is_recorded_and_the_second_releases_the_payment(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    first, _someone = signed_in("support")
    second, _other = signed_in("support")
    assert_done(sent(first, "approve", row), row)
    assert state(row) == "in_review"
    assert "One more person must approve it" in first.get(reverse("admin:index")).content.decode()
    assert_done(sent(second, "approve", row), row)
    assert state(row) == "approved"


def test_support_puts_on_hold_and_releases(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    until = (timezone.now() + dt.timedelta(hours=5)).astimezone(dt.UTC).replace(second=0, microsecond=0)
    assert_done(sent(client, "hold", row, until=until.strftime("%Y-%m-%dT%H:%M")), row)
    assert state(row) == "on_hold"
    assert (row.hold_until, row.reason_for_customer) == (until, "Please send a statement.")
    assert_done(sent(client, "release", row), row)
    assert state(row) == "in_review"


def test_support_rejects_and_the_money_is_back(signed_in: SignedIn) -> None:
    customer = a_customer(micro=100 * USDT)
    row = in_review(customer)
    client, _person = signed_in("support")
    assert_done(sent(client, "reject", row), row)
    assert state(row) == "rejected"
    assert funds(customer) == (100 * USDT, 0)
    assert row.reason_for_customer == "This exchange is sanctioned."
    assert WithdrawalNote.objects.get(withdrawal=row).text == "See the case."


def test_support_claims_gives_up_and_notes(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, person = signed_in("support")
    assert_done(sent(client, "claim", row), row)
    row.refresh_from_db()
    assert row.claimed_by == person
    assert_done(sent(client, "release_claim", row), row)
    row.refresh_from_db()
    assert row.claimed_by is None
    assert_done(sent(client, "add_note", row), row)
    assert WithdrawalNote.objects.get(withdrawal=row).author == person


def test_a_treasurer_has_a_failed_payment_paid_again(signed_in: SignedIn) -> None:
    row = failed(a_customer(micro=100 * USDT))
    client, _person = signed_in("treasurer")
    assert_done(sent(client, "retry", row), row)
    assert state(row) == "approved"


def test_the_dialog_says_that_a_payment_must_be_approved_anew_where_the_signer_would_refuse_it(
    signed_in: SignedIn,
) -> None:
    row = failed(a_customer(micro=100 * USDT))
    client, _person = signed_in("treasurer")
    assert "would refuse it" not in opened(client, "retry", row)
    forget(Authenticator.objects.get(user=WithdrawalApproval.objects.get().approver))
    page = opened(client, "retry", row)
    assert "would refuse it" in page
    assert "Back to review: 40" in page
    assert_done(sent(client, "retry", row), row)
    assert state(row) == "in_review"


def test_a_treasurer_returns_the_money_of_a_failed_payment(signed_in: SignedIn) -> None:
    customer = a_customer(micro=100 * USDT)
    row = failed(customer)
    client, _person = signed_in("treasurer")
    assert_done(sent(client, "give_back", row), row)
    assert state(row) == "returned"
    assert funds(customer) == (100 * USDT, 0)


# --- refused ---


@pytest.mark.parametrize("dialog", ["approve", "hold", "reject"])
def test_a_wrong_code_decides_nothing(signed_in: SignedIn, dialog: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    said = refusal(sent(client, dialog, row, code="000000"))
    assert "The code is not right" in said
    assert state(row) == "in_review"


@pytest.mark.parametrize("dialog", ["retry", "give_back"])
def test_a_wrong_code_resolves_no_failure(signed_in: SignedIn, dialog: str) -> None:
    row = failed(a_customer(micro=100 * USDT))
    client, _person = signed_in("treasurer")
    assert "The code is not right" in refusal(sent(client, dialog, row, code="000000"))
    assert state(row) == "failed"


@pytest.mark.parametrize("dialog", ["approve", "hold", "reject"])
def test_a_request_that_changed_since_is_not_decided(signed_in: SignedIn, dialog: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=2)
    said = refusal(sent(client, dialog, row))
    assert "This withdrawal was changed after you opened it." in said
    assert 'name="revision" value="1"' in said, "sending again must not slip the new revision in"
    assert state(row) == "in_review"
    assert not WithdrawalApproval.objects.exists()


def test_the_first_approver_cannot_be_the_second(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=2 * BIG), BIG)
    client, _person = signed_in("support")
    sent(client, "approve", row)
    assert "Someone else must approve it too." in refusal(sent(client, "approve", row))
    assert state(row) == "in_review"


def test_nobody_approves_their_own_request(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    owner = User.objects.get(pk=row.customer_id)
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.refresh_from_db()
    owner.groups.set(staff("support").groups.all())
    introduce(Authenticator.objects.get(user=owner))
    client, _person = signed_in(user=owner)
    assert "Nobody may decide about their own withdrawal." in refusal(sent(client, "approve", row))


@pytest.mark.parametrize("dialog", ["approve", "hold", "reject", "claim", "release_claim"])
def test_what_a_colleague_has_claimed_is_left_to_them(signed_in: SignedIn, dialog: str) -> None:
    row, colleague = in_review(a_customer(micro=100 * USDT)), staff("support")
    withdrawals.claim_withdrawal(withdrawal_id=row.pk, actor=colleague)
    client, _person = signed_in("support")
    assert f"{colleague.email} is working on this withdrawal" in refusal(sent(client, dialog, row))


def test_a_hold_that_comes_after_the_approval_still_stops_the_payment(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    approve(row, staff("support"))
    sent(client, "hold", row)
    assert state(row) == "on_hold"


@pytest.mark.parametrize("dialog", ["approve", "reject", "release"])
def test_what_was_decided_meanwhile_is_not_decided_again(signed_in: SignedIn, dialog: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    approve(row, staff("support"))
    assert "This withdrawal has moved on meanwhile." in refusal(sent(client, dialog, row))
    assert state(row) == "approved"


@pytest.mark.parametrize(
    ("dialog", "field"), [("hold", "reason"), ("reject", "reason_for_customer"), ("add_note", "text")]
)
def test_a_reason_is_asked_for(signed_in: SignedIn, dialog: str, field: str) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    said = refusal(sent(client, dialog, row, **{field: "  "}))
    assert "This field is required." in said
    assert state(row) == "in_review"


def test_a_hold_that_ended_already_is_refused(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    assert "The hold must end in the future." in refusal(sent(client, "hold", row, until="2020-01-01T00:00"))


def test_a_payment_that_is_not_proven_dead_is_neither_repeated_nor_returned(signed_in: SignedIn) -> None:
    customer = a_customer(micro=100 * USDT)
    row = approve(in_review(customer), staff("support"))
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="failed")
    row.refresh_from_db()
    client, _person = signed_in("treasurer")
    for dialog in ("retry", "give_back"):
        assert "not proven dead" in refusal(sent(client, dialog, row))
    assert funds(customer)[1] == row.debit_micro


def test_a_right_taken_away_counts_in_an_open_dialog(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, person = signed_in("support")
    opened(client, "approve", row)
    person.groups.clear()
    assert sent(client, "approve", row).status_code == 403
    assert state(row) == "in_review"


@pytest.mark.parametrize("key", ["0", "999999999", "99999999999999999999999", "x"])
def test_a_withdrawal_that_is_not_there_is_not_found(signed_in: SignedIn, key: str) -> None:
    client, _person = signed_in("support")
    address = f"/admin/payouts/withdrawalrequest/{key}/"
    assert client.get(f"{address}approve/", headers={"hx-request": "true"}).status_code == 404
    assert client.get(f"{address}change/", follow=True).redirect_chain[-1][0] == reverse("admin:index")


def test_who_is_not_known_to_the_signer_reads_it_before_typing_a_code(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, person = signed_in("support")
    forget(Authenticator.objects.get(user=person))
    shown = opened(client, "approve", row)
    assert "The signer does not know this second factor of yours yet" in shown
    assert 'type="submit"' not in shown


def test_a_passkey_is_asked_to_sign_exactly_what_the_dialog_shows(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=100 * USDT))
    client, person = signed_in("support")
    passkey = Passkey()
    passkey.enrol(person)
    write_key(person.pk, person.email, "webauthn", passkey.key, passkey.public_key)
    challenge = bytes.fromhex(approval_digest_of(row))
    assert websafe_encode(challenge) in opened(client, "approve", row)
    credential = json.dumps(passkey.assertion(challenge))
    assert_done(sent(client, "approve", row, code="", credential=credential), row)
    assert WithdrawalApproval.objects.get().evidence["kind"] == "webauthn"
