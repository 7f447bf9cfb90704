"""Mails that do not leave are an alarm."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OutgoingMail
from accounts.outbox import queue_mail
from treasury.mail_watch import watch_mail
from treasury.models import Alarm

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def queued(key: str, *, ago: timedelta, **changes: object) -> None:
    queue_mail(key=key, template="plain", recipient=f"{key}@example.com", facts={"heading": "x", "text": "x"})
    OutgoingMail.objects.filter(key=key).update(queued_at=timezone.now() - ago, **changes)


def alarm() -> Alarm | None:
    watch_mail()
    return Alarm.objects.filter(key="mail-late", resolved_at=None).first()


def test_mails_that_have_waited_for_half_an_hour_are_an_alarm_until_they_leave() -> None:
    queued("new", ago=timedelta(minutes=29))
    assert alarm() is None
    queued("old", ago=timedelta(minutes=31), last_error="ConnectionRefusedError")
    raised = alarm()
    assert raised is not None
    assert raised.severity == "critical"
    assert (raised.facts["waiting"], raised.facts["last_error"]) == (2, "ConnectionRefusedError")
    assert 1860 <= raised.facts["seconds"] < 1900
    OutgoingMail.objects.update(state="sent", sent_at=timezone.now())
    assert alarm() is None


def test_one_mail_that_nobody_takes_is_none() -> None:
    queued("odd", ago=HOUR, attempts=9)
    assert alarm() is None


def test_when_no_mail_of_anybody_is_taken_it_is_one_whatever_the_carrier_says() -> None:
    queued("one", ago=HOUR, attempts=9)
    queued("two", ago=HOUR, attempts=9)
    assert alarm() is not None
    queued("three", ago=HOUR, state="sent", sent_at=timezone.now())
    assert alarm() is None
