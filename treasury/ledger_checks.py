"""What must hold in the ledger at every moment, and the differences where it does not.

A check is a query that returns a row for each difference: what it is about, what is expected, what is found. The
database does the work, so a check takes no more memory here for ten million transfers than for ten. Other apps add the
checks that tie their own rows to their postings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from treasury.chart import registered_kinds

Parameters = Callable[[], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be. `expected` and `found` are numbers or a few words."""

    check: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found: how many differences in all, and the first of them."""

    check: str
    total: int
    first: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The ledger at one moment. `totals` has (asset, debit balances, credit balances), in the asset's ledger unit."""

    accounts: int
    transfers: int
    totals: tuple[tuple[str, int, int], ...]
    outcomes: tuple[Outcome, ...]

    @property
    def clean(self) -> bool:
        return not any(outcome.total for outcome in self.outcomes)


_checks: dict[str, tuple[str, Parameters]] = {}


def register_check(name: str, query: str, parameters: Parameters = tuple) -> None:
    """Adds a check. `query` returns (subject, expected, found) for each difference, in an order of its own choosing.

    Call it in `AppConfig.ready`. Raises ValueError when the name is taken by another query.
    """
    if _checks.setdefault(name, (query, parameters))[0] != query:
        raise ValueError(f"another check is called {name}")


def run_checks(*, limit: int = 20) -> Report:
    """Runs every check, all on one snapshot of the database; keeps the first `limit` differences of each."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not connection.savepoint_ids:  # the outermost transaction: ours to choose the isolation of
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        outcomes = tuple(_outcome(cursor, name, limit) for name in _checks)
        cursor.execute(
            "SELECT (SELECT count(*) FROM treasury_ledgeraccount), (SELECT count(*) FROM treasury_ledgertransfer)"
        )
        accounts, transfers = cursor.fetchone()
        cursor.execute(_TOTALS)
        totals = tuple((asset, int(debit), int(credit)) for asset, debit, credit in cursor.fetchall())
    return Report(accounts=accounts, transfers=transfers, totals=totals, outcomes=outcomes)


def _outcome(cursor: Any, name: str, limit: int) -> Outcome:
    query, parameters = _checks[name]
    # The limit is a number of ours; the query's own parameters come first.
    cursor.execute(
        f"SELECT count(*) OVER (), subject::text, expected::text, found::text"  # noqa: S608  # registered queries only
        f" FROM ({query}) AS difference (subject, expected, found) LIMIT {limit:d}",
        list(parameters()),
    )
    rows = cursor.fetchall()
    first = tuple(Difference(name, subject, expected or "", found or "") for _, subject, expected, found in rows)
    return Outcome(check=name, total=rows[0][0] if rows else 0, first=first)


_TOTALS: Final = """
SELECT a.asset, coalesce(sum(b.balance) FILTER (WHERE a.normal_side = 'debit'), 0),
       coalesce(sum(b.balance) FILTER (WHERE a.normal_side = 'credit'), 0)
  FROM treasury_ledgeraccount a JOIN treasury_ledgerbalance b ON b.account_id = a.id
 GROUP BY a.asset ORDER BY a.asset
"""

# Every balance anew, from the transfers alone.
_BALANCES: Final = """
WITH derived AS (
    SELECT account_id, sum(debited) AS debited
      FROM (SELECT debit_id AS account_id, amount AS debited FROM treasury_ledgertransfer
            UNION ALL
            SELECT credit_id, -amount FROM treasury_ledgertransfer) AS legs
     GROUP BY account_id
), stored AS (
    SELECT account_id, sum(balance) AS balance FROM treasury_ledgerbalance GROUP BY account_id
)
SELECT a.code, CASE a.normal_side WHEN 'debit' THEN coalesce(d.debited, 0) ELSE -coalesce(d.debited, 0) END,
       s.balance
  FROM treasury_ledgeraccount a
  LEFT JOIN derived d ON d.account_id = a.id
  LEFT JOIN stored s ON s.account_id = a.id
 WHERE s.balance IS DISTINCT FROM
       CASE a.normal_side WHEN 'debit' THEN coalesce(d.debited, 0) ELSE -coalesce(d.debited, 0) END
 ORDER BY a.code
