"""Postings: the only door to the ledger.

A posting moves whole units of one asset from one account to another, under a key that happens once. The work is done
by one function in the database, in one round trip, for one posting or ten thousand; see migrations/0003_ledger.py.

A refused posting aborts the transaction it is in, so nothing that was meant to go with it can be committed: catch its
error outside the atomic block.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connection, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

from treasury.chart import UnknownAccount, kind_of, register_kind

__all__ = [
    "AssetMismatch",
    "HistoryRow",
    "InsufficientFunds",
    "InvalidPosting",
    "KeyReused",
    "LedgerError",
    "Posting",
    "UnknownAccount",
    "balance",
    "balances",
    "history",
    "open_account",
    "open_accounts",
    "open_customer_accounts",
    "post",
    "post_many",
    "register_kind",
]

MANY: Final = 10_000  # postings per round trip of post_many
TRIES: Final = 5  # of a posting that lost a deadlock, when no transaction of the caller's is lost with it
LARGEST: Final = 10**38 - 1
SEPARATOR: Final = "\x1f"  # "unit separator": between the values that go to the database in one text


class LedgerError(Exception):
    """The ledger refused; nothing was posted."""


class InsufficientFunds(LedgerError):
    """The account `code` would fall below its floor."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} would fall below its floor")
        self.code = code


class KeyReused(LedgerError):
    """`key` was posted before, with other contents."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} was posted with other contents")
        self.key = key


class AssetMismatch(LedgerError):
    """`subject`, a posting's key or an account's code, is of two assets."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is of two assets")
        self.subject = subject


class InvalidPosting(LedgerError, ValueError):
    """Not a posting at all: no positive whole amount, no key, or one account on both sides."""


class _PostingFields(NamedTuple):
    key: str
    debit: str
    credit: str
    amount: int
    kind: str
    group: str


class Posting(_PostingFields):
    """`amount` (in the asset's ledger unit) debited to one account and credited to another, once under `key`.

    `debit` and `credit` are codes of accounts of one asset; `kind` names the business event in a few fixed words;
    `group` is common to postings that belong together. Raises `InvalidPosting`.

    A tuple, because ten thousand are made for one round trip: a frozen dataclass takes three times as long.
    """

    __slots__ = ()

    def __new__(cls, key: str, debit: str, credit: str, amount: int, kind: str, group: str = "") -> Self:
        if type(amount) is not int or not 0 < amount <= LARGEST:
            raise InvalidPosting(f"{key}: {amount!r} is not a positive whole amount")
        if not key or not kind or debit == credit:
            raise InvalidPosting(f"{key!r} needs a key, a kind and two different accounts")
        return tuple.__new__(cls, (key, debit, credit, amount, kind, group))


def post(*postings: Posting) -> None:
    """Posts all of them or none, in one round trip, opening accounts of registered kinds as needed.

    A posting whose key is known with equal contents is done already. Part of the caller's transaction if there is one.
    Raises `InsufficientFunds`, `KeyReused`, `AssetMismatch`, `UnknownAccount`.
    """
    if postings:
        _post(postings)


def post_many(postings: Iterable[Posting]) -> int:
    """Posts any number, 10,000 per round trip, and returns how many were new. Errors as `post`.

    Outside a transaction each round trip commits by itself: after an error or a crash post the same again, what is
    done stays done. Inside a transaction it is all or nothing.
    """
    remaining = iter(postings)
    new = 0
    while chunk := list(itertools.islice(remaining, MANY)):
        new += _post(chunk)
    return new


def _post(postings: Sequence[Posting]) -> int:
    new = _call_post(postings)
    if new < 0:
        open_accounts({code for each in postings for code in (each.debit, each.credit)})
        new = _call_post(postings)
    if new < 0:
        raise LedgerError("an account just opened is not there")
    return new


