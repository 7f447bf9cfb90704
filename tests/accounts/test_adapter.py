"""allauth's mails, by our adapter."""

from __future__ import annotations

import pytest
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.adapter import AccountAdapter
from accounts.links import NotMe, read_not_me
from accounts.mailed_codes import DEVICE, MADE_PER_HOUR_MAX, derive
from accounts.models import LoginHistory, OutgoingMail, UserProfile
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher


def test_a_mail_with_a_code_that_is_not_ours_is_sent_at_once_and_kept_nowhere(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user, request = a_customer(), RequestFactory().get("/")
    with context.request_context(request):
        AccountAdapter(request).send_mail(
            "account/email/password_reset_code", user.email, {"code": "ABC-123", "user": user}
        )
    caught = mail_catcher.wait_for(to=user.email)
    assert "ABC-123" in caught.text
    assert "prefers-color-scheme" in caught.html
    assert not OutgoingMail.objects.exists()


def test_a_login_code_is_queued_by_its_id_and_made_again_for_the_mail(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user, request = a_customer(), RequestFactory().get("/", headers={"user-agent": "Firefox"})
    with context.request_context(request):
        code_id = AccountAdapter(request).generate_login_code()
        AccountAdapter(request).send_mail("account/email/login_code", user.email, {"code": code_id, "request": request})
    row = OutgoingMail.objects.get()
    code = derive(code_id, purpose=DEVICE)
    assert code not in str(row.facts)
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=user.email)
    assert f"{code[:4]} {code[4:]}" in caught.text
    assert "Firefox" in caught.text
    assert "/security/not-me/" in caught.text


def test_codes_asked_for_without_end_are_refused(committed_db: CommittedDatabase) -> None:
    user, request = a_customer(), RequestFactory().get("/")
    SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
    request.user = user
    with context.request_context(request):
        for _number in range(MADE_PER_HOUR_MAX):
            send_code(request, user.email)
        with pytest.raises(ImmediateHttpResponse) as refused:
            send_code(request, user.email)
    assert refused.value.response.status_code == 429
    assert OutgoingMail.objects.count() == MADE_PER_HOUR_MAX
    told = LoginHistory.objects.filter(user=user, result=LoginHistory.Result.CODE_ASKED)
    assert told.count() == MADE_PER_HOUR_MAX, "the history tells of no code that was not mailed"


def send_code(request: HttpRequest, email: str) -> None:
    code = AccountAdapter(request).generate_login_code()
    AccountAdapter(request).send_mail("account/email/login_code", email, {"code": code})


def test_a_changed_address_is_told_to_both_and_only_the_new_one_sees_name_and_phrase(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user, request = a_customer(full_name="Anna Petrova"), RequestFactory().get("/")
    UserProfile.objects.filter(user=user).update(anti_phishing_phrase="heron at noon")
    with context.request_context(request):
        AccountAdapter(request).send_mail(
            "account/email/email_changed",
            "old@example.com",
            {"from_email": "old@example.com", "to_email": user.email, "ip": "192.0.2.7"},
        )
    send_outgoing_mail()
    old, new = (mail_catcher.wait_for(to=address) for address in ("old@example.com", user.email))
    for caught in (old, new):
        assert "Old address: old@example.com" in caught.text
        assert f"New address: {user.email}" in caught.text
        assert "192.0.2.7" in caught.text
        token = mail_catcher.link(caught, "/security/not-me/").rstrip("/").rpartition("/")[2]
        assert read_not_me(token) == NotMe(user.pk, "email_changed", expired=False)
    assert "heron" not in old.text + old.html
    assert "Petrova" not in old.text + old.html
    assert "heron at noon" in new.text