"""

_ZERO_SUM: Final = f"""
SELECT asset, debits, credits FROM ({_TOTALS}) AS totals (asset, debits, credits) WHERE debits <> credits
"""  # noqa: S608  # no values in it

_TRANSFERS: Final = """
SELECT t.key, 'a positive amount between two open accounts of one asset',
       concat_ws(' ', t.amount, coalesce(d.asset, 'no account'), coalesce(c.asset, 'no account'))
  FROM treasury_ledgertransfer t
  LEFT JOIN treasury_ledgeraccount d ON d.id = t.debit_id
  LEFT JOIN treasury_ledgeraccount c ON c.id = t.credit_id
 WHERE d.asset IS DISTINCT FROM c.asset OR d.asset IS NULL OR t.amount <= 0 OR t.debit_id = t.credit_id
"""

_KEYS: Final = "SELECT key, '1 transfer', count(*) FROM treasury_ledgertransfer GROUP BY key HAVING count(*) > 1"

_FLOORS: Final = """
SELECT a.code, 'at least ' || a.floor, sum(b.balance)
  FROM treasury_ledgeraccount a JOIN treasury_ledgerbalance b ON b.account_id = a.id
 WHERE a.floor IS NOT NULL GROUP BY a.id HAVING sum(b.balance) < a.floor ORDER BY a.code
"""

_SLOTS: Final = """
SELECT a.code, a.slots || ' rows, floor ' || coalesce(a.floor::text, 'none'),
       count(b.slot) || ' rows, floor ' || coalesce(min(b.floor)::text, 'none')
  FROM treasury_ledgeraccount a LEFT JOIN treasury_ledgerbalance b ON b.account_id = a.id
 GROUP BY a.id
HAVING count(b.slot) <> a.slots OR min(b.slot) <> 0 OR max(b.slot) <> a.slots - 1
    OR bool_or(b.floor IS DISTINCT FROM a.floor)
 ORDER BY a.code
"""

_ACCOUNT_KINDS: Final = """
SELECT a.code, 'as its kind says',
       concat_ws(' ', a.normal_side, a.asset, a.slots, 'floor', coalesce(a.floor::text, 'none'))
  FROM treasury_ledgeraccount a
 WHERE (SELECT count(*) FROM treasury_ledgerkind k
         WHERE a.code ~ ('^' || replace(k.pattern, '*', '[^:]+') || '$')
           AND k.normal_side = a.normal_side AND k.asset IN ('', a.asset)
           AND k.floor IS NOT DISTINCT FROM a.floor AND k.slots = a.slots) <> 1
 ORDER BY a.code
"""

_KINDS: Final = """
SELECT coalesce(k.pattern, r.pattern), coalesce(r.rule, 'not registered'), coalesce(k.rule, 'not in the database')
  FROM (SELECT pattern, concat_ws(' ', normal_side, asset, slots, 'floor', coalesce(floor::text, 'none')) AS rule
          FROM treasury_ledgerkind) AS k
  FULL JOIN unnest(%s::text[], %s::text[]) AS r (pattern, rule) ON r.pattern = k.pattern
 WHERE k.rule IS DISTINCT FROM r.rule AND r.rule IS NOT NULL
"""


def _kinds() -> Sequence[Any]:
    rows = [kind.row() for kind in registered_kinds()]
    rules = [
        f"{side} {asset} {slots} floor {'none' if floor is None else floor}" for _, side, asset, floor, slots in rows
    ]
    return [[row[0] for row in rows], rules]


# The database's own guards: triggers, and what the application's role may do.
_GUARDS: Final = """
WITH expected (relation, trigger) AS (VALUES
    ('treasury_ledgertransfer', 'append_only'), ('treasury_ledgertransfer', 'only_through_the_ledger'),
    ('treasury_ledgeraccount', 'append_only'), ('treasury_ledgeraccount', 'only_through_the_ledger'),
    ('treasury_ledgerbalance', 'append_only'), ('treasury_ledgerbalance', 'only_through_the_ledger'))
SELECT e.relation || '.' || e.trigger AS subject, 'enabled',
       CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas only' ELSE 'missing' END
  FROM expected e LEFT JOIN pg_trigger t ON t.tgrelid = e.relation::regclass AND t.tgname = e.trigger
 WHERE coalesce(t.tgenabled, 'D') NOT IN ('O', 'A')
UNION ALL
SELECT DISTINCT e.relation || ' for exchequer_app', 'SELECT only', p.privilege
  FROM expected e, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
 WHERE has_table_privilege('exchequer_app', e.relation, p.privilege)
