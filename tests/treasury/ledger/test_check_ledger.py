"""`manage.py check_ledger` finds what no program of ours could have done: somebody with the database in their hands."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command

from tests.support.databases import CommittedDatabase
from tests.support.suite import Share
from tests.treasury.ledger.conftest import Give, available, differences
from treasury import chart, ledger_checks
from treasury.ledger import Posting, post

DEPOSIT = "asset:arbitrum:deposit"


@pytest.fixture
def books(committed_db: CommittedDatabase, give: Give) -> CommittedDatabase:
    """A database with some postings in it."""
    give(1, 100)
    give(2, 50)
    post(
        Posting("a", available(1), available(2), 30, "test"),
        Posting("b", "asset:bsc:deposit:dust", "dust:bsc", 7, "test"),
    )
    return committed_db


@pytest.fixture
def intruder(books: CommittedDatabase, share: Share) -> Iterator[psycopg.Connection]:
    """A superuser for whom no trigger fires."""
    with share.services.postgres().connect(books.name) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The command's exit status and output."""
    try:
        call_command("check_ledger", *arguments)
    except SystemExit as stopped:
        return int(stopped.code or 0), capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_right_books_pass(books: CommittedDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = report(capsys)
    assert status == 0
    assert "4 transfers" in output
    assert "USDT: debit balances 150, credit balances 150" in output
    assert "USDT-BSC-DUST: debit balances 7, credit balances 7" in output
    assert output.rstrip().endswith("the ledger is right")


def test_a_changed_balance_is_found_with_the_difference(
    intruder: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    intruder.execute(
        "UPDATE treasury_ledgerbalance SET balance = balance + 5 WHERE account_id ="
        " (SELECT id FROM treasury_ledgeraccount WHERE code = 'customer:1:available')"
    )
    status, output = report(capsys)
    assert status == 1
    assert "DIFFERENCE balances: customer:1:available: expected 70, found 75" in output
    assert "DIFFERENCE zero_sum: USDT: expected 150, found 155" in output


def test_a_balance_moved_between_two_customers_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute(
        "UPDATE treasury_ledgerbalance b SET balance = balance + CASE WHEN a.code ~ ':1:' THEN 5 ELSE -5 END"
        " FROM treasury_ledgeraccount a WHERE a.id = b.account_id AND a.code ~ '^customer:[12]:available$'"
    )
    assert differences() == [
        "balances: customer:1:available: expected 70, found 75",
        "balances: customer:2:available: expected 80, found 75",
    ]


def test_a_removed_transfer_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute("DELETE FROM treasury_ledgertransfer WHERE key = 'a'")
    assert differences() == [
        "balances: customer:1:available: expected 100, found 70",
        "balances: customer:2:available: expected 50, found 80",
    ]


def test_a_transfer_from_nowhere_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute(
        "INSERT INTO treasury_ledgertransfer (key, debit_id, credit_id, amount, kind) VALUES ('forged', 1, 999, 5, 'x')"
    )
    found = differences()
    assert any(each.startswith("transfers: forged") and "no account" in each for each in found)
    assert any(each.startswith("balances: ") for each in found)


def test_a_key_used_twice_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute("ALTER TABLE treasury_ledgertransfer DROP CONSTRAINT ledger_transfer_key_once")
    intruder.execute(
        "INSERT INTO treasury_ledgertransfer (key, debit_id, credit_id, amount, kind)"
        " SELECT key, debit_id, credit_id, amount, kind FROM treasury_ledgertransfer WHERE key = 'b'"
    )
    assert "keys: b: expected 1 transfer, found 2" in differences()


def test_a_customer_below_zero_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute("ALTER TABLE treasury_ledgerbalance DROP CONSTRAINT ledger_balance_not_below_its_floor")
    intruder.execute(
        "UPDATE treasury_ledgerbalance SET balance = -1 WHERE account_id ="
        " (SELECT id FROM treasury_ledgeraccount WHERE code = 'customer:1:available')"
    )
    assert "floors: customer:1:available: expected at least 0, found -1" in differences()


def test_a_lost_slot_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute(
        "DELETE FROM treasury_ledgerbalance WHERE slot = 63 AND account_id ="
        " (SELECT id FROM treasury_ledgeraccount WHERE code = 'dust:bsc')"
    )
    assert any(each.startswith("slots: dust:bsc: expected 64 rows") for each in differences())


def test_an_account_whose_floor_was_taken_away_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute("UPDATE treasury_ledgeraccount SET floor = NULL WHERE code = 'customer:1:available'")
    found = " ".join(differences())
    assert "account_kinds: customer:1:available" in found
    assert "slots: customer:1:available" in found


def test_a_guard_that_was_switched_off_is_found(intruder: psycopg.Connection) -> None:
    intruder.execute("ALTER TABLE treasury_ledgertransfer DISABLE TRIGGER append_only")
    intruder.execute("GRANT UPDATE ON treasury_ledgerbalance TO exchequer_app")
    assert differences() == [
        "guards: treasury_ledgertransfer.append_only: expected enabled, found disabled",
        "guards: treasury_ledgerbalance for exchequer_app: expected SELECT only, found UPDATE",
    ]


def test_a_kind_that_the_database_does_not_know_yet_is_found(
    books: CommittedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart, "_kinds", dict(chart._kinds))
    chart.register_kind("income:tips", normal_side="credit")
    assert differences() == ["kinds: income:tips: expected credit USDT 1 floor none, found not in the database"]


def test_gas_without_a_transaction_is_found(books: CommittedDatabase) -> None:
    post(Posting("gas:12", "expense:gas:arbitrum", "gas:arbitrum:hot", 21_000, "gas"))
    assert differences() == ["gas: broadcast 12: expected 0, found 21000"]


def test_a_deposit_that_nobody_saw_is_found(books: CommittedDatabase) -> None:
    post(Posting("deposit:9:1", DEPOSIT, available(1), 100, "deposit", group="deposit:9:1"))
    assert differences() == [
        "customer_deposits: customer 1: expected 0, found 100",
        "deposits: deposit 9: expected no postings, found postings of a deposit that does not exist",
    ]


def test_other_apps_add_checks_of_their_own(books: CommittedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_checks, "_checks", {})
    ledger_checks.register_check("mine", "SELECT 'thing ' || n, n, %s::int FROM generate_series(1, 30) n", lambda: [7])
    (outcome,) = ledger_checks.run_checks(limit=2).outcomes
    assert outcome.total == 30
    assert [(each.subject, each.expected, each.found) for each in outcome.first] == [
        ("thing 1", "1", "7"),
        ("thing 2", "2", "7"),
    ]


def test_json_says_the_same(intruder: psycopg.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    intruder.execute("DELETE FROM treasury_ledgertransfer WHERE key = 'a'")
    status, output = report(capsys, "--json", "--limit", "1")
    parsed = json.loads(output)
    assert status == 1
    assert parsed["clean"] is False
    assert parsed["transfers"] == 3
    balances = next(each for each in parsed["outcomes"] if each["check"] == "balances")
    assert balances["total"] == 2
    assert balances["first"] == [
        {"check": "balances", "subject": "customer:1:available", "expected": "100", "found": "70"}
    ]
