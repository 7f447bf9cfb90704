"""A database that a test has used is as the template made it before the next test gets it, or is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg import sql

from devnet.postgres import PostgresServer
from tests.support import recycling
from tests.support.cluster import TEMPLATE
from tests.support.suite import Share

ENTRY = (
    "INSERT INTO accounts_activitylog (at, actor_label, action, target_type, target_id, facts, user_agent)"
    " SELECT now(), 'x', 'thing.done', '', '', '{}', '' FROM generate_series(1, 300)"
)
_numbers = count(1)


@pytest.fixture
def postgres(share: Share) -> PostgresServer:
    return share.services.postgres()


@pytest.fixture
def copy(share: Share, postgres: PostgresServer) -> Iterator[recycling.Copy]:
    name = f"{share.database}_recycled_{next(_numbers)}"
    postgres.clone_database(name, template=TEMPLATE)
    copy = recycling.Copy.describe(postgres, name)
    yield copy
    postgres.drop_database(copy.name)


def recycled(postgres: PostgresServer, copy: recycling.Copy) -> bool:
    with postgres.connect() as desk:
        assert recycling.renamed(desk, copy, f"{copy.name}_again")
    with postgres.connect(copy.name) as connection:
        return recycling.emptied(connection, copy)


def everything(connection: psycopg.Connection) -> dict[str, list[tuple[str]]]:
    """Every row of every table, and where every sequence stands."""
    tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    query = sql.SQL("SELECT each::text FROM {} AS each ORDER BY 1")
    found = {name: connection.execute(query.format(sql.Identifier(name))).fetchall() for name in tables}
    return found | {"sequences": sorted(map(str, connection.execute(recycling.SEQUENCES)))}  # type: ignore[dict-item]


def test_rows_and_numbers_are_gone(postgres: PostgresServer, copy: recycling.Copy) -> None:
    with postgres.connect(copy.name) as connection:
        before = everything(connection)
        connection.execute(ENTRY)
        connection.execute("INSERT INTO django_session VALUES ('a', 'b', now())")
        connection.execute("SELECT nextval('accounts_user_id_seq'), nextval('auth_group_id_seq')")
        with connection.transaction(force_rollback=True):
            connection.execute(ENTRY)
        assert everything(connection) != before
    assert recycled(postgres, copy)
    with postgres.connect(copy.name) as connection:
        assert everything(connection) == before


def test_nobody_is_left_inside_and_nobody_comes_back(postgres: PostgresServer, copy: recycling.Copy) -> None:
    old = copy.name
    with postgres.connect(old) as left:
        assert recycled(postgres, copy)
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        postgres.connect(old)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE accounts_activitylog DISABLE TRIGGER USER",
        "ALTER TABLE accounts_activitylog ADD COLUMN more int",
        "CREATE TABLE planted (key text)",
        "DROP TABLE django_session",
        "CREATE FUNCTION planted() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX planted ON django_session (session_data)",
        "GRANT DELETE ON accounts_activitylog TO exchequer_signer",
        "REVOKE ALL ON accounts_activitylog FROM exchequer_app",
        "ANALYZE django_migrations",
        "UPDATE auth_group SET name = name",
        "DELETE FROM django_migrations WHERE id = 1",
        "INSERT INTO auth_group (name) VALUES ('planted')",
        "INSERT INTO django_session SELECT n::text, repeat(md5(n::text), 30), now() FROM generate_series(1, 3000) AS n",
    ],
)
def test_what_else_was_changed_is_not_guessed_at(
    postgres: PostgresServer, copy: recycling.Copy, statement: str
) -> None:
    with postgres.connect(copy.name) as connection:
        connection.execute(statement)
    assert not recycled(postgres, copy)
