"""Alarms are told to those who may resolve them: once each, several in one mail."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.utils import timezone

from accounts.models import OutgoingMail
from tests.payouts.people import a_customer, staff
from tests.support.databases import CommittedDatabase
from treasury.alarm_mails import SHOWN_AT_MOST, tell_alarms
from treasury.alarms import raise_alarm, resolve_alarm
from treasury.tasks import tell_alarms as task


def raised(key: str, severity: str = "critical") -> None:
    raise_alarm(key=key, severity=severity, network="arbitrum", message=f"Something about {key}.")


def told() -> list[tuple[int, int]]:
    """(whom, how many alarms) of each mail, in the order of queueing."""
    return [
        (row.user_id, row.facts["count"])  # type: ignore[misc]  # they all have one
        for row in OutgoingMail.objects.filter(template="alarm_raised").order_by("id")
    ]


def test_a_critical_alarm_is_told_at_once_and_once(committed_db: CommittedDatabase) -> None:
    treasurer = staff("treasurer")
    staff("support")
    a_customer()
    raised("one")
    task()
    task()
    raised("one")  # seen again, not raised again
    task()
    assert told() == [(treasurer.pk, 1)]


def test_several_that_come_together_are_one_mail(committed_db: CommittedDatabase) -> None:
    treasurer = staff("treasurer")
    for number in range(SHOWN_AT_MOST + 5):
        raised(f"number:{number}")
    assert tell_alarms() == SHOWN_AT_MOST + 5
    assert told() == [(treasurer.pk, SHOWN_AT_MOST + 5)]
    assert len(OutgoingMail.objects.get().facts["alarms"]) == SHOWN_AT_MOST


def test_a_warning_that_resolves_itself_within_a_minute_is_not_told(committed_db: CommittedDatabase) -> None:
    staff("treasurer")
    raised("brief", "warning")
    raised("lasting", "warning")
    assert tell_alarms() == 0
    resolve_alarm(key="brief", actor_label="system:test")
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=False):
        assert tell_alarms() == 1
    assert OutgoingMail.objects.get().facts["alarms"][0]["key"] == "lasting"


def test_an_alarm_raised_anew_after_it_was_resolved_is_told_anew(committed_db: CommittedDatabase) -> None:
    staff("treasurer")
    for _time in range(2):
        raised("again")
        tell_alarms()
        resolve_alarm(key="again", actor_label="system:test")
    assert len(told()) == 2


def test_those_who_left_are_told_nothing(committed_db: CommittedDatabase) -> None:
    former = staff("treasurer")
    former.is_active = False
    former.save()
    raised("one")
    assert tell_alarms() == 1
    assert told() == []
