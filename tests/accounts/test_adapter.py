"""allauth's mails, by our adapter."""

from __future__ import annotations

from allauth.core import context
from django.test import RequestFactory

from accounts.adapter import AccountAdapter
from accounts.models import OutgoingMail
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher


def test_a_mail_with_a_code_is_sent_at_once_and_kept_nowhere(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user, request = a_customer(), RequestFactory().get("/")
    with context.request_context(request):
        AccountAdapter(request).send_mail("account/email/login_code", user.email, {"code": "ABC-123", "user": user})
    caught = mail_catcher.wait_for(to=user.email)
    assert "ABC-123" in caught.text
    assert "prefers-color-scheme" in caught.html
    assert not OutgoingMail.objects.exists()
