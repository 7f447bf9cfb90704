"""Text that people may choose, with HTML in it: text on every page that shows it."""

from __future__ import annotations

from contextlib import suppress

from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts.activity import Origin
from accounts.freezes import freeze_withdrawals
from accounts.login_history import record_sign_in
from accounts.mail import NothingToTell, render
from accounts.models import LoginHistory, OutgoingMail, TrustedDevice, User, UserSession
from payouts import withdrawals
from payouts.models import WithdrawalRequest
from tests.attacks.everywhere import a_person, an_editor, client_of
from tests.payouts.people import USDT, add, in_review, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import known_browser, proven

LINES = "Anna\r\nBcc: thief@example.net"


def marked(place: str) -> str:
    """HTML that says where it came from."""
    return f"<b id={place}>"


def planted(victim: User, colleague: User) -> WithdrawalRequest:
    """Everything that somebody can call something, called so."""
    User.objects.filter(pk=victim.pk).update(full_name=marked("name"))
    User.objects.filter(pk=colleague.pk).update(full_name=marked("colleague"))
    known_browser(victim)
    TrustedDevice.objects.filter(user=victim).update(name=marked("device"))
    UserSession.objects.filter(user=victim).update(user_agent=marked("agent"))
    Authenticator.objects.create(user=victim, type="webauthn", data={"name": marked("key")})
    add(victim, label=marked("label"))
    record_sign_in(user=victim, origin=Origin("192.0.2.7", marked("browser")), method="password")
    row = in_review(victim, 40 * USDT, origin=Origin("192.0.2.7", marked("origin")))
    withdrawals.add_note(withdrawal_id=row.pk, actor=colleague, text=marked("note"))
    withdrawals.reject_withdrawal(
        withdrawal_id=row.pk,
        actor=colleague,
        revision=row.revision,
        reason_for_customer=marked("reason"),
        step_up=proven(colleague),
    )
    freeze_withdrawals(user_id=victim.pk, reason=marked("freeze"), process="test")  # by a person: all signed out
    return row


def test_what_people_call_things_is_text_on_every_page(committed_db: CommittedDatabase) -> None:
    victim, colleague = a_person(micro=500 * USDT), staff("support")
    client = client_of(victim)
    row = planted(victim, colleague)
    pages = {
        path: client.get(path).content.decode()
        for path in (
            "/security/", "/security/sign-ins/", "/security/addresses/", "/withdraw/", "/settings/", "/dashboard/",
            f"/withdrawals/{row.public_id}/", "/account/2fa/webauthn/", "/history/",
        )
    }  # fmt: skip
    desk = client_of(an_editor())
    for name, key in (
        ("accounts_customer", victim.pk), ("payouts_withdrawalrequest", row.pk), ("accounts_staffuser", colleague.pk),
        ("accounts_loginhistory", LoginHistory.objects.filter(user=victim).latest("pk").pk),
    ):  # fmt: skip
        for address in (reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_change", args=[key])):
            given = {"tab": "all"} if name == "payouts_withdrawalrequest" else {}
            answer = desk.get(address, given)
            assert answer.status_code == 200, address
            pages[address] = answer.content.decode()
    pages["audit"] = desk.get(reverse("admin:accounts_activitylog_changelist")).content.decode()
    raw = {(path, line) for path, text in pages.items() for line in text.splitlines() if "<b id=" in line}
    assert raw == set()
    shown = "".join(pages.values())
    for place in ("name", "colleague", "device", "key", "label", "note", "reason", "freeze"):
        assert f"&lt;b id={place}&gt;" in shown, f"{place} is shown nowhere, so this test sees nothing of it"


def test_what_people_call_things_is_text_in_every_mail_and_adds_no_header(committed_db: CommittedDatabase) -> None:
    victim, colleague = a_person(micro=500 * USDT), staff("support")
    planted(victim, colleague)
    User.objects.filter(pk=victim.pk).update(full_name=LINES)
    messages = []
    for row in OutgoingMail.objects.all():
        with suppress(NothingToTell):  # the request is decided
            messages.append(render(row))
    assert len(messages) >= 3
    for message in messages:
        assert "<b id=" not in str(message.alternatives[0].content)
        assert "\n" not in message.subject + "".join(message.to)
        assert message.message()["Bcc"] is None
        assert not [line for line in str(message.body).splitlines() if line.startswith("Bcc:")]
