"""The delivery log, sending a mail again, and the gallery of all mails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.mail import all_registered
from accounts.models import ActivityLog, OutgoingMail, User, UserProfile
from accounts.outbox import queue_mail
from accounts.resending import AGAIN_MAX
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import a_customer, staff
from tests.portal.admin.conftest import SignedIn
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher

LOG = "admin:accounts_outgoingmail_changelist"
REASON = "The customer says that it did not come."


def a_mail(user: User, *, template: str = "recovery_code_used", state: str = "sent", **changes: object) -> OutgoingMail:
    queue_mail(
        key=f"{template}:{OutgoingMail.objects.count()}",
        template=template,
        user=user,
        facts={"left": 3, "ip": "192.0.2.9"},
    )
    row = OutgoingMail.objects.latest("id")
    OutgoingMail.objects.filter(pk=row.pk).update(state=state, **changes)
    row.refresh_from_db()
    return row


def send_again(client: Client, row: OutgoingMail, reason: str = REASON) -> str:
    """The dialog sent; its page when it was refused, "" when it was carried out."""
    answer = client.post(
        reverse("admin:accounts_outgoingmail_send_again", args=[row.pk]),
        {"_form_submitted": "True", "reason": reason},
        headers={"hx-request": "true"},
    )
    assert answer.status_code == 200
    return "" if "HX-Redirect" in answer.headers else answer.content.decode()


def listed(client: Client, **query: str) -> str:
    answer = client.get(reverse(LOG), query)
    assert answer.status_code == 200
    return answer.content.decode()


# --- the log --------------------------------------------------------------------------------------------------------


def test_support_sees_what_customers_were_told_and_not_what_the_staff_were(
    signed_in: SignedIn, committed_db: CommittedDatabase
) -> None:
    anna, colleague = a_customer(), staff("treasurer")
    to_anna, to_colleague = a_mail(anna), a_mail(colleague)
    support, _person = signed_in("support")
    finance, _person = signed_in("finance")
    assert anna.email in listed(support)
    assert colleague.email not in listed(support)
    assert colleague.email in listed(finance)
    page = reverse("admin:accounts_outgoingmail_change", args=[to_colleague.pk])
    assert support.get(page).status_code == 302  # as for a row that does not exist
    assert finance.get(page).status_code == 200
    assert not support.get(reverse(LOG), {"q": colleague.email}).context["cl"].result_list
    assert support.get(reverse("admin:accounts_outgoingmail_change", args=[to_anna.pk])).status_code == 200


def test_it_says_how_often_it_was_tried_why_not_and_when_next(
    signed_in: SignedIn, committed_db: CommittedDatabase
) -> None:
    row = a_mail(
        a_customer(), state="queued", attempts=4, last_error="SMTPServerDisconnected",
        next_attempt_at="2026-11-23T10:20:00Z",
    )  # fmt: skip
    client, _person = signed_in("support")
    text = client.get(reverse("admin:accounts_outgoingmail_change", args=[row.pk])).content.decode()
    for part in ("SMTPServerDisconnected", "2026-11-23 10:20", ">4<", "192.0.2.9"):
        assert part in text


def test_it_can_be_narrowed_to_a_mail_and_a_period(signed_in: SignedIn, committed_db: CommittedDatabase) -> None:
    anna = a_customer()
    a_mail(anna)
    old = a_mail(anna, template="recovery_codes_low")
    OutgoingMail.objects.filter(pk=old.pk).update(queued_at=timezone.now() - timedelta(days=9))
    client, _person = signed_in("support")
    today = f"{timezone.now():%Y-%m-%d}"

    def rows(**query: str) -> list[str]:
        found = client.get(reverse(LOG), query).context["cl"].result_list
        return [row.template for row in found]

    assert rows() == ["recovery_codes_low", "recovery_code_used"]
    assert rows(template="recovery_codes_low") == ["recovery_codes_low"]
    assert rows(since=today) == ["recovery_code_used"]
    assert rows(until=f"{timezone.now() - timedelta(days=5):%Y-%m-%d}") == ["recovery_codes_low"]
    assert rows(template="'; DROP TABLE x; --") == rows()


def test_nobody_of_the_staff_sees_a_customers_phrase(signed_in: SignedIn, committed_db: CommittedDatabase) -> None:
    anna = a_customer()
    UserProfile.objects.filter(user=anna).update(anti_phishing_phrase="heron at noon")
    row = a_mail(anna)
    for role in ("support", "finance", "admin"):
        client, _person = signed_in(role)
        for address in (reverse(LOG), reverse("admin:accounts_outgoingmail_change", args=[row.pk])):
            assert "heron" not in client.get(address).content.decode()


# --- once more ------------------------------------------------------------------------------------------------------


def test_the_same_facts_go_out_once_more_to_the_same_person_and_it_is_audited(
    signed_in: SignedIn, committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    anna, (client, person) = a_customer(), signed_in("support", stepped_up=True)
    row = a_mail(anna, state="failed", last_error="SMTPRecipientsRefused 550")
    assert not send_again(client, row)
    again = OutgoingMail.objects.latest("id")
    assert (again.recipient, again.facts, again.template) == (row.recipient, row.facts, row.template)
    send_outgoing_mail()
    assert "192.0.2.9" in mail_catcher.wait_for(to=anna.email).text
    entry = ActivityLog.objects.get(action="mail.sent_again")
    assert (entry.actor, entry.target_id) == (person, str(row.pk))
    assert entry.facts == {
        "template": row.template, "recipient": anna.email, "again": again.pk, "reason": REASON,
    }  # fmt: skip


def test_a_reason_is_needed(signed_in: SignedIn, committed_db: CommittedDatabase) -> None:
    client, _person = signed_in("support", stepped_up=True)
    row = a_mail(a_customer())
    assert "This field is required." in send_again(client, row, reason="")
    assert OutgoingMail.objects.count() == 1


@pytest.mark.parametrize("template", [mail.template for mail in all_registered() if mail.works_once])
def test_what_works_once_is_never_sent_again(
    signed_in: SignedIn, committed_db: CommittedDatabase, template: str
) -> None:
    client, _person = signed_in("support", stepped_up=True)
    row = a_mail(a_customer(), template=template)
    assert "works once" in send_again(client, row)
    assert OutgoingMail.objects.count() == 1


def test_every_mail_with_a_code_or_a_link_of_one_use_is_known_as_such() -> None:
    assert {mail.template for mail in all_registered() if mail.works_once} == {
        "verify_email", "verify_new_email", "password_reset", "withdrawal_confirm", "address_confirm", "device_code",
        "settings_unlock_confirm",
    }  # fmt: skip


def test_what_was_told_to_a_former_address_is_not_repeated(
    signed_in: SignedIn, committed_db: CommittedDatabase
) -> None:
    client, _person = signed_in("support", stepped_up=True)
    row = a_mail(a_customer(), recipient="former@example.com")
    assert "another address" in send_again(client, row)


def test_a_mail_that_is_still_queued_goes_by_itself(signed_in: SignedIn, committed_db: CommittedDatabase) -> None:
    client, _person = signed_in("support", stepped_up=True)
    assert "has not left yet" in send_again(client, a_mail(a_customer(), state="queued"))


def test_three_times_are_enough_copies_of_copies_included(signed_in: SignedIn, committed_db: CommittedDatabase) -> None:
    client, _person = signed_in("support", stepped_up=True)
    row = a_mail(a_customer())
    for _time in range(AGAIN_MAX):
        assert not send_again(client, row)
        OutgoingMail.objects.update(state="sent")
        row = OutgoingMail.objects.latest("id")
    assert "three times already" in send_again(client, row)
    assert OutgoingMail.objects.count() == 1 + AGAIN_MAX


def test_only_support_and_admin_may_and_support_only_for_customers(
    signed_in: SignedIn, committed_db: CommittedDatabase
) -> None:
    to_customer, to_colleague = a_mail(a_customer()), a_mail(staff("treasurer"))

    def status(role: str, row: OutgoingMail) -> int:
        client, _person = signed_in(role, stepped_up=True)
        address = reverse("admin:accounts_outgoingmail_send_again", args=[row.pk])
        return client.post(address, {"_form_submitted": "True", "reason": REASON}).status_code

    assert [status(role, to_customer) for role in ("finance", "treasurer")] == [403, 403]
    assert [status(role, to_customer) for role in ("support", "admin")] == [302, 302]
    assert (status("support", to_colleague), status("admin", to_colleague)) == (403, 302)


# --- the gallery ----------------------------------------------------------------------------------------------------


def test_the_gallery_lists_every_mail_with_a_way_to_each_language(signed_in: SignedIn, db: None) -> None:
    client, _person = signed_in("support")
    text = client.get(reverse("admin:accounts_outgoingmail_gallery")).content.decode()
    for mail in all_registered():
        for language in ("ru", "en"):
            assert reverse("admin:accounts_outgoingmail_gallery_mail", args=[mail.template, language]) in text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_mail_is_shown_light_dark_and_as_text(signed_in: SignedIn, db: None, language: str) -> None:
    client, _person = signed_in("support")
    for mail in all_registered():
        page = client.get(reverse("admin:accounts_outgoingmail_gallery_mail", args=[mail.template, language]))
        assert page.status_code == 200
        text = page.content.decode()
        assert text.count("<iframe") == text.count('sandbox=""') == 2
        assert "frame-src 'self'" in page["Content-Security-Policy"]
        for look in ("light", "dark"):
            address = reverse("admin:accounts_outgoingmail_gallery_frame", args=[mail.template, language, look])
            assert f'src="{address}"' in text
            assert client.get(address).status_code == 200


def test_a_mail_in_its_frame_can_do_nothing_and_is_framed_by_us_alone(signed_in: SignedIn, db: None) -> None:
    client, _person = signed_in("support")
    answer = client.get(reverse("admin:accounts_outgoingmail_gallery_frame", args=["device_code", "en", "dark"]))
    policy = answer["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert not [part for part in policy if part.startswith("script-src") or "unsafe-eval" in part]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "@media all" in answer.content.decode()


@pytest.mark.parametrize("address", ["nothing/en/", "deposit_credited/xx/", "deposit_credited/en/pink/", "x/en/light/"])
def test_what_does_not_exist_is_not_found(signed_in: SignedIn, db: None, address: str) -> None:
    client, _person = signed_in("support")
    answer = client.get(reverse("admin:accounts_outgoingmail_gallery") + address)
    assert answer.status_code == 404


@pytest.mark.parametrize("role", ["treasurer", None])
def test_who_may_see_no_mail_sees_no_gallery(signed_in: SignedIn, db: None, role: str | None) -> None:
    client, _person = signed_in(*([role] if role else []))
    for address in ("", "deposit_credited/en/", "deposit_credited/en/light/"):
        assert client.get(reverse("admin:accounts_outgoingmail_gallery") + address).status_code == 403


def test_the_gallery_only_shows(signed_in: SignedIn, db: None) -> None:
    client, _person = signed_in("support")
    for address in ("", "deposit_credited/en/", "deposit_credited/en/light/"):
        assert client.post(reverse("admin:accounts_outgoingmail_gallery") + address).status_code == 405