UNION ALL
SELECT p.proname, 'of exchequer_ledger, not for everybody',
       pg_get_userbyid(p.proowner) || ' ' || coalesce(p.proacl::text, '')
  FROM pg_proc p
 WHERE p.proname IN ('exchequer_ledger_post', 'exchequer_ledger_post_one', 'exchequer_ledger_post_set',
                     'exchequer_ledger_open')
   AND (pg_get_userbyid(p.proowner) <> 'exchequer_ledger'
        OR has_function_privilege('exchequer_signer', p.oid, 'EXECUTE'))
"""

# Each deposit's postings, over all its inclusions, leave on the accounts what its state says and nothing else.
_DEPOSITS: Final = """
WITH booked AS (
    SELECT split_part(t."group", ':', 2)::bigint AS deposit_id,
           sum(CASE e.asset_code WHEN d.code THEN t.amount WHEN c.code THEN -t.amount ELSE 0 END) AS micro,
           sum(CASE e.asset_code || ':dust' WHEN d.code THEN t.amount WHEN c.code THEN -t.amount ELSE 0 END) AS dust,
           sum(CASE 'suspense:unknown_deposit' WHEN c.code THEN t.amount WHEN d.code THEN -t.amount ELSE 0 END)
               AS suspense
      FROM treasury_ledgertransfer t
      JOIN treasury_ledgeraccount d ON d.id = t.debit_id
      JOIN treasury_ledgeraccount c ON c.id = t.credit_id
      LEFT JOIN treasury_deposit own ON own.id = split_part(t."group", ':', 2)::bigint
     CROSS JOIN LATERAL (SELECT 'asset:' || own.network || ':deposit' AS asset_code) AS e
     WHERE t."group" ~ '^deposit:[0-9]+:[0-9]+$'
     GROUP BY 1
), wanted AS (
    SELECT id, network, tx_hash, state,
           CASE WHEN state IN ('credited', 'below_minimum', 'suspended') THEN amount_micro ELSE 0 END AS micro,
           CASE WHEN state IN ('credited', 'below_minimum', 'suspended') THEN dust_raw ELSE 0 END AS dust,
           CASE WHEN state IN ('below_minimum', 'suspended') THEN amount_micro ELSE 0 END AS suspense
      FROM treasury_deposit
)
SELECT concat_ws(' ', 'deposit', coalesce(w.id, b.deposit_id), w.state, w.network, w.tx_hash),
       CASE WHEN w.id IS NULL THEN 'no postings'
            ELSE format('%%s micro, %%s dust, %%s in suspense', w.micro, w.dust, w.suspense) END,
       CASE WHEN w.id IS NULL THEN 'postings of a deposit that does not exist'
            ELSE format('%%s micro, %%s dust, %%s in suspense',
                        coalesce(b.micro, 0), coalesce(b.dust, 0), coalesce(b.suspense, 0)) END
  FROM wanted w FULL JOIN booked b ON b.deposit_id = w.id
 WHERE w.id IS NULL
    OR (w.micro, w.dust, w.suspense) <> (coalesce(b.micro, 0), coalesce(b.dust, 0), coalesce(b.suspense, 0))
"""

# What final transactions cost is booked, once and to the unit.
_GAS: Final = """
SELECT 'broadcast ' || coalesce(b.id::text, substr(t.key, 5)), coalesce(b.fee_native, 0), coalesce(t.amount, 0)
  FROM (SELECT id, fee_native FROM treasury_broadcast WHERE state IN ('final_ok', 'final_reverted')) AS b
  FULL JOIN (SELECT key, amount FROM treasury_ledgertransfer WHERE key LIKE 'gas:%%') AS t ON t.key = 'gas:' || b.id
 WHERE coalesce(b.fee_native, 0) <> coalesce(t.amount, 0)
"""


def register_treasury_checks() -> None:
    """The ledger's own checks, and those that tie treasury's rows to it."""
    register_check("balances", _BALANCES)
    register_check("zero_sum", _ZERO_SUM)
    register_check("transfers", _TRANSFERS)
    register_check("keys", _KEYS)
    register_check("floors", _FLOORS)
    register_check("slots", _SLOTS)
    register_check("account_kinds", _ACCOUNT_KINDS)
    register_check("kinds", _KINDS, _kinds)
    register_check("guards", _GUARDS)
    register_check("deposits", _DEPOSITS)
    register_check("gas", _GAS)
