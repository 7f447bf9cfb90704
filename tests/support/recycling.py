"""Makes a used copy of the template as good as new, which costs a third of dropping it and making another.

Nothing is guessed: a table that was empty and has got a file is emptied, sequences go back, and a copy in which
anything else differs (the schema, rights, triggers, what the migrations brought, statistics) is thrown away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from devnet.postgres import PostgresServer

OURS = "oid >= 16384"  # PostgreSQL's own objects have lower numbers
CATALOGS = {
    "pg_class": OURS, "pg_attribute": "attrelid >= 16384", "pg_attrdef": OURS, "pg_constraint": OURS,
    "pg_trigger": OURS, "pg_proc": OURS, "pg_rewrite": OURS, "pg_policy": OURS, "pg_type": OURS,
    "pg_statistic": "starelid >= 16384", "pg_default_acl": OURS,
}  # fmt: skip
TABLES = (
    "SELECT * FROM (SELECT relname::text, pg_relation_size(oid) AS size FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS each WHERE size > 0"
)
SEQUENCES = "SELECT relname::text, pg_sequence_last_value(oid) FROM pg_class WHERE relkind = 'S'"
LARGEST_BYTES = 2 * 2**20  # more of a table is thrown away faster than it is emptied
MOST_USES = 50  # what was deleted leaves empty pages in the indexes
PATIENCE_SECONDS = 5.0


@dataclass
class Copy:
    """A database that was cloned from the template, and what it was then."""

    name: str
    filled: list[str]
    sequences: dict[str, int | None]
    since: str
    contents: list[tuple[str, int, int]]
    uses: int = 1

    @classmethod
    def describe(cls, postgres: PostgresServer, name: str) -> Copy:
        with postgres.connect(name) as connection:
            filled = [table for table, _size in connection.execute(TABLES)]
            sequences = dict(connection.execute(SEQUENCES).fetchall())
            (since,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
            return cls(name, filled, sequences, since, contents(connection, filled, since))


def contents(connection: psycopg.Connection, tables: list[str], since: str) -> list[tuple[str, int, int]]:
    """How many rows those tables and the catalogs have, and how many were written by that transaction or a later one:
    any change shows in one of the two."""
    each = sql.SQL("SELECT {0}, count(*), count(*) FILTER (WHERE age(xmin) <= age({1}::xid)) FROM {2} WHERE {3}")
    wanted = dict.fromkeys(tables, "true") | CATALOGS
    parts = [
        each.format(sql.Literal(name), sql.Literal(since), sql.Identifier(name), sql.SQL(which))
        for name, which in wanted.items()
    ]
    return connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()


def renamed(connection: psycopg.Connection, copy: Copy, name: str) -> bool:
    """Ends every session there and gives it another name: whoever knows the old one does not get in any more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [copy.name]
    ).fetchall():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    try:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(copy.name), sql.Identifier(name))
        )
    except psycopg.errors.ObjectInUse:  # somebody came just now
        return False
    copy.name = name
    return True


def emptied(connection: psycopg.Connection, copy: Copy) -> bool:
    """Whether it is now as it was. `connection`: to the copy, which nobody else knows."""
    copy.uses += 1
    if copy.uses > MOST_USES:
        return False
    sizes = dict(connection.execute(TABLES).fetchall())
    filled = [name for name in sizes if name not in copy.filled]
    if any(sizes[name] > LARGEST_BYTES for name in filled):
        return False
    if contents(connection, copy.filled, copy.since) != copy.contents:
        return False
    moved = [name for name, value in connection.execute(SEQUENCES) if value != copy.sequences[name]]
    connection.execute("SET session_replication_role = replica")  # no trigger, no foreign key
    with connection.transaction():
        for name in filled:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for name in moved:
            value = copy.sequences[name]
            connection.execute("SELECT setval(%s, %s, %s)", [name, value or 1, value is not None])
    if filled:
        names = sql.SQL(", ").join(map(sql.Identifier, filled))
        connection.execute(sql.SQL("VACUUM (FREEZE, INDEX_CLEANUP ON, TRUNCATE ON) {}").format(names))
    return {name for name, _size in connection.execute(TABLES)} == {*copy.filled}
