"""The audit's pages: found by what one knows, shown with what vouches for it, and taken out with a step-up only."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import activity, activity_export
from accounts.activity import Entry, Origin
from accounts.activity_chain import link_entries
from accounts.activity_export import HEADER, NotAllowed, export_activity
from accounts.activity_search import Wanted
from accounts.models import ActivityLink, ActivityLog
from accounts.staff.csv_files import BYTE_ORDER_MARK, csv_chunks, harmless
from tests.accounts.activity_chain.test_check_activity import rewrite
from tests.payouts.people import a_customer, staff
from tests.portal.admin.conftest import SignedIn
from tests.support.databases import CommittedDatabase
from tests.support.factors import code_of, person_of, proven
from tests.support.paying import Signer
from tests.support.suite import Share
from treasury import signing

PAGE, EXPORT = "admin:accounts_activitylog_changelist", "admin:accounts_activitylog_export"
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def actions(client: Client, **query: str) -> set[str]:
    shown = client.get(reverse(PAGE), query).content.decode()
    return set(re.findall(r"test\.[a-z]+(?=</span>)", shown))


def exported(client: Client, **given: str) -> list[dict[str, str]]:
    answer = client.post(reverse(EXPORT), {"code": code_of(person_of(client)), **given})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="activity-[0-9-]+\.csv"', answer.headers["Content-Disposition"])
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming answer's
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def refusal(client: Client, **given: str) -> str:
    answer = client.post(reverse(EXPORT), {"code": code_of(person_of(client)), **given})
    assert answer.status_code == 200
    assert "Content-Disposition" not in answer.headers
    return answer.content.decode()


@pytest.fixture
def log() -> Iterator[Any]:
    customer = a_customer()
    with time_machine.travel(NOON - dt.timedelta(days=2)):
        activity.record(actor=customer, action="test.first", target=customer, origin=Origin("192.0.2.9", "Firefox"))
    with time_machine.travel(NOON, tick=False):
        activity.record(actor=None, action="test.second", target=("thing", "7"), process="test")
        activity.record(actor=customer, action="test.third", origin=Origin("2001:db8::7", "Firefox"))
    return customer


@pytest.mark.django_db
def test_it_is_searched_by_actor_action_target_period_and_address(log: Any, signed_in: SignedIn) -> None:
    client, _person = signed_in("finance")
    for query, found in {
        "": {"test.first", "test.second", "test.third"},
        f"q={log.email}": {"test.first", "test.third"},
        "q=thing:7": {"test.second"},
        "q=nobody@example.com": set(),
        "action=test.second": {"test.second"},
        "ip=192.0.2.9": {"test.first"},
        "ip=2001:DB8:0::7": {"test.third"},
        "ip=nonsense": {"test.first", "test.second", "test.third"},
        "since=2026-11-22": {"test.second", "test.third"},
        "until=2026-11-22": {"test.first"},
        f"since=2026-11-23&q={log.email}&ip=2001:db8::7": {"test.third"},
    }.items():
        assert actions(client, **dict(part.split("=", 1) for part in query.split("&") if part)) == found, query


def test_each_entry_says_whether_it_is_linked_and_anchored(
    committed_db: CommittedDatabase, signer: Signer, signed_in: SignedIn, settings: Settings
) -> None:
    client, _person = signed_in("finance")

    def shown(entry: ActivityLog) -> tuple[str, str]:
        listed = client.get(reverse(PAGE), {"action": entry.action}).content.decode()
        page = client.get(reverse("admin:accounts_activitylog_change", args=[entry.pk])).content.decode()
        (label,) = set(re.findall(r"x-label[^>]*>([^<]+)<", listed))
        return label, page

    activity.record(actor=None, action="test.first", process="test")
    entry = ActivityLog.objects.get(action="test.first")
    assert shown(entry)[0] == "Not linked yet"
    link_entries()
    link = ActivityLink.objects.get(entry=entry)
    label, page = shown(entry)
    assert label == "Linked"
    assert bytes(link.hash).hex() in page
    with signer.role():
        signing.anchor_activity()
    label, page = shown(entry)
    assert label == "Anchored"
    assert "Anchor 1 ·" in page
    settings.ADDRESS_POOL_PUBLIC_KEY = "00" * 32
    label, page = shown(entry)
    assert label == "Linked"
    assert "whose signature is NOT the signer" in page


def test_a_rewritten_entry_is_not_shown_as_anchored(
    committed_db: CommittedDatabase, signer: Signer, signed_in: SignedIn, share: Share
) -> None:
    client, _person = signed_in("finance")
    actions = ("test.first", "test.second", "test.third")
    for action in actions:
        activity.record(actor=None, action=action, process="test")
    link_entries()
    with signer.role():
        signing.anchor_activity()

    def shown() -> list[str]:
        lists = [client.get(reverse(PAGE), {"action": action}).content.decode() for action in actions]
        return [label for listed in lists for label in re.findall(r"x-label[^>]*>([^<]+)<", listed)]

    assert shown() == ["Anchored"] * 3
    changed = ActivityLog.objects.get(action="test.second")
    with share.services.postgres().connect(committed_db.name) as intruder:
        intruder.execute("SET session_replication_role = replica")
        intruder.execute("UPDATE accounts_activitylog SET target_id = '8' WHERE id = %s", [changed.pk])
        intruder.commit()
        assert shown() == ["Anchored", "NOT what was linked", "Anchored"]
        rewrite(intruder)
    assert shown() == ["Linked"] * 3
    page = client.get(reverse("admin:accounts_activitylog_change", args=[changed.pk])).content.decode()
    assert "which is NOT of this chain" in page


@pytest.mark.django_db
def test_an_export_holds_what_was_asked_for_and_is_itself_in_the_audit(log: Any, signed_in: SignedIn) -> None:
    client, person = signed_in("admin")
    link_entries()
    (row,) = exported(client, actor=log.email.upper(), since="2026-11-23", until="2026-11-23", ip_address="2001:db8::7")
    entry = ActivityLog.objects.get(action="test.third")
    assert list(row) == list(HEADER)
    assert row == {
        "id": str(entry.pk), "at": "2026-11-23T12:00:00.000000+00:00", "actor_id": str(log.pk), "actor": log.email,
        "action": "test.third", "target_type": "", "target_id": "", "facts": "{}", "ip_address": "2001:db8::7",
        "user_agent": "Firefox", "position": str(entry.link.position), "hash": bytes(entry.link.hash).hex(),
    }  # fmt: skip
    noted = ActivityLog.objects.get(action="activity.exported")
    assert noted.actor == person
    assert noted.facts == {
        "entries": 1, "up_to": entry.pk, "actor": log.email.upper(), "ip_address": "2001:db8::7",
        "since": "2026-11-23", "until": "2026-11-23",
    }  # fmt: skip
    assert noted.ip_address == "127.0.0.1"


@pytest.mark.django_db
def test_pages_and_pieces_leave_nothing_out(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_export, "PAGE", 3)
    activity.record_many(Entry("test.many", process="test", facts={"n": number}) for number in range(10))
    client, _person = signed_in("admin")
    rows = exported(client, action="test.many")
    assert [json.loads(row["facts"])["n"] for row in rows] == list(range(10))
    assert [row["hash"] for row in rows] == [""] * 10


@pytest.mark.django_db
def test_more_than_the_limit_is_refused_in_words(
    log: Any, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _person = signed_in("admin")
    monkeypatch.setattr(activity_export, "MOST_ENTRIES", 2)
    assert "More than 2 entries match: choose a shorter period" in refusal(client)
    assert len(exported(client, actor=log.email)) == 2
    assert "No entry matches." in refusal(client, action="test.nowhere")
    assert ActivityLog.objects.filter(action="activity.exported").count() == 1


@pytest.mark.django_db
def test_without_the_step_up_nothing_leaves(log: Any, signed_in: SignedIn) -> None:
    client, person = signed_in("admin")
    assert "The code is not right" in refusal(client, code="000000")
    assert "Confirm that it is you" in refusal(client, code="")
    assert not ActivityLog.objects.filter(action="activity.exported").exists()
    assert ActivityLog.objects.filter(action="step_up.failed", actor=person).count() == 1


@pytest.mark.django_db
def test_who_may_not_export_is_refused_by_the_operation_too(log: Any, signed_in: SignedIn) -> None:
    client, _person = signed_in("finance")
    assert client.get(reverse(EXPORT)).status_code == 403
    assert client.post(reverse(EXPORT), {"code": "000000"}).status_code == 403
    assert "Export as CSV" not in client.get(reverse(PAGE)).content.decode()
    colleague = staff("finance")
    with pytest.raises(NotAllowed):
        export_activity(actor=colleague, wanted=Wanted(), step_up=proven(colleague))


@pytest.mark.django_db
def test_the_button_leads_to_the_page(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin")
    assert f'href="{reverse(EXPORT)}"' in client.get(reverse(PAGE)).content.decode()
    assert 'name="ip_address"' in client.get(reverse(EXPORT)).content.decode()
    assert client.put(reverse(EXPORT)).status_code == 405


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0@x", "＝1"])
def test_a_cell_that_a_spreadsheet_would_carry_out_is_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_other_cells_stay_as_they_are() -> None:
    for text in ("", "a=b", "{}", "1", "имя", "'"):
        assert harmless(text) == text
    file = b"".join(csv_chunks(["n", "t"], ([-number, f"=T{number}\n"] for number in range(2_500)))).decode()
    assert file.startswith("\ufeffn,t\r\n0,")
    rows = list(csv.reader(io.StringIO(file.removeprefix("\ufeff"))))
    assert len(rows) == 2_501
    assert rows[-1] == ["-2499", "'=T2499\n"]


@pytest.mark.django_db
def test_hostile_entries_are_harmless_in_the_file(signed_in: SignedIn) -> None:
    activity.record(
        actor=None, action="test.hostile", target=("=cmd|' /C calc'!A0", "+7"), process="x",
        origin=Origin(None, "@SUM(1)"), facts={"=a": 'he said "=1"'},
    )  # fmt: skip
    client, _person = signed_in("admin")
    (row,) = exported(client, action="test.hostile")
    assert (row["target_type"], row["target_id"], row["user_agent"]) == ("'=cmd|' /C calc'!A0", "'+7", "'@SUM(1)")
    assert json.loads(row["facts"]) == {"=a": 'he said "=1"'}


@pytest.mark.django_db
def test_the_overview_says_when_the_chain_is_behind(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin")
    link_entries()
    assert "Up to date" in client.get(reverse("admin:index")).content.decode()
    with time_machine.travel(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=20)):
        activity.record(actor=None, action="test.late", process="test")
    assert "20 min behind" in client.get(reverse("admin:index")).content.decode()
