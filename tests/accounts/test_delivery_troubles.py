"""A refused mailbox is given up, a server in trouble is tried again: by SMTP and by a provider's interface alike."""

from __future__ import annotations

import logging
import smtplib
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from anymail.exceptions import AnymailRecipientsRefused
from celery.signals import before_task_publish
from django.utils import timezone
from pytest_django import Settings

from accounts.delivery import ATTEMPTS_MAX, send_due_mail
from accounts.delivery_troubles import Trouble, verdict_on
from accounts.models import OutgoingMail
from accounts.outbox import queue_mail
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase
from tests.support.mail_provider import Provider, provider

REFUSED = (422, {"ErrorCode": 406, "Message": "Found inactive addresses: {}.\n Inactive recipients are ones that"})


@pytest.fixture
def postmark(committed_db: CommittedDatabase, settings: Settings) -> Iterator[Provider]:
    with provider() as running:
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = running.settings
        yield running


def queue(key: str, **changes: object) -> OutgoingMail:
    queue_mail(
        key=key, template="plain", user=a_customer(), facts={"heading": f"Heading {key}", "text": "Text."}, **changes
    )  # type: ignore[arg-type]  # by name
    return OutgoingMail.objects.get(key=key)


def states() -> dict[str, tuple[str, str]]:
    return {row.key: (row.state, row.last_error) for row in OutgoingMail.objects.all()}


# --- by a provider's interface --------------------------------------------------------------------------------------


def test_a_mail_goes_out_by_the_providers_interface_whole(postmark: Provider) -> None:
    row = queue("one")
    send_outgoing_mail()
    (taken,) = postmark.taken
    assert (taken["Subject"], taken["To"]) == ("Heading one", row.recipient)
    assert "Text." in taken["TextBody"]
    assert "prefers-color-scheme" in taken["HtmlBody"]
    headers = {each["Name"]: each["Value"] for each in taken["Headers"]}
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"].endswith("@exchequer.localhost>")
    assert postmark.tokens == ["token-of-the-test"]
    assert states() == {"one": ("sent", "")}


def test_a_mailbox_that_the_provider_refuses_is_given_up_and_the_others_go_out(postmark: Provider) -> None:
    refused = queue("refused")
    queue("good")
    status, body = REFUSED
    postmark.answers[refused.recipient] = (status, body | {"Message": body["Message"].format(refused.recipient)})  # type: ignore[attr-defined]  # a text
    send_outgoing_mail()
    assert states() == {"refused": ("failed", "AnymailRecipientsRefused"), "good": ("sent", "")}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_a_provider_in_trouble_is_tried_again_and_not_asked_for_each_mail(postmark: Provider, status: int) -> None:
    for number in range(5):
        queue(str(number))
    postmark.always = (status, {"ErrorCode": 100, "Message": "not now"})
    send_outgoing_mail()
    assert set(states().values()) == {("queued", f"AnymailRequestsAPIError {status}")}
    assert set(OutgoingMail.objects.values_list("attempts", flat=True)) == {0}
    assert postmark.asked == 2
    postmark.always = None
    OutgoingMail.objects.update(next_attempt_at="2020-01-01T00:00Z")
    send_outgoing_mail()
    assert {state for state, _error in states().values()} == {"sent"}


def test_a_mail_that_draws_an_answer_of_trouble_costs_those_behind_it_nothing(postmark: Provider) -> None:
    """The next is taken, so the trouble is that mail's own: its attempts count, and it is given up in the end."""
    odd = queue("odd")
    queue("good")
    queue("better")
    postmark.answers[odd.recipient] = (500, {"ErrorCode": 0, "Message": "Internal error"})
    send_outgoing_mail()
    assert states() == {"odd": ("queued", "AnymailRequestsAPIError 500"), "good": ("sent", ""), "better": ("sent", "")}
    assert OutgoingMail.objects.get(key="odd").attempts == 1
    OutgoingMail.objects.filter(key="odd").update(attempts=ATTEMPTS_MAX - 1, next_attempt_at="2020-01-01T00:00Z")
    queue("last")
    send_outgoing_mail()
    assert states()["odd"][0] == "failed"


def test_a_mail_that_draws_it_alone_is_judged_by_what_went_out_since(postmark: Provider) -> None:
    odd = queue("odd")
    postmark.answers[odd.recipient] = (500, {"ErrorCode": 0, "Message": "Internal error"})
    now = timezone.now()
    for seconds, attempts in ((1, 0), (7, 0)):  # nothing tells whose trouble it is
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            send_outgoing_mail()
        assert OutgoingMail.objects.get(key="odd").attempts == attempts
    with time_machine.travel(now + timedelta(seconds=9), tick=False):
        queue("good")
        send_outgoing_mail()
    assert states()["good"] == ("sent", "")
    with time_machine.travel(now + timedelta(seconds=20), tick=False):
        send_outgoing_mail()
    assert (states()["odd"][0], OutgoingMail.objects.get(key="odd").attempts) == ("queued", 1)


