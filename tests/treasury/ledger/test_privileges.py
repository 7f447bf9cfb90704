"""What the database itself refuses, whoever asks: connections with passwords, as each role signs in."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from tests.support.databases import CommittedDatabase
from tests.support.suite import Share

POST = (
    "SELECT exchequer_ledger_post(ARRAY[%s], ARRAY['asset:arbitrum:deposit'], ARRAY['customer:1:available'],"
    " ARRAY[100::numeric], ARRAY['test'], ARRAY[''])"
)
OPEN = "SELECT exchequer_ledger_open(ARRAY['asset:arbitrum:deposit', 'customer:1:available'], ARRAY['USDT', 'USDT'])"
WRITES = [
    "INSERT INTO treasury_ledgertransfer (key, debit_id, credit_id, amount, kind) VALUES ('forged', 1, 2, 1, 'x')",
    "UPDATE treasury_ledgertransfer SET amount = 1",
    "DELETE FROM treasury_ledgertransfer",
    "TRUNCATE treasury_ledgertransfer",
    "INSERT INTO treasury_ledgerbalance (account_id, slot, balance) VALUES (1, 99, 1)",
    "UPDATE treasury_ledgerbalance SET balance = balance + 1",
    "DELETE FROM treasury_ledgerbalance",
    "TRUNCATE treasury_ledgerbalance",
    "INSERT INTO treasury_ledgeraccount (code, asset, normal_side, slots) VALUES ('dust:bsc', 'USDT', 'credit', 1)",
    "UPDATE treasury_ledgeraccount SET floor = NULL",
    "DELETE FROM treasury_ledgeraccount",
    "TRUNCATE treasury_ledgeraccount CASCADE",
]
CHANGES = [statement for statement in WRITES if not statement.startswith(("INSERT", "UPDATE treasury_ledgerbalance"))]
ONLY_FOR_OTHERS = [
    "UPDATE treasury_ledgerkind SET floor = NULL, slots = 64",
    "INSERT INTO treasury_ledgerkind (pattern, normal_side, asset, slots) VALUES ('mine:*', 'credit', 'USDT', 1)",
    "DELETE FROM treasury_ledgerkind",
    "SELECT exchequer_ledger_post_one('forged', 'asset:arbitrum:deposit', 'customer:1:available', 1, 'x', '')",
    "SELECT exchequer_ledger_post_set('{f}', '{asset:arbitrum:deposit}', '{customer:1:available}', '{1}', '{x}', '{}')",
    "SET ROLE exchequer_ledger",
    "ALTER TABLE treasury_ledgertransfer DISABLE TRIGGER ALL",
    "CREATE OR REPLACE FUNCTION exchequer_ledger_open(text[], text[]) RETURNS void LANGUAGE sql AS ''",
    "SELECT nextval('treasury_ledgertransfer_id_seq')",
]
REFUSED = (errors.InsufficientPrivilege, errors.RestrictViolation)


@pytest.fixture
def posted(committed_db: CommittedDatabase) -> CommittedDatabase:
    """A database in which the application has posted 100, by the only way there is."""
    with psycopg.connect(committed_db.app_url) as app:
        app.execute(OPEN)
        assert app.execute(POST, ["a"]).fetchone() == (1,)
    return committed_db


@pytest.fixture
def app(posted: CommittedDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(posted.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(posted: CommittedDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(posted.owner_url, autocommit=True) as connection:
        yield connection


def _untouched(connection: psycopg.Connection) -> None:
    assert connection.execute("SELECT count(*), sum(amount) FROM treasury_ledgertransfer").fetchone() == (1, 100)
    assert connection.execute("SELECT sum(abs(balance)) FROM treasury_ledgerbalance").fetchone() == (200,)
    assert connection.execute("SELECT count(*), count(floor) FROM treasury_ledgeraccount").fetchone() == (2, 1)


def test_the_application_posts_through_the_function(app: psycopg.Connection) -> None:
    assert app.execute("SELECT current_user").fetchone() == ("exchequer_app",)
    assert app.execute(POST, ["b"]).fetchone() == (1,)
    assert app.execute(POST, ["b"]).fetchone() == (0,)
    assert app.execute("SELECT max(balance) FROM treasury_ledgerbalance WHERE floor = 0").fetchone() == (200,)


def test_the_application_has_no_other_way_in(app: psycopg.Connection) -> None:
    for statement in WRITES + ONLY_FOR_OTHERS:
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)
        _untouched(app)


def test_not_even_the_owner_of_the_tables_writes_past_the_functions(owner: psycopg.Connection) -> None:
    for statement in WRITES:
        with pytest.raises(REFUSED):
            owner.execute(statement)
        _untouched(owner)


def test_not_even_the_ledgers_own_role_changes_what_was_posted(owner: psycopg.Connection) -> None:
    for statement in CHANGES:
        owner.execute("SET ROLE exchequer_ledger")
        with pytest.raises(REFUSED):
            owner.execute(statement)
        owner.execute("RESET ROLE")
        _untouched(owner)


def test_not_even_the_ledgers_own_role_takes_a_customer_below_zero(owner: psycopg.Connection) -> None:
    owner.execute("SET ROLE exchequer_ledger")
    with pytest.raises(errors.CheckViolation, match="ledger_balance_not_below_its_floor"):
        owner.execute("UPDATE treasury_ledgerbalance SET balance = -1 WHERE floor = 0")


def test_the_signer_knows_nothing_of_the_ledger(posted: CommittedDatabase) -> None:
    with psycopg.connect(posted.signer_url, autocommit=True) as signer:
        for statement in (POST.replace("%s", "'s'"), OPEN, "SELECT count(*) FROM treasury_ledgertransfer"):
            with pytest.raises(errors.InsufficientPrivilege):
                signer.execute(statement)


def test_nobody_signs_in_as_the_ledger(posted: CommittedDatabase, share: Share) -> None:
    url = posted.app_url.replace("exchequer_app", "exchequer_ledger")
    with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|password authentication failed"):
        psycopg.connect(url)


def test_the_application_can_plant_no_names_that_would_divert_the_function(app: psycopg.Connection) -> None:
    planted = (
        "CREATE TEMPORARY TABLE treasury_ledgertransfer (key text)",
        "CREATE TABLE public.planted (key text)",
        "CREATE FUNCTION public.exchequer_ledger_post_one(text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA planted",
    )
    for statement in planted:
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)
    configured = app.execute(
        "SELECT proname, proconfig, prosecdef, pg_get_userbyid(proowner) FROM pg_proc"
        " WHERE proname IN ('exchequer_ledger_post', 'exchequer_ledger_open') ORDER BY proname"
    ).fetchall()
    rule = (["search_path=pg_catalog, pg_temp"], True, "exchequer_ledger")
    assert configured == [("exchequer_ledger_open", *rule), ("exchequer_ledger_post", *rule)]


def test_an_account_gets_the_floor_of_its_kind_and_no_other(app: psycopg.Connection) -> None:
    app.execute("SELECT exchequer_ledger_open(ARRAY['customer:2:available'], ARRAY['USDT'])")
    found = app.execute(
        "SELECT floor, slots FROM treasury_ledgeraccount WHERE code = 'customer:2:available'"
    ).fetchone()
    assert found == (0, 1)
    with pytest.raises(psycopg.DatabaseError) as refused:
        app.execute("SELECT exchequer_ledger_open(ARRAY['my:own:account'], ARRAY['USDT'])")
    assert refused.value.sqlstate == "EX004"
    with pytest.raises(psycopg.DatabaseError) as refused:
        app.execute("SELECT exchequer_ledger_open(ARRAY['customer:3:available'], ARRAY['ETH'])")
    assert refused.value.sqlstate == "EX003"
