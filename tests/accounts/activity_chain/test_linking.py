"""Every entry gets its link, whatever the order of commits, once, and no writer waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, models, transaction
from psycopg import errors

from accounts.activity_chain import encoding, link_entries
from accounts.activity_chain.encoding import BEFORE_THE_FIRST, COLUMNS, link_hash, netstring
from accounts.models import ActivityLink, ActivityLinking, ActivityLog
from accounts.tasks import link_activity
from tests.accounts.activity_chain.conftest import Write
from tests.support.databases import CommittedDatabase
from tests.support.sessions import ended_sessions

INSERT = (
    "INSERT INTO accounts_activitylog (at, actor_label, action, target_type, target_id, facts, user_agent)"
    " VALUES (now(), 'system:test', 'thing.done', '', '', '{}', '') RETURNING id"
)


def linked() -> list[int]:
    """The entries in the order of the chain, which is whole."""
    rows = list(ActivityLink.objects.order_by("position"))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    before = BEFORE_THE_FIRST
    for row in rows:
        assert bytes(row.previous_hash) == before
        assert bytes(row.hash) == link_hash(
            position=row.position, previous_hash=before, columns=columns_of(row.entry_id)
        )
        before = bytes(row.hash)
    return [row.entry_id for row in rows]


def columns_of(entry_id: int) -> list[str | None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS.values())} FROM accounts_activitylog l WHERE id = %s", [entry_id])
        return list(cursor.fetchone())


def test_every_entry_is_linked_in_the_order_of_ids_and_once(committed_db: CommittedDatabase, write: Write) -> None:
    assert link_entries() == 0
    ids = write(7)
    assert link_entries(batch=3) == 7
    assert linked() == ids
    assert link_entries() == 0
    ids = write(2)
    link_activity()
    assert linked() == ids


def test_a_run_ends_at_its_most_and_the_next_goes_on(committed_db: CommittedDatabase, write: Write) -> None:
    ids = write(9)
    assert link_entries(batch=2, most=5) == 5
    assert link_entries(batch=2) == 4
    assert linked() == ids


def test_the_hash_covers_every_column_of_the_table() -> None:
    columns = [field.column for field in ActivityLog._meta.concrete_fields]
    assert sorted(COLUMNS) == sorted(columns)
    assert all(isinstance(field, models.Field) for field in ActivityLog._meta.concrete_fields)


def test_no_two_entries_are_written_alike() -> None:
    def digest(*columns: str | None) -> bytes:
        return link_hash(position=1, previous_hash=BEFORE_THE_FIRST, columns=columns)

    alike = [("ab", ""), ("a", "b"), ("", "ab"), ("2:ab,", None), (None, "2:ab,"), (None, None), ("", ""), ("~,", "")]
    assert len({digest(*columns) for columns in alike}) == len(alike)
    assert netstring("яё") == "4:яё,"
    assert encoding.PREFIX.endswith(":v1,")


@pytest.mark.parametrize("pause_first", [True, False])
def test_an_entry_that_commits_late_with_a_lower_id_is_not_missed(
    committed_db: CommittedDatabase, pause_first: bool
) -> None:
    with psycopg.connect(committed_db.app_url) as slow, psycopg.connect(committed_db.app_url) as fast:
        first = slow.execute(INSERT).fetchone()
        second = fast.execute(INSERT).fetchone()
        fast.commit()
        assert first
        assert second
        assert first[0] < second[0]
        if pause_first:
            assert link_entries() == 1
            assert link_entries() == 0
            assert ActivityLinking.objects.get().complete_to < first[0]
        slow.commit()
    for _ in range(3):
        link_entries()
    assert linked() == ([second[0], first[0]] if pause_first else [first[0], second[0]])
    assert ActivityLinking.objects.get().complete_to == second[0]


def test_with_writers_always_at_work_the_linker_still_gets_to_know_what_is_complete(
    committed_db: CommittedDatabase,
) -> None:
    """There is always somebody who may bring an entry, but never the same for long."""
    connection_urls = [committed_db.app_url] * 2
    writers = [psycopg.connect(url) for url in connection_urls]
    ids = []
    try:
        writers[0].execute(INSERT)
        for turn in range(1, 9):
            found = writers[turn % 2].execute(INSERT).fetchone()
            assert found
            ids.append(found[0])
            writers[(turn + 1) % 2].commit()
            link_entries()
        assert ActivityLinking.objects.get().complete_to >= ids[4]
    finally:
        for writer in writers:
            writer.commit()
            writer.close()
    link_entries()
    assert sorted(linked()) == list(ActivityLog.objects.order_by("pk").values_list("pk", flat=True))


def test_one_that_was_rolled_back_leaves_no_gap_in_the_chain(committed_db: CommittedDatabase, write: Write) -> None:
    with psycopg.connect(committed_db.app_url) as slow:
        slow.execute(INSERT)
        ids = write(2)
        link_entries()
        slow.rollback()
    assert link_entries() == 0
    assert linked() == ids
    assert ActivityLinking.objects.get().complete_to == ids[-1]


def test_writers_do_not_wait_for_the_linker_nor_it_for_them(committed_db: CommittedDatabase, write: Write) -> None:
    write(3)
    with psycopg.connect(committed_db.app_url) as linker, psycopg.connect(committed_db.app_url) as writer:
        assert linker.execute("SELECT exchequer_link_activity(10)").fetchone() == (3,)
        writer.execute("SET lock_timeout = '1s'")
        writer.execute(INSERT)
        writer.commit()
    assert link_entries() == 1


def test_while_one_links_another_finds_nothing_to_do(committed_db: CommittedDatabase, write: Write) -> None:
    ids = write(3)
    with psycopg.connect(committed_db.app_url) as other:
        assert other.execute("SELECT exchequer_link_activity(2)").fetchone() == (2,)
        assert link_entries() == 0
        other.commit()
    assert link_entries() == 1
    assert linked() == ids


def test_linkers_and_writers_all_at_once_link_everything_once(committed_db: CommittedDatabase, write: Write) -> None:
    done = threading.Event()

    def run_linker() -> None:
        while not done.is_set():
            link_entries(batch=7)
        connections.close_all()

    def run_writer() -> None:
        for _ in range(15):
            with transaction.atomic():
                write(3)
                time.sleep(0.001)
        connections.close_all()

    linkers = [threading.Thread(target=run_linker) for _ in range(2)]
    writers = [threading.Thread(target=run_writer) for _ in range(4)]
    for thread in linkers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in linkers:
        thread.join()
    link_entries()
    assert sorted(linked()) == list(ActivityLog.objects.order_by("pk").values_list("pk", flat=True))
    assert ActivityLink.objects.count() == 4 * 15 * 3


@pytest.mark.faults
@pytest.mark.parametrize("when", ["before_link_commit=kill@2", "after_link_commit=kill@2"])
def test_a_linker_killed_at_a_commit_is_followed_by_the_next(
    committed_db: CommittedDatabase, write: Write, when: str
) -> None:
    ids = write(10)
    process = "import django; django.setup(); from accounts.activity_chain import link_entries; link_entries(batch=3)"
    with ended_sessions():
        done = subprocess.run(
            [sys.executable, "-c", process], env=os.environ | {"FAULTS": when}, timeout=60, check=False
        )
    assert done.returncode == -signal.SIGKILL
    assert ActivityLink.objects.count() == (3 if when.startswith("before") else 6)
    link_entries(batch=3)
    assert linked() == ids


@pytest.mark.parametrize("most", ["0", "-1", "NULL", "100001"])
def test_a_batch_of_nothing_or_of_too_much_is_refused_and_passes_nothing_by(
    committed_db: CommittedDatabase, write: Write, most: str
) -> None:
    ids = write(3)
    refused = pytest.raises(errors.DatabaseError, match="from 1 to 100000 entries")
    with psycopg.connect(committed_db.app_url) as app, refused:
        app.execute(f"SELECT exchequer_link_activity({most})")
    assert ActivityLinking.objects.get().complete_to == 0
    assert link_entries() == 3
    assert linked() == ids


def test_an_old_snapshot_would_not_see_what_was_committed_since_and_is_refused(committed_db: CommittedDatabase) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(DatabaseError, match="READ COMMITTED"):
            cursor.execute("SELECT exchequer_link_activity(1)")


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_linked_and_checked_in_seconds(
    committed_db: CommittedDatabase, intruder: psycopg.Connection
) -> None:
    intruder.execute(
        "INSERT INTO accounts_activitylog"
        " (at, actor_label, action, target_type, target_id, facts, ip_address, user_agent)"
        " SELECT now(), 'customer' || n || '@example.com', 'withdrawal.requested', 'payouts.withdrawalrequest',"
        " n::text, jsonb_build_object('network', 'arbitrum', 'amount_micro', n, 'address', repeat('a', 42)),"
        " '192.0.2.7', repeat('Mozilla', 15) FROM generate_series(1, 100000) AS n"
    )
    intruder.commit()
    begun = time.process_time()
    assert link_entries() == 100_000
    assert time.process_time() - begun < 5, "the database does it, not this process"
    assert ActivityLink.objects.count() == 100_000
    tracemalloc.start()
    told = StringIO()
    call_command("check_activity", stdout=told)
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()
    assert "100000 links, 0 anchors" in told.getvalue()
