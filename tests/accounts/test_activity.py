"""The audit."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import RequestFactory
from pytest_django import Settings

from accounts import activity
from accounts.activity import Entry, Origin, origin_of
from accounts.models import ActivityLog, Customer
from tests.payouts.people import a_customer

pytestmark = pytest.mark.django_db


def test_a_line_says_who_what_and_from_where() -> None:
    user = a_customer()
    request = RequestFactory().get("/", headers={"user-agent": "Firefox " * 100}, REMOTE_ADDR="192.0.2.9")
    activity.record(actor=user, action="thing.done", target=user, facts={"n": 10**30}, request=request)
    line = ActivityLog.objects.get()
    assert (line.actor, line.actor_label, line.action) == (user, user.email, "thing.done")
    assert (line.target_type, line.target_id, line.facts) == ("accounts.user", str(user.pk), {"n": 10**30})
    assert (line.ip_address, len(line.user_agent)) == ("192.0.2.9", 400)


def test_a_process_is_named() -> None:
    activity.record(actor=None, action="thing.done", target=("a.thing", "7"), process="watcher")
    line = ActivityLog.objects.get()
    assert (line.actor, line.actor_label, line.target_type, line.target_id) == (None, "system:watcher", "a.thing", "7")


def test_a_proxy_is_named_as_what_it_stands_for() -> None:
    customer = Customer.objects.get(pk=a_customer().pk)
    activity.record(actor=None, action="thing.done", target=customer)
    assert ActivityLog.objects.get().target_type == "accounts.user"


def test_many_lines_are_one_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # pytest-django's
        activity.record_many(Entry("thing.done", process="x") for _number in range(50))
    assert ActivityLog.objects.count() == 50


def test_what_is_written_stays() -> None:
    activity.record(actor=None, action="thing.done", process="x")
    for deed in (lambda: ActivityLog.objects.update(action="other"), lambda: ActivityLog.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


def test_an_address_is_taken_from_behind_the_trusted_proxies_only(settings: Settings) -> None:
    request = RequestFactory().get("/", headers={"x-forwarded-for": "203.0.113.5"}, REMOTE_ADDR="192.0.2.9")
    assert origin_of(request) == Origin("192.0.2.9", "")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert origin_of(request).ip_address == "203.0.113.5"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert origin_of(request).ip_address is None
