"""The signer vouches for the audit's chain, and for none that contradicts what it vouched for before."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from io import StringIO

import psycopg
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connections

from accounts import activity
from accounts.activity_chain import Anchor, anchor_is_ours, chain_health, link_entries
from accounts.activity_chain.anchors import PURPOSE, anchor_message, anchor_of
from accounts.activity_chain.encoding import BEFORE_THE_FIRST, COLUMNS, link_hash
from accounts.models import ActivityAnchor, ActivityLink
from tests.support.databases import CommittedDatabase
from tests.support.paying import Signer, run_until_killed_or_done
from tests.support.suite import Share
from treasury import audit_watch, pool_signatures, signing
from treasury.keys.keystore import Keystore
from treasury.keys.ports import ANCHOR_PURPOSE, POOL_PURPOSE
from treasury.models import Alarm
from treasury.signing import anchoring

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    """No day begins while a test runs."""
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def grow(signer: Signer) -> Callable[[], Anchor | None]:
    """Two more entries, linked, and the signer's next run."""

    def step() -> Anchor | None:
        write(2)
        return anchored(signer)

    return step


@pytest.fixture
def intruder(committed_db: CommittedDatabase, share: Share) -> Iterator[psycopg.Connection]:
    """A superuser for whom no trigger fires."""
    with share.services.postgres().connect(committed_db.name) as connection:
        connection.autocommit = True
        connection.execute("SET session_replication_role = replica")
        yield connection


def write(count: int) -> None:
    activity.record_many(activity.Entry("thing.done", process="test", facts={"n": n}) for n in range(count))
    link_entries()


def anchored(signer: Signer) -> Anchor | None:
    with signer.role():
        return signing.anchor_activity()


def refused(signer: Signer) -> str:
    """Why the signer signs nothing."""
    before = list(ActivityAnchor.objects.order_by("pk").values_list("pk", flat=True))
    with pytest.raises(signing.ChainContradicts) as contradiction:
        anchored(signer)
    assert list(ActivityAnchor.objects.order_by("pk").values_list("pk", flat=True)) == before
    return str(contradiction.value)


def rewrite(intruder: psycopg.Connection) -> None:
    """Every link anew, right in itself."""
    before = BEFORE_THE_FIRST
    query = f"SELECT k.position, {', '.join(COLUMNS.values())} FROM accounts_activitylink k JOIN accounts_activitylog l"
    for position, *columns in intruder.execute(f"{query} ON l.id = k.entry_id ORDER BY 1").fetchall():
        digest = link_hash(position=position, previous_hash=before, columns=columns)
        intruder.execute(
            "UPDATE accounts_activitylink SET previous_hash = %s, hash = %s WHERE position = %s",
            [before, digest, position],
        )
        before = digest


def test_the_head_is_signed_when_it_has_moved(grow: Callable[[], Anchor | None], signer: Signer) -> None:
    assert anchored(signer) is None
    first = grow()
    assert first is not None
    assert (first.number, first.position, first.daily) == (1, 2, True)
    assert anchored(signer) is None
    second = grow()
    assert second is not None
    assert (second.number, second.position, second.daily) == (2, 4, False)
    rows = [anchor_of(row) for row in ActivityAnchor.objects.order_by("pk")]
    assert rows == [first, second]
    assert all(anchor_is_ours(anchor) for anchor in rows)
    assert anchoring.remembered() is not None
    assert anchoring.anchor_memory_file().stat().st_mode & 0o077 == 0
    call_command("check_activity", stdout=StringIO())


def test_each_day_has_an_anchor_though_nothing_happened(grow: Callable[[], Anchor | None], signer: Signer) -> None:
    first = grow()
    with time_machine.travel(NOON + dt.timedelta(hours=13)):
        second = anchored(signer)
        assert anchored(signer) is None
    assert first is not None
    assert second is not None
    assert (second.number, second.position, second.hash, second.daily) == (2, first.position, first.hash, True)