def test_a_run_lasts_some_seconds_and_wakes_the_next(postmark: Provider) -> None:
    postmark.seconds = 0.2
    for number in range(12):
        queue(str(number))
    woken: list[str] = []

    def note(sender: str, **_other: object) -> None:
        woken.append(sender)

    before_task_publish.connect(note)
    try:
        sent = send_due_mail(seconds=0.7)
        assert 0 < sent < 12
        assert woken == ["accounts.tasks.send_outgoing_mail"]
        left = OutgoingMail.objects.filter(state="queued")
        assert left.count() == 12 - sent
        assert set(left.values_list("attempts", flat=True)) == {0}, "claimed and not tried"
        assert send_due_mail() == 12 - sent
        assert len(woken) == 1
    finally:
        before_task_publish.disconnect(note)


def test_a_mail_that_the_provider_does_not_understand_waits_and_the_others_go_out(postmark: Provider) -> None:
    odd = queue("odd")
    queue("good")
    postmark.answers[odd.recipient] = (422, {"ErrorCode": 400, "Message": "The 'From' is not confirmed."})
    send_outgoing_mail()
    assert states() == {"odd": ("queued", "AnymailRequestsAPIError 422"), "good": ("sent", "")}


def test_a_provider_that_is_away_is_tried_again(
    committed_db: CommittedDatabase, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = Provider(port=1).settings
    queue("one")
    with caplog.at_level(logging.DEBUG):
        send_outgoing_mail()
    assert states()["one"][0] == "queued"
    assert "token-of-the-test" not in caplog.text


def test_what_is_noted_and_logged_quotes_nothing(postmark: Provider, caplog: pytest.LogCaptureFixture) -> None:
    queue("one")
    postmark.always = (422, {"ErrorCode": 300, "Message": "https://localhost/account/secret-link and Text."})
    with caplog.at_level(logging.DEBUG):
        send_outgoing_mail()
    for text in (caplog.text, states()["one"][1]):
        assert "secret-link" not in text
        assert "Text." not in text
        assert "token-of-the-test" not in text


# --- by SMTP --------------------------------------------------------------------------------------------------------


class Choosy:
    """aiosmtpd's hooks: what a server says to each step, by the recipient's first part."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    async def handle_RCPT(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("greylisted"):
            return "450 4.2.0 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # likewise
        if any(str(each).startswith("filtered") for each in envelope.rcpt_tos):
            return "554 5.7.1 looks like spam"
        self.kept += [str(each) for each in envelope.rcpt_tos]
        return "250 kept"


@pytest.fixture
def choosy(committed_db: CommittedDatabase, settings: Settings) -> Iterator[Choosy]:
    handler = Choosy()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=10)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = port
    yield handler
    controller.stop()


def test_one_mailbox_refused_one_busy_one_mail_filtered_and_the_others_go_out(choosy: Choosy) -> None:
    for name in ("nobody", "greylisted", "filtered", "anna", "boris"):
        queue(name, recipient=f"{name}@example.com")
    send_outgoing_mail()
    assert states() == {
        "nobody": ("failed", "SMTPRecipientsRefused 550"),
        "greylisted": ("queued", "SMTPRecipientsRefused 450"),
        "filtered": ("queued", "SMTPDataError 554"),
        "anna": ("sent", ""),
        "boris": ("sent", ""),
    }
    assert choosy.kept == ["anna@example.com", "boris@example.com"]


def test_a_mail_whose_address_is_none_does_not_stop_the_others(choosy: Choosy) -> None:
    queue("bad", recipient="anna@example.com\nBcc: thief@example.net")
    queue("good", recipient="boris@example.com")
    send_outgoing_mail()
    assert states()["good"] == ("sent", "")
    assert states()["bad"][0] == "queued"
    assert choosy.kept == ["boris@example.com"]


# --- the verdict by itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ConnectionRefusedError(), Trouble.SERVER),
        (TimeoutError(), Trouble.SERVER),
        (smtplib.SMTPServerDisconnected(), Trouble.SERVER),
        (smtplib.SMTPAuthenticationError(535, b"no"), Trouble.SERVER),
        (smtplib.SMTPSenderRefused(550, b"no", "a@b"), Trouble.SERVER),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"")}), Trouble.REFUSED),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b""), "c@d": (451, b"")}), Trouble.LATER),
        (smtplib.SMTPRecipientsRefused({}), Trouble.LATER),
        (AnymailRecipientsRefused(), Trouble.REFUSED),
        (ValueError("a header with a newline"), Trouble.LATER),
    ],
)
def test_whose_trouble_it_is(error: Exception, trouble: Trouble) -> None:
    assert verdict_on(error).trouble is trouble
