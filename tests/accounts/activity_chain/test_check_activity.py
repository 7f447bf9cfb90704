"""`manage.py check_activity` finds what no program of ours could have done, but somebody with the database could."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from psycopg import errors
from pytest_django import Settings

from accounts.activity_chain import Anchor, anchor_message, chain_health, link_entries
from accounts.activity_chain.encoding import BEFORE_THE_FIRST, COLUMNS, link_hash
from accounts.models import ActivityLink, ActivityLog
from tests.accounts.activity_chain.conftest import Write
from tests.support.databases import CommittedDatabase

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TODAY = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
INSERT_ANCHOR = (
    "INSERT INTO accounts_activityanchor (number, position, hash, signed_at, daily, signature)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
Sign = Callable[..., Anchor]
Report = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def sign(committed_db: CommittedDatabase, settings: Settings) -> Sign:
    """Anchors the head as the signer does."""
    settings.ADDRESS_POOL_PUBLIC_KEY = KEY.public_key().public_bytes_raw().hex()

    def make(number: int, *, at: dt.datetime = TODAY, key: Ed25519PrivateKey = KEY) -> Anchor:
        head = ActivityLink.objects.order_by("-position")[0]
        anchor = Anchor(number, head.position, bytes(head.hash), at, daily=number == 1)
        anchor = replace(anchor, signature=key.sign(anchor_message(anchor)))
        store(committed_db.signer_url, anchor)
        return anchor

    return make


def store(url: str, anchor: Anchor) -> None:
    with psycopg.connect(url, autocommit=True) as signer:
        values = [anchor.number, anchor.position, anchor.hash, anchor.signed_at, anchor.daily, anchor.signature]
        signer.execute(INSERT_ANCHOR, values)


@pytest.fixture
def log(write: Write, sign: Sign) -> list[int]:
    """Nine entries: three anchors, each after three more."""
    for number in (1, 2, 3):
        write(3)
        link_entries()
        sign(number, at=TODAY + dt.timedelta(days=number))
    return list(ActivityLog.objects.order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """The command's exit status, and its findings."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        status = 0
        try:
            call_command("check_activity", *arguments)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        output = capsys.readouterr().out.splitlines()
        return status, [line.removeprefix("FINDING ") for line in output if line.startswith("FINDING ")]

    return run