_POST_ONE: Final = (
    "SELECT exchequer_ledger_post(ARRAY[%s::text], ARRAY[%s::text], ARRAY[%s::text], ARRAY[%s::numeric],"
    " ARRAY[%s::text], ARRAY[%s::text])"
)
_POST_ONE_IN_LIBPQ: Final = (
    b"SELECT exchequer_ledger_post(ARRAY[$1::text], ARRAY[$2::text], ARRAY[$3::text], ARRAY[$4::numeric],"
    b" ARRAY[$5::text], ARRAY[$6::text])"
)
_POST_MANY: Final = (
    "SELECT exchequer_ledger_post(string_to_array(%s, E'\\x1f'), string_to_array(%s, E'\\x1f'),"
    " string_to_array(%s, E'\\x1f'), string_to_array(%s, E'\\x1f')::numeric[], string_to_array(%s, E'\\x1f'),"
    " string_to_array(%s, E'\\x1f'))"
)
_new_cursor = cast("Callable[[Any], Any]", ServerBindingCursor)  # the stubs know less of it
_OPEN: Final = "SELECT exchequer_ledger_open(%s::text[], %s::text[])"


def _call_post(postings: Sequence[Posting]) -> int:
    attempt = 1
    while True:
        try:
            with _typed_errors():
                return _post_one(postings[0]) if len(postings) == 1 else _post_set(postings)
        except OperationalError as lost:
            if attempt == TRIES or connection.in_atomic_block or _sqlstate(lost) not in {"40P01", "40001"}:
                raise
            attempt += 1


def _post_set(postings: Sequence[Posting]) -> int:
    cursor = _prepared_cursor()
    cursor.execute(_POST_MANY, _values_of_many(postings))
    return int(cursor.fetchone()[0])


def _post_one(posting: Posting) -> int:
    """Straight through libpq where nobody listens in: a cursor costs three times what the rest of a post does here."""
    live: Any = connections[DEFAULT_DB_ALIAS]
    live.close_if_health_check_failed()
    live.ensure_connection()
    libpq = live.connection.pgconn
    # psycopg begins a transaction before the first statement of one, libpq does not: then this is psycopg's to do.
    is_begun = live.connection.autocommit or libpq.transaction_status == TransactionStatus.INTRANS
    if live.queries_logged or live.execute_wrappers or not is_begun:
        cursor = _prepared_cursor()
        cursor.execute(_POST_ONE, _values_of_one(posting))
        return int(cursor.fetchone()[0])
    texts = [str(value).encode() for value in _values_of_one(posting)]
    if any(b"\0" in text for text in texts):  # libpq would end the text there
        raise InvalidPosting("a text of a posting holds a control character")
    live.validate_thread_sharing()
    live.validate_no_broken_transaction()
    with live.wrap_database_errors:
        result = libpq.exec_params(_POST_ONE_IN_LIBPQ, texts)
        if result.status != ExecStatus.TUPLES_OK:
            if not result.error_field(DiagnosticField.SQLSTATE):  # not the server's words: it went away
                raise psycopg.OperationalError(result.get_error_message())
            raise error_from_result(result)
    return int(result.get_value(0, 0))