def test_what_is_signed_for_the_audit_passes_for_nothing_else(grow: Callable[[], Anchor | None]) -> None:
    keys = Keystore(b"seed" * 16)
    anchor = grow()
    assert anchor is not None
    message = anchor_message(anchor)
    assert (
        message
        == (
            f"exchequer-activity-anchor:v1:1:2:{anchor.hash.hex()}:2026-11-23T{anchor.signed_at:%H:%M:%S}.000000Z:day"
        ).encode()
    )
    assert PURPOSE.encode().startswith(ANCHOR_PURPOSE)
    address = pool_signatures.pool_message(family="evm", derivation_index=1, address="0x1")
    assert address.startswith(POOL_PURPOSE)
    with pytest.raises(ValueError, match="another purpose"):
        keys.sign_anchor(address)
    with pytest.raises(ValueError, match="another purpose"):
        keys.sign_for_pool(message)


def test_a_database_that_lacks_anchors_gets_no_more(
    grow: Callable[[], Anchor | None], signer: Signer, intruder: psycopg.Connection
) -> None:
    for _ in range(3):
        grow()
    intruder.execute("DELETE FROM accounts_activityanchor WHERE number = 3")
    write(1)
    assert refused(signer) == "anchor 3 was signed, and of the anchors in this database 2 is the last"
    intruder.execute("DELETE FROM accounts_activityanchor")
    assert refused(signer) == "anchor 3 was signed, and of the anchors in this database none"


def test_a_chain_that_was_written_anew_gets_no_anchor(
    grow: Callable[[], Anchor | None], signer: Signer, intruder: psycopg.Connection
) -> None:
    for _ in range(2):
        grow()
    intruder.execute(
        "UPDATE accounts_activitylog SET action = 'nothing.happened'"
        " WHERE id = (SELECT min(id) FROM accounts_activitylog)"
    )
    rewrite(intruder)
    write(1)
    assert refused(signer) == "position 4 was anchored with another hash"


def test_a_chain_that_was_cut_off_gets_no_anchor(
    grow: Callable[[], Anchor | None], signer: Signer, intruder: psycopg.Connection
) -> None:
    for _ in range(2):
        grow()
    intruder.execute(
        "DELETE FROM accounts_activitylog WHERE id IN (SELECT entry_id FROM accounts_activitylink WHERE position > 2)"
    )
    intruder.execute("DELETE FROM accounts_activitylink WHERE position > 2")
    assert refused(signer) == "position 4 was anchored with another hash"


def test_an_anchor_that_was_changed_to_fit_gets_no_successor(
    grow: Callable[[], Anchor | None], signer: Signer, intruder: psycopg.Connection
) -> None:
    grow()
    intruder.execute("UPDATE accounts_activitylog SET action = 'nothing.happened'")
    rewrite(intruder)
    intruder.execute(
        "UPDATE accounts_activityanchor SET hash = (SELECT hash FROM accounts_activitylink WHERE position = 2)"
    )
    assert refused(signer) == "anchor 1 in this database is not the one that was signed"


def test_an_anchor_that_somebody_else_made_gets_no_successor(
    grow: Callable[[], Anchor | None], signer: Signer, committed_db: CommittedDatabase
) -> None:
    grow()
    write(1)
    with psycopg.connect(committed_db.signer_url, autocommit=True) as thief:
        thief.execute(
            "INSERT INTO accounts_activityanchor (number, position, hash, signed_at, daily, signature)"
            " SELECT 2, position, hash, now(), false, sha512('') FROM accounts_activitylink WHERE position = 3"
        )
    assert refused(signer) == "anchor 2 does not carry our signature"


def test_two_signers_with_memories_of_their_own_follow_each_other(
    grow: Callable[[], Anchor | None], signer: Signer
) -> None:
    own = signer.settings.SIGNER_MEMORY_FILE
    grow()
    signer.settings.SIGNER_MEMORY_FILE = own + ".other"
    assert anchoring.remembered() is None
    second = grow()
    assert second is not None
    assert second.number == 2
    signer.settings.SIGNER_MEMORY_FILE = own
    third = grow()
    assert third is not None
    assert third.number == 3


