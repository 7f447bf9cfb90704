"""A posting is part of the caller's transaction, also as its first statement; without one it is committed at once."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection, transaction
from django.db.transaction import TransactionManagementError

from tests.support.databases import CommittedDatabase
from tests.support.suite import Share
from tests.treasury.ledger.conftest import available
from treasury.ledger import InsufficientFunds, InvalidPosting, Posting, open_accounts, post

HOT = "asset:arbitrum:hot"


def posted(database: CommittedDatabase) -> list[str]:
    """What somebody else sees."""
    with psycopg.connect(database.app_url) as other:
        return [key for (key,) in other.execute("SELECT key FROM treasury_ledgertransfer ORDER BY id").fetchall()]


@pytest.fixture(autouse=True)
def accounts(committed_db: CommittedDatabase) -> None:
    open_accounts([HOT, available(1)])


def test_a_posting_without_a_transaction_is_committed_at_once(committed_db: CommittedDatabase) -> None:
    post(Posting("a", HOT, available(1), 1, "test"))
    assert posted(committed_db) == ["a"]


@pytest.mark.parametrize("before", ["first", "later"])
def test_a_posting_is_rolled_back_with_its_transaction(committed_db: CommittedDatabase, before: str) -> None:
    class Crash(Exception):
        pass

    def work() -> None:
        with transaction.atomic():
            if before == "later":
                connection.cursor().execute("SELECT 1")
            post(Posting("a", HOT, available(1), 1, "test"))
            assert posted(committed_db) == []
            raise Crash

    with pytest.raises(Crash):
        work()
    assert posted(committed_db) == []
    post(Posting("b", HOT, available(1), 1, "test"))
    assert posted(committed_db) == ["b"]


def test_a_refused_posting_leaves_the_connection_to_the_next_one(committed_db: CommittedDatabase) -> None:
    with pytest.raises(InsufficientFunds):
        post(Posting("a", available(1), HOT, 1, "test"))
    post(Posting("b", HOT, available(1), 1, "test"))
    assert posted(committed_db) == ["b"]


def test_nothing_is_posted_in_a_transaction_that_is_to_be_rolled_back(committed_db: CommittedDatabase) -> None:
    def work() -> None:
        with transaction.atomic():
            connection.cursor().execute("SELECT 1")
            transaction.set_rollback(True)
            post(Posting("a", HOT, available(1), 1, "test"))

    with pytest.raises(TransactionManagementError):
        work()
    assert posted(committed_db) == []


def test_a_text_does_not_end_in_its_middle(committed_db: CommittedDatabase) -> None:
    with pytest.raises(InvalidPosting):
        post(Posting("a\0b", HOT, available(1), 1, "test"))
    assert posted(committed_db) == []


def test_a_posting_after_the_connection_was_lost_is_made_on_a_new_one(committed_db: CommittedDatabase) -> None:
    post(Posting("a", HOT, available(1), 1, "test"))
    connection.close()
    post(Posting("b", HOT, available(1), 1, "test"))
    assert posted(committed_db) == ["a", "b"]


def test_a_connection_that_the_server_ended_is_an_error_once_and_then_replaced(
    committed_db: CommittedDatabase, share: Share
) -> None:
    post(Posting("a", HOT, available(1), 1, "test"))
    with share.services.postgres().connect() as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [committed_db.name]
        )
    with pytest.raises(OperationalError):
        post(Posting("b", HOT, available(1), 1, "test"))
    close_old_connections()  # as between two requests, or two tasks
    post(Posting("b", HOT, available(1), 1, "test"))
    assert posted(committed_db) == ["a", "b"]
