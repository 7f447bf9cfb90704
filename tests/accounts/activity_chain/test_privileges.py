"""Links and anchors are nobody's to change; the application cannot write them, and the signer can only add anchors."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from accounts.activity_chain import link_entries
from tests.accounts.activity_chain.conftest import Write
from tests.support.databases import CommittedDatabase

TABLES = ("accounts_activitylog", "accounts_activitylink", "accounts_activityanchor")
LINK = "INSERT INTO accounts_activitylink (position, entry_id, previous_hash, hash) VALUES (4, 99, '', '')"
ANCHOR = (
    "INSERT INTO accounts_activityanchor (number, position, hash, signed_at, daily, signature)"
    " VALUES (7, 1, '', now(), false, '')"
)
CHANGES = [
    *(
        f"UPDATE {table} SET {column} = {column}"
        for table, column in zip(TABLES, ("action", "hash", "hash"), strict=True)
    ),
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"TRUNCATE {table} CASCADE" for table in TABLES),
]
NOT_THE_APPLICATIONS = [
    LINK,
    ANCHOR,
    "INSERT INTO accounts_activitylinking (id) VALUES (1)",
    "UPDATE accounts_activitylinking SET complete_to = 1000000",
    "DELETE FROM accounts_activitylinking",
    "ALTER TABLE accounts_activitylink DISABLE TRIGGER ALL",
    "CREATE OR REPLACE FUNCTION exchequer_link_activity(integer) RETURNS integer LANGUAGE sql AS 'SELECT 0'",
    "SET session_replication_role = replica",
]
NOT_THE_SIGNERS = [
    LINK,
    "SELECT * FROM accounts_activitylog",
    "SELECT entry_id FROM accounts_activitylink",
    "SELECT * FROM accounts_activitylinking",
    "SELECT exchequer_link_activity(1)",
    "INSERT INTO accounts_activitylog (at) VALUES (now())",
]
REFUSED = (errors.InsufficientPrivilege, errors.RestrictViolation)


@pytest.fixture
def database(committed_db: CommittedDatabase, write: Write) -> CommittedDatabase:
    write(3)
    link_entries()
    with psycopg.connect(committed_db.signer_url) as signer:
        signer.execute(ANCHOR)
    return committed_db


@pytest.mark.parametrize("role", ["app", "signer", "owner"])
def test_nobody_changes_what_is_written(database: CommittedDatabase, role: str) -> None:
    urls = {"app": database.app_url, "signer": database.signer_url, "owner": database.owner_url}
    with psycopg.connect(urls[role], autocommit=True) as connection:
        for statement in CHANGES:
            with pytest.raises(REFUSED):
                connection.execute(statement)


def test_the_application_reads_and_asks_for_links_and_nothing_more(database: CommittedDatabase) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as app:
        for statement in NOT_THE_APPLICATIONS:
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(statement)
        assert app.execute("SELECT count(*) FROM accounts_activitylink").fetchone() == (3,)
        assert app.execute("SELECT number FROM accounts_activityanchor").fetchone() == (7,)


def test_the_signer_reads_the_chains_hashes_adds_anchors_and_nothing_more(database: CommittedDatabase) -> None:
    with psycopg.connect(database.signer_url, autocommit=True) as signer:
        for statement in NOT_THE_SIGNERS:
            with pytest.raises(errors.InsufficientPrivilege):
                signer.execute(statement)
        assert signer.execute("SELECT max(position) FROM accounts_activitylink").fetchone() == (3,)
        granted = signer.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = 'exchequer_signer' AND table_name LIKE 'accounts%' ORDER BY 1, 2"
        ).fetchall()
        columns = signer.execute(
            "SELECT table_name, column_name, privilege_type FROM information_schema.role_column_grants"
            " WHERE grantee = 'exchequer_signer' AND table_name LIKE 'accounts%'"
            " AND table_name <> 'accounts_activityanchor' ORDER BY 1, 2"
        ).fetchall()
    assert granted == [("accounts_activityanchor", "INSERT"), ("accounts_activityanchor", "SELECT")]
    assert columns == [
        ("accounts_activitylink", "hash", "SELECT"),
        ("accounts_activitylink", "position", "SELECT"),
        *[("accounts_user", column, "SELECT") for column in ("email", "id", "is_active", "is_staff")],
    ]
