"""What people are told about a withdrawal, as it arrives by SMTP."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from accounts.models import OutgoingMail
from accounts.tasks import send_outgoing_mail
from payouts import engine, withdrawals
from tests.payouts.chain_answers import Treasury
from tests.payouts.people import RECIPIENT, USDT, a_customer, approve, ask, in_review, staff
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher


def test_the_link_in_the_mail_confirms(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=customer.email, subject="Confirm your withdrawal: 40.00 USDT")
    assert RECIPIENT in caught.text
    path = urlsplit(mail_catcher.link(caught, "/withdrawals/confirm/")).path
    browser = Client()
    browser.force_login(customer)
    assert browser.get(path).status_code == 200
    row.refresh_from_db()
    assert row.state == "requested"  # mail scanners open links
    browser.post(path)
    row.refresh_from_db()
    assert row.state == "in_review"


def test_a_link_opened_by_nobody_who_is_signed_in_leads_to_the_sign_in(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer)
    send_outgoing_mail()
    path = urlsplit(mail_catcher.link(mail_catcher.wait_for(to=customer.email), "/withdrawals/confirm/")).path
    assert "/account/login/" in Client().post(path).headers["Location"]
    row.refresh_from_db()
    assert row.state == "requested"


@pytest.mark.parametrize(
    ("language", "subjects"),
    [
        (
            "en",
            ["Confirm your withdrawal", "Withdrawal confirmed", "Withdrawal approved", "Withdrawal sent", "completed"],
        ),
        ("ru", ["[Пп]одтвердите", "[Пп]одтвержд", "[Оо]добрен", "[Оо]тправлен", "[Зз]аверш|[Вв]ыполнен"]),
    ],
)
def test_every_step_is_told_in_the_customers_language(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher, language: str, subjects: list[str]
) -> None:
    customer, treasury = a_customer(micro=100 * USDT, language=language), Treasury(committed_db)
    row = approve(in_review(customer), staff("support"))
    OutgoingMail.objects.filter(template="withdrawal_confirm").update(state="sent")
    engine.start_payouts()
    tx_hash = treasury.send(row)
    engine.settle_payouts()
    treasury.settle(row)
    engine.settle_payouts()
    send_outgoing_mail()
    told = [each.subject for each in mail_catcher.messages(to=customer.email)][::-1]
    assert len(told) == 4
    for subject, pattern in zip(told, subjects[1:], strict=True):
        assert re.search(pattern, subject), (subject, pattern)
    assert tx_hash in mail_catcher.messages(to=customer.email)[0].text


def test_no_link_is_sent_for_a_request_that_was_cancelled_meanwhile(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    customer = a_customer(micro=100 * USDT)
    withdrawals.cancel_withdrawal(withdrawal_id=ask(customer).pk, customer_id=customer.pk)
    send_outgoing_mail()
    assert [each.subject for each in mail_catcher.messages()] == ["Withdrawal cancelled: 40.00 USDT"]


def test_a_colleague_is_sent_to_the_request_that_needs_a_second_approval(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    row = in_review(a_customer(micro=2000 * USDT), 1000 * USDT)
    second = staff("support")
    approve(row, staff("support"))
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=second.email)
    found = resolve(urlsplit(mail_catcher.link(caught, "/admin/")).path)
    assert found.kwargs == {"object_id": str(row.pk)}
