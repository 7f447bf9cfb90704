"""A mail is queued with its fact, and sent once by whoever comes first."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts import delivery, mail
from accounts.models import OutgoingMail
from accounts.outbox import Mail, queue_mail, queue_mails
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher
from tests.support.sessions import ended_sessions


def queue(key: str, **changes: object) -> None:
    queue_mail(key=key, template="plain", facts={"heading": f"Heading {key}", "text": "Text."}, **changes)  # type: ignore[arg-type]  # by name


@pytest.mark.django_db
def test_it_speaks_the_persons_language() -> None:
    for language in ("ru", "en"):
        queue(language, user=a_customer(language=language))
    assert list(OutgoingMail.objects.order_by("id").values_list("language", flat=True)) == ["ru", "en"]


@pytest.mark.django_db
def test_a_fact_is_told_once() -> None:
    user = a_customer()
    queue("one", user=user)
    queue("one", user=user)
    queue_mails([Mail("one", "plain", user.pk), Mail("two", "plain", user.pk)])
    assert OutgoingMail.objects.count() == 2


@pytest.mark.django_db
def test_a_mail_that_nobody_can_render_fails_where_it_is_queued() -> None:
    with pytest.raises(KeyError):
        queue_mail(key="x", template="unheard-of", user=a_customer())


def test_a_fact_that_is_rolled_back_is_not_told(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    user = a_customer()
    with transaction.atomic():
        queue("one", user=user)
        transaction.set_rollback(True)
    send_outgoing_mail()
    assert not mail_catcher.messages()


def test_a_queued_mail_arrives_whole(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    user = a_customer()
    queue_mail(
        key="k", template="plain", user=user, facts={"heading": "Привет", "text": "Строка.\n" * 200}, language="ru"
    )
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=user.email)
    assert caught.subject == "Привет"
    assert caught.text.count("Строка.") == 200
    row = OutgoingMail.objects.get()
    assert (row.state, row.attempts) == ("sent", 1)


def test_workers_at_once_send_each_mail_once(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    user = a_customer()
    for number in range(30):
        queue(str(number), user=user)
    in_threads(4)
    mail_catcher.wait_for(to=user.email)
    assert len(mail_catcher.messages()) == 30
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {"sent"}


def in_threads(count: int) -> None:
    def run() -> None:
        try:
            send_outgoing_mail()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_while_one_sends_nobody_else_does(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    """So a backlog takes one thread of the worker, not all of them."""
    queue("one", user=a_customer())
    with ended_sessions(), psycopg.connect(committed_db.app_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [delivery.SENDER_LOCK])
        assert delivery.send_due_mail() == 0
        assert OutgoingMail.objects.get().attempts == 0
    assert delivery.send_due_mail() == 1
    with psycopg.connect(committed_db.app_url, autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [delivery.SENDER_LOCK]).fetchone() == (True,)


def test_a_server_that_is_away_is_tried_again_ever_less_often_and_for_as_long_as_it_takes(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher, settings: Settings
) -> None:
    queue("one", user=a_customer())
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    waits = []
    now = timezone.now() + timedelta(seconds=1)
    for _attempt in range(2 * delivery.ATTEMPTS_MAX):
        with time_machine.travel(now, tick=False):
            send_outgoing_mail()
            row = OutgoingMail.objects.get()
            waits.append((row.next_attempt_at - timezone.now()).total_seconds())
        now = row.next_attempt_at
    assert waits[0] == 5
    assert waits == sorted(waits)
    assert waits[-1] == delivery.SERVER_BACK_OFF_MAX_SECONDS
    assert (row.state, row.attempts, row.last_error) == ("queued", 0, "ConnectionRefusedError")
    settings.EMAIL_PORT = port
    with time_machine.travel(now, tick=False):
        send_outgoing_mail()
    assert OutgoingMail.objects.get().state == "sent"


def test_a_mail_with_a_trouble_of_its_own_is_given_up_in_the_end(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    queue_mail(key="broken", template="security_notice", user=a_customer(), facts={"kind": "unheard-of"})
    OutgoingMail.objects.update(attempts=delivery.ATTEMPTS_MAX - 1)
    send_outgoing_mail()
    assert OutgoingMail.objects.get().state == "failed"


def test_a_worker_that_dies_with_a_claim_leaves_the_mail_to_the_next(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    queue("one", user=a_customer())
    assert len(delivery._claim()) == 1  # and nothing after it: killed
    send_outgoing_mail()
    assert not mail_catcher.messages()
    with time_machine.travel(timezone.now() + timedelta(seconds=delivery.CLAIM_SECONDS + 1), tick=False):
        send_outgoing_mail()
    assert len(mail_catcher.messages()) == 1


def test_a_mail_that_cannot_be_rendered_does_not_stop_the_others(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    queue_mail(key="broken", template="security_notice", user=user, facts={"kind": "unheard-of"})
    queue("good", user=user)
    send_outgoing_mail()
    assert [each.subject for each in mail_catcher.messages()] == ["Heading good"]
    assert OutgoingMail.objects.get(key="broken").last_error == "KeyError"


def test_a_mail_whose_fact_has_passed_is_dropped(committed_db: CommittedDatabase, mail_catcher: MailCatcher) -> None:
    queue_mail(
        key="late", template="verify_email", user=a_customer(), facts={"user_id": 10**9, "email": "x@example.com"}
    )
    send_outgoing_mail()
    row = OutgoingMail.objects.get()
    assert (row.state, row.last_error) == ("dropped", "the address is verified or gone")
    assert not mail_catcher.messages()


def test_every_attempt_has_the_same_message_id() -> None:
    assert mail.message_id("a") == mail.message_id("a") != mail.message_id("b")
    assert mail.message_id("a").endswith("@exchequer.localhost>")