def _prepared_cursor() -> Any:
    """A cursor of Django's whose parameters the server binds, so that a statement often used is planned once."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    plain: Any = _new_cursor(connection.connection)
    return connection.make_debug_cursor(plain) if connection.queries_logged else connection.make_cursor(plain)


def _values_of_one(posting: Posting) -> tuple[Any, ...]:
    return posting.key, posting.debit, posting.credit, posting.amount, posting.kind, posting.group


def _values_of_many(postings: Sequence[Posting]) -> tuple[str, ...]:
    """One text for each column: several times faster to send than lists."""
    keys, debits, credited, amounts, kinds, groups = zip(*postings, strict=True)
    columns = (keys, debits, credited, map(str, amounts), kinds, groups)
    values = tuple(map(SEPARATOR.join, columns))
    if any(value.count(SEPARATOR) != len(postings) - 1 for value in values):
        raise InvalidPosting("a text of a posting holds a control character")
    return values


def open_accounts(codes: Iterable[str]) -> None:
    """Opens those of `codes` that are not open, each as its kind says. Raises `UnknownAccount`, `AssetMismatch`.

    Nobody needs to call this before `post`; it saves the first poster of many accounts a round trip.
    """
    assets = {code: kind_of(code).asset_of(code) for code in codes}
    if assets:
        with _typed_errors(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT exchequer_ledger_open(%s::text[], %s::text[])", [list(assets), list(assets.values())]
            )


def open_account(code: str, asset: str) -> None:
    """Opens `code`, if it is not open. Raises `UnknownAccount`, or `AssetMismatch` when its kind has another asset."""
    if kind_of(code).asset_of(code) != asset:
        raise AssetMismatch(code)
    open_accounts([code])


def open_customer_accounts(customer_id: int) -> None:
    """Opens the accounts that every customer has."""
    open_accounts([f"customer:{customer_id}:available", f"customer:{customer_id}:reserved"])


def balance(code: str) -> int:
    """The balance of an account in its asset's ledger unit, positive on its normal side; 0 when it is not open yet.

    Raises `UnknownAccount` when no kind has such a code.
    """
    return balances([code])[code]


def balances(codes: Iterable[str]) -> dict[str, int]:
    """The balances of several accounts, by code, at one moment. As `balance`."""
    found = dict.fromkeys(codes, 0)
    with _prepared_cursor() as cursor:
        cursor.execute(
            "SELECT a.code, sum(b.balance) FROM treasury_ledgeraccount a"
            " JOIN treasury_ledgerbalance b ON b.account_id = a.id WHERE a.code = ANY(%s::text[]) GROUP BY a.code",
            [list(found)],
        )
        open_ones = {code: int(total) for code, total in cursor.fetchall()}
    for code in found.keys() - open_ones.keys():
        kind_of(code)
    return found | open_ones


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A transfer as one account sees it: `amount` is positive when it raised that account's balance."""

    id: int
    key: str
    kind: str
    group: str
    amount: int
    counterpart: str
    posted_at: datetime


_HISTORY: Final = """
WITH account AS (SELECT id, normal_side FROM treasury_ledgeraccount WHERE code = %(code)s), legs AS (
    (SELECT t.id, t.credit_id AS other_id, t.amount * CASE a.normal_side WHEN 'debit' THEN 1 ELSE -1 END AS amount
       FROM account a JOIN treasury_ledgertransfer t ON t.debit_id = a.id
      WHERE t.id < %(before)s ORDER BY t.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT t.id, t.debit_id, t.amount * CASE a.normal_side WHEN 'credit' THEN 1 ELSE -1 END
       FROM account a JOIN treasury_ledgertransfer t ON t.credit_id = a.id
      WHERE t.id < %(before)s ORDER BY t.id DESC LIMIT %(limit)s)
)
SELECT t.id, t.key, t.kind, t."group", legs.amount, other.code, t.posted_at
  FROM (SELECT * FROM legs ORDER BY id DESC LIMIT %(limit)s) AS legs
  JOIN treasury_ledgertransfer t ON t.id = legs.id JOIN treasury_ledgeraccount other ON other.id = legs.other_id
 ORDER BY t.id DESC
"""


def history(code: str, *, before: int | None = None, limit: int = 50) -> list[HistoryRow]:
    """The newest `limit` transfers of an account, newest first; `before` is the last id of the page before.

    Transfers of transactions that commit at the same time may appear out of the order of their ids.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"code": code, "before": 2**63 - 1 if before is None else before, "limit": limit})
        return [
            HistoryRow(
                id=row[0],
                key=row[1],
                kind=row[2],
                group=row[3],
                amount=int(row[4]),
                counterpart=row[5],
                posted_at=row[6],
            )
            for row in cursor.fetchall()
        ]


_ERRORS: Final = {"EX001": InsufficientFunds, "EX002": KeyReused, "EX003": AssetMismatch, "EX004": UnknownAccount}


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except DatabaseError as refused:
        typed = _ERRORS.get(_sqlstate(refused))
        if typed is None:
            raise
        diagnosis = getattr(refused.__cause__, "diag", None)
        raise typed(str(getattr(diagnosis, "message_detail", ""))) from refused


def _sqlstate(error: DatabaseError) -> str:
    return str(getattr(error.__cause__, "sqlstate", ""))