def test_signers_at_once_make_one_anchor_of_each_number(committed_db: CommittedDatabase, signer: Signer) -> None:
    write(5)
    failed: list[Exception] = []

    def run() -> None:
        try:
            for _ in range(3):
                signing.anchor_activity()
        except Exception as error:  # noqa: BLE001  # shown below
            failed.append(error)
        finally:
            connections.close_all()

    with signer.role():
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed
    assert list(ActivityAnchor.objects.values_list("number", "position")) == [(1, 5)]


@pytest.mark.faults
@pytest.mark.parametrize("when", ["before_anchor_commit", "after_anchor_commit"])
def test_a_signer_killed_at_the_commit_goes_on(grow: Callable[[], Anchor | None], signer: Signer, when: str) -> None:
    grow()
    write(1)
    with signer.role():
        assert run_until_killed_or_done(signing.anchor_activity, faults=f"{when}=kill")
    known = anchoring.remembered()
    assert known is not None
    assert known.number == 1
    again = anchored(signer)
    assert (again is None) == when.startswith("after")
    known = anchoring.remembered()
    assert known is not None
    assert (known.number, known.position) == (2, 3)
    assert ActivityAnchor.objects.count() == 2
    call_command("check_activity", stdout=StringIO())


def test_a_spoilt_memory_anchors_nothing(grow: Callable[[], Anchor | None], signer: Signer) -> None:
    grow()
    anchoring.anchor_memory_file().write_text(json.dumps({"number": 1}), encoding="utf-8")
    with pytest.raises(ValueError, match="does not hold an anchor"):
        grow()
    assert ActivityAnchor.objects.count() == 1


def test_after_a_restored_backup_somebody_has_to_say_that_it_is_explained(
    grow: Callable[[], Anchor | None], signer: Signer, intruder: psycopg.Connection
) -> None:
    for _ in range(2):
        grow()
    intruder.execute("DELETE FROM accounts_activityanchor WHERE number = 2")
    intruder.execute("DELETE FROM accounts_activitylink WHERE position > 2")
    intruder.execute("UPDATE accounts_activitylinking SET complete_to = 0")
    assert "anchor 2 was signed" in refused(signer)
    with signer.role(), pytest.raises(CommandError, match="Find out first"):
        call_command("forget_anchors")
    told = StringIO()
    with signer.role():
        call_command("forget_anchors", "--explained", stdout=told)
    assert "Anchor 2 is forgotten (head 4:" in told.getvalue()
    again = grow()
    assert again is not None
    assert (again.number, again.position) == (2, 6)
    call_command("check_activity", stdout=StringIO())


def test_an_audit_that_is_not_linked_or_not_anchored_is_an_alarm_until_it_is(
    committed_db: CommittedDatabase, signer: Signer
) -> None:
    def alarms() -> set[str]:
        audit_watch.watch_activity()
        return set(Alarm.objects.filter(resolved_at=None).values_list("key", flat=True))

    assert alarms() == set()
    activity.record(actor=None, action="thing.done", process="test")
    assert alarms() == set()
    with time_machine.travel(NOON + dt.timedelta(minutes=6), tick=True):
        assert alarms() == {"activity-unlinked"}
        assert chain_health().unlinked_seconds() > 300
        link_entries()
        assert alarms() == {"activity-unanchored"}
        anchored(signer)
        assert alarms() == set()
        assert (chain_health().head, chain_health().anchored) == (1, 1)
        assert ActivityLink.objects.count() == 1


def test_the_products_own_processes_link_and_anchor(product) -> None:  # type: ignore[no-untyped-def]  # the fixture's type is tests'
    from celery import current_app

    from devnet.processes import wait_until

    product.create_keystore()
    activity.record(actor=None, action="thing.done", process="test")
    product.worker()
    product.signer_worker()
    current_app.send_task("accounts.tasks.link_activity")
    wait_until(ActivityLink.objects.exists, what="the link", seconds=120)
    current_app.send_task("treasury.signer_tasks.anchor_activity", queue="signer")
    wait_until(ActivityAnchor.objects.exists, what="the anchor", seconds=120)
    assert product.manage("check_activity").stdout.rstrip().endswith("the activity log is as it was written")