def test_an_untouched_log_passes_and_says_its_head(log: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_activity")
    output = capsys.readouterr().out
    head = ActivityLink.objects.get(pk=9)
    assert "9 links, 3 anchors; 0 entries wait for their link" in output
    assert f"head 9:{bytes(head.hash).hex()}" in output
    assert output.rstrip().endswith("the activity log is as it was written")


def test_an_empty_log_passes(committed_db: CommittedDatabase, report: Report) -> None:
    assert report() == (0, [])


@pytest.mark.parametrize(
    "change",
    [
        "at = at - interval '1 microsecond'",
        "actor_label = 'system:somebody'",
        "actor_id = 1",
        "action = action || ' '",
        "target_type = 'b.thing'",
        "target_id = target_id || '0'",
        "facts = facts || '{\"n\": 7}'",
        "facts = facts - 'n'",
        "ip_address = NULL",
        "ip_address = '2001:db8::8'",
        "user_agent = ''",
    ],
)
def test_a_changed_entry_is_found_whatever_was_changed(
    log: list[int], intruder: psycopg.Connection, report: Report, change: str
) -> None:
    intruder.execute(f"UPDATE accounts_activitylog SET {change} WHERE id = %s", [log[4]])
    intruder.commit()
    assert report() == (
        1, [f"changed: entry {log[4]} (position 5) is not what was linked: it, or its link, was changed"],
    )  # fmt: skip


@pytest.mark.parametrize("at", ["'infinity'", "'-infinity'", "at - interval '4051 years'", "at + interval '300 years'"])
def test_a_time_that_nobody_has_written_is_refused_and_found_and_blinds_nobody(
    log: list[int], intruder: psycopg.Connection, report: Report, at: str
) -> None:
    """The year 2026 before Christ is written as 2026 is, and infinity as nothing: the change would not be seen."""
    change = f"UPDATE accounts_activitylog SET at = {at} WHERE id = %s"
    with pytest.raises(errors.CheckViolation):
        intruder.execute(change, [log[4]])
    intruder.rollback()
    intruder.execute("SET session_replication_role = replica")
    intruder.execute("ALTER TABLE accounts_activitylog DROP CONSTRAINT activity_at_in_range")
    intruder.execute(change, [log[4]])
    intruder.commit()
    assert report() == (
        1,
        [
            "guard: accounts_activitylog.activity_at_in_range: the constraint is missing, or not validated",
            f"changed: entry {log[4]} (position 5) is not what was linked: it, or its link, was changed",
        ],
    )
    assert chain_health().head == 9


def test_a_time_that_nobody_has_written_in_a_new_entry_blinds_nobody(
    log: list[int], write: Write, intruder: psycopg.Connection
) -> None:
    last = write(1)[-1]
    intruder.execute("ALTER TABLE accounts_activitylog DROP CONSTRAINT activity_at_in_range")
    intruder.execute("UPDATE accounts_activitylog SET at = 'infinity' WHERE id = %s", [last])
    intruder.commit()
    assert chain_health().unlinked_seconds() > 300
    link_entries()
    assert chain_health().unanchored_since == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def test_one_row_with_a_huge_id_does_not_make_the_check_endless(
    log: list[int], intruder: psycopg.Connection, report: Report
) -> None:
    for number in (-(2**63), 2**63 - 1):
        intruder.execute(
            "INSERT INTO accounts_activitylog (id, at, actor_label, action, target_type, target_id, facts, user_agent)"
            " VALUES (%s, now() - interval '1 day', 'system:x', 'x', '', '', '{}', '')",
            [number],
        )
    intruder.commit()
    assert report() == (
        1,
        [
            f"inserted: entry {-(2**63)} has no link where all have one: it was put there later",
            f"unlinked: entry {2**63 - 1} is not linked yet: is the worker up?",
        ],
    )


def test_a_removed_entry_is_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("DELETE FROM accounts_activitylog WHERE id = %s", [log[4]])
    intruder.commit()
    assert report() == (
        1, [f"missing: entry {log[4]} (position 5) is missing: it was linked, and removed"],
    )  # fmt: skip


def test_an_entry_put_in_later_is_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute(
        "INSERT INTO accounts_activitylog (id, at, actor_label, action, target_type, target_id, facts, user_agent)"
        " SELECT 0, at, actor_label, action, target_type, target_id, facts, user_agent"
        " FROM accounts_activitylog WHERE id = %s",
        [log[0]],
    )
    intruder.commit()
    link_entries()
    assert report() == (1, ["inserted: entry 0 has no link where all have one: it was put there later"])


def test_two_entries_that_changed_places_are_found(
    log: list[int], intruder: psycopg.Connection, report: Report
) -> None:
    for old, new in ((log[3], 0), (log[5], log[3]), (0, log[5])):
        intruder.execute("UPDATE accounts_activitylog SET id = %s WHERE id = %s", [new, old])
    intruder.commit()
    status, found = report()
    assert status == 1
    assert [line.split(" is not")[0] for line in found] == [
        f"changed: entry {log[3]} (position 4)",
        f"changed: entry {log[5]} (position 6)",
    ]


def test_links_that_changed_places_are_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    for old, new in ((2, 100), (3, 2), (100, 3)):
        intruder.execute("UPDATE accounts_activitylink SET position = %s WHERE position = %s", [new, old])
    intruder.commit()
    status, found = report()
    assert status == 1
    assert {line.split(":")[0] for line in found} == {"link", "changed", "anchor"}


def test_a_changed_link_is_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("UPDATE accounts_activitylink SET hash = sha256(hash) WHERE position = 5")
    intruder.commit()
    status, found = report()
    assert status == 1
    assert found == [
        f"changed: entry {log[4]} (position 5) is not what was linked: it, or its link, was changed",
        "link: position 6 does not stand on position 5: a link was changed",
    ]


def test_removed_links_are_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("DELETE FROM accounts_activitylink WHERE position IN (5, 6)")
    intruder.commit()
    status, found = report()
    assert status == 1
    assert found[:3] == [
        "link: positions 5 to 6 missing: links were removed",
        "count: the chain ends at position 9 and has 7 links",
        "anchor: anchor 2 is of position 6, which is missing",
    ]
    assert [line.split(" has")[0] for line in found[3:]] == [f"inserted: entry {pk}" for pk in log[4:6]]


def test_a_link_that_is_there_twice_is_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("ALTER TABLE accounts_activitylink DROP CONSTRAINT accounts_activitylink_pkey CASCADE")
    intruder.execute(
        "INSERT INTO accounts_activitylink (position, previous_hash, hash, entry_id)"
        " SELECT position, previous_hash, hash, 0 FROM accounts_activitylink WHERE position = 5"
    )
    intruder.commit()
    status, found = report()
    assert status == 1
    assert "link: position 5 is there twice" in found
    assert "count: the chain ends at position 9 and has 10 links" in found


def rewrite(intruder: psycopg.Connection) -> None:
    """Every link anew, right in itself: what somebody does who knows how it is made."""
    before = BEFORE_THE_FIRST
    query = f"SELECT k.position, {', '.join(COLUMNS.values())} FROM accounts_activitylink k JOIN accounts_activitylog l"
    for position, *columns in intruder.execute(f"{query} ON l.id = k.entry_id ORDER BY 1").fetchall():
        digest = link_hash(position=position, previous_hash=before, columns=columns)
        intruder.execute(
            "UPDATE accounts_activitylink SET previous_hash = %s, hash = %s WHERE position = %s",
            [before, digest, position],
        )
        before = digest
    intruder.commit()


def test_a_chain_that_was_written_anew_contradicts_its_anchors(
    log: list[int], intruder: psycopg.Connection, report: Report
) -> None:
    intruder.execute("UPDATE accounts_activitylog SET action = 'nothing.happened' WHERE id = %s", [log[4]])
    rewrite(intruder)
    then = "had another hash when it was signed"
    assert report() == (
        1,
        [
            f"anchor: anchor 2: position 6 {then} (2026-11-25 12:00 UTC): the chain was written anew",
            f"anchor: anchor 3: position 9 {then} (2026-11-26 12:00 UTC): the chain was written anew",
        ],
    )


def test_a_head_that_was_kept_elsewhere_contradicts_a_chain_without_its_anchors(
    log: list[int], intruder: psycopg.Connection, report: Report
) -> None:
    kept = f"9:{bytes(ActivityLink.objects.get(pk=9).hash).hex()}"
    assert report("--head", kept) == (0, [])
    intruder.execute("DELETE FROM accounts_activityanchor WHERE number > 1")
    intruder.execute("UPDATE accounts_activitylog SET action = 'nothing.happened' WHERE id = %s", [log[4]])
    rewrite(intruder)
    assert report("--pending-minutes", "1000000") == (0, [])  # this database alone does not know: the signer does
    status, found = report("--pending-minutes", "1000000", "--head", kept, "--head", f"77:{'0' * 64}")
    assert status == 1
    assert found == [
        "head: position 9 has another hash than the head that was kept elsewhere",
        "head: position 77 is not in the chain; a head of it was kept elsewhere",
    ]


def test_a_forged_anchor_is_found(
    log: list[int], intruder: psycopg.Connection, committed_db: CommittedDatabase, report: Report, sign: Sign
) -> None:
    intruder.execute("UPDATE accounts_activitylog SET action = 'nothing.happened' WHERE id = %s", [log[7]])
    rewrite(intruder)
    intruder.execute("DELETE FROM accounts_activityanchor WHERE number = 3")
    intruder.commit()
    sign(3, key=Ed25519PrivateKey.generate())
    assert report() == (1, ["anchor: anchor 3 does not carry the signer's signature"])


@pytest.mark.parametrize("change", ["position = 5", "signed_at = signed_at + interval '1 second'", "daily = true"])
def test_a_changed_anchor_is_found(log: list[int], intruder: psycopg.Connection, report: Report, change: str) -> None:
    intruder.execute(f"UPDATE accounts_activityanchor SET {change} WHERE number = 2")
    intruder.commit()
    status, found = report()
    assert status == 1
    assert "anchor: anchor 2 does not carry the signer's signature" in found


def test_a_removed_anchor_is_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("DELETE FROM accounts_activityanchor WHERE number = 2")
    intruder.commit()
    assert report() == (1, ["anchor: anchors 2 to 2 missing: they were removed"])


def test_guards_that_were_switched_off_are_found(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("ALTER TABLE accounts_activitylog DISABLE TRIGGER append_only_rows")
    intruder.execute("DROP TRIGGER append_only_table ON accounts_activityanchor")
    intruder.execute("GRANT UPDATE ON accounts_activitylink TO exchequer_app")
    intruder.execute("GRANT INSERT ON accounts_activitylinking TO exchequer_signer")
    intruder.commit()
    status, found = report()
    assert status == 1
    assert sorted(found) == [
        "guard: accounts_activityanchor.append_only_table: the trigger is missing",
        "guard: accounts_activitylog.append_only_rows: the trigger is disabled",
        "guard: exchequer_app on accounts_activitylink: may UPDATE",
        "guard: exchequer_signer on accounts_activitylinking: may INSERT",
    ]


ANEW = "DROP TRIGGER append_only_rows ON accounts_activitylog; CREATE TRIGGER append_only_rows BEFORE"
OTHER_TRIGGER = "accounts_activitylog.append_only_rows: the trigger is not the one of the migrations"
REFUSE, LINK = "exchequer_refuse_change()", "exchequer_link_activity(integer)"
IN_RANGE = "CONSTRAINT activity_at_in_range"
HOLLOW = {
    f"{ANEW} UPDATE OR DELETE ON accounts_activitylog FOR EACH ROW EXECUTE FUNCTION let_it_be()": OTHER_TRIGGER,
    f"{ANEW} DELETE ON accounts_activitylog FOR EACH ROW EXECUTE FUNCTION {REFUSE}": OTHER_TRIGGER,
    f"{ANEW} UPDATE OF at OR DELETE ON accounts_activitylog FOR EACH ROW EXECUTE FUNCTION {REFUSE}": OTHER_TRIGGER,
    f"{ANEW} UPDATE OR DELETE ON accounts_activitylog FOR EACH ROW WHEN (OLD.id < 0) EXECUTE FUNCTION {REFUSE}": (
        OTHER_TRIGGER
    ),
    f"CREATE OR REPLACE FUNCTION {REFUSE} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": (
        f"{REFUSE}: the function is not the one of the migrations"
    ),
    f"ALTER FUNCTION {LINK} RESET ALL": f"{LINK}: the function is not the one of the migrations",
    f"ALTER FUNCTION {LINK} RENAME TO another": f"{LINK}: the function is missing",
    "GRANT UPDATE (hash) ON accounts_activitylink TO exchequer_app": (
        "exchequer_app on accounts_activitylink: may UPDATE"
    ),
    (
        f"ALTER TABLE accounts_activitylog DROP {IN_RANGE};"
        f" ALTER TABLE accounts_activitylog ADD {IN_RANGE} CHECK (at > '1900-01-01') NOT VALID"
    ): "accounts_activitylog.activity_at_in_range: the constraint is missing, or not validated",
}


@pytest.mark.parametrize(("change", "found"), HOLLOW.items())
def test_guards_that_only_look_as_they_should_are_found(
    log: list[int], intruder: psycopg.Connection, report: Report, change: str, found: str
) -> None:
    intruder.execute("CREATE FUNCTION let_it_be() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
    intruder.execute(change)
    intruder.commit()
    assert report() == (1, [f"guard: {found}"])


def test_what_was_just_written_waits_and_is_a_finding_only_when_it_waits_too_long(
    log: list[int], write: Write, report: Report
) -> None:
    ids = write(2)
    assert report() == (0, [])
    assert report("--pending-minutes", "0") == (
        1, [f"unlinked: entry {pk} is not linked yet: is the worker up?" for pk in ids[-2:]],
    )  # fmt: skip
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=6), tick=True):
        assert report()[0] == 1


def test_links_that_wait_for_their_anchor_too_long_are_a_finding(log: list[int], write: Write, report: Report) -> None:
    write(2)
    link_entries()
    status, found = report()
    assert (status, found) == (0, [])  # the last anchor is of the future here
    with time_machine.travel(TODAY + dt.timedelta(days=3650), tick=True):
        status, found = report()
    assert found == ["unanchored: positions 10 to 11 have no anchor: is the signer up? Its log says if it refuses"]


def test_a_shorter_check_believes_what_its_anchor_vouches_for(
    log: list[int], intruder: psycopg.Connection, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    intruder.execute("UPDATE accounts_activitylog SET action = 'x' WHERE id = ANY(%s)", [[log[1], log[7]]])
    intruder.commit()
    last = [f"changed: entry {log[7]} (position 8) is not what was linked: it, or its link, was changed"]
    assert report("--from-anchor", "2") == (1, last)
    assert report("--since", "2026-11-26") == (1, last)
    assert report("--since", "2026-11-27") == (0, [])
    assert len(report("--since", "2020-01-01")[1]) == 2
    with pytest.raises(CommandError, match="no anchor 9"):
        call_command("check_activity", "--from-anchor", "9")
    intruder.execute("UPDATE accounts_activitylink SET hash = sha256(hash) WHERE position = 6")
    intruder.commit()
    with pytest.raises(CommandError, match="check from the beginning"):
        call_command("check_activity", "--from-anchor", "2")


def test_anchors_are_checked_with_the_key_that_is_given(log: list[int], report: Report, settings: Settings) -> None:
    key = settings.ADDRESS_POOL_PUBLIC_KEY
    settings.ADDRESS_POOL_PUBLIC_KEY = ""
    assert len(report()[1]) == 3
    assert report("--public-key", key) == (0, [])


def test_many_findings_of_a_kind_are_cut_short(log: list[int], intruder: psycopg.Connection, report: Report) -> None:
    intruder.execute("UPDATE accounts_activitylog SET action = 'x'")
    intruder.commit()
    status, found = report("--limit", "2")
    assert status == 1
    assert len(found) == 3
    assert found[-1] == "changed: and 7 more"
