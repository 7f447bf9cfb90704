"""What keeps the audit's tables as they are: triggers, functions, a constraint, and what the roles may not do.

By what they are, not by their names: a trigger that is there and does nothing guards nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import connection

FUNCTIONS: Final = (
    # SHA-256 of the text between $$ and $$, of accounts.0002, 0005 and 0010: who changes one there changes it here
    ("exchequer_refuse_change()", "bf38b61d597ce9746f7de3f21df47a569c7e512469180c22b754ade7d75a1b27", False, None),
    ("exchequer_netstring(text)", "3985a132c38237ebf9aa9af1481e63166a071244fd1ae15921df06805511f3ee", False, None),
    (
        "exchequer_link_activity(integer)",
        "c8c5ad4ec083c10171249bd61f890c1ce1ea69cb65d82693d3fe0d5788e0b819",
        True,
        ["search_path=pg_catalog, public, pg_temp"],
    ),
)
"""Signature, digest of the text, whether it runs with its owner's rights, its settings."""


def unguarded() -> Iterator[tuple[str, str]]:
    """Each guard that is not as the migrations made it: which one, and what is wrong with it."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGERS_AND_ROLES)
        yield from cursor.fetchall()
        for signature, digest, as_owner, settings in FUNCTIONS:
            cursor.execute(_FUNCTION, [signature])
            found = cursor.fetchone()
            if found is None:
                yield signature, "the function is missing"
            elif found != (digest, as_owner, settings):
                yield signature, "the function is not the one of the migrations"


# tgtype: 27 is BEFORE UPDATE OR DELETE FOR EACH ROW, 34 is BEFORE TRUNCATE FOR EACH STATEMENT
_TRIGGERS_AND_ROLES: Final = """
WITH guarded (relation) AS (VALUES
    ('accounts_activitylog'), ('accounts_activitylink'), ('accounts_activityanchor'))
SELECT g.relation || '.' || t.wanted,
       CASE WHEN f.oid IS NULL THEN 'the trigger is missing'
            WHEN f.tgenabled = 'D' THEN 'the trigger is disabled'
            WHEN f.tgenabled = 'R' THEN 'the trigger works on replicas only'
            ELSE 'the trigger is not the one of the migrations' END
  FROM guarded AS g CROSS JOIN (VALUES ('append_only_rows', 27), ('append_only_table', 34)) AS t (wanted, kind)
  LEFT JOIN pg_trigger AS f ON f.tgrelid = g.relation::regclass AND f.tgname = t.wanted
 WHERE f.oid IS NULL OR f.tgenabled NOT IN ('O', 'A') OR f.tgtype <> t.kind OR f.tgqual IS NOT NULL
    OR f.tgattr::text <> '' OR f.tgfoid IS DISTINCT FROM to_regprocedure('exchequer_refuse_change()')::oid
UNION ALL
SELECT r.role || ' on ' || g.relation, 'may ' || p.privilege
  FROM (SELECT relation FROM guarded UNION ALL VALUES ('accounts_activitylinking')) AS g
 CROSS JOIN (VALUES ('exchequer_app'), ('exchequer_signer')) AS r (role)
 CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER'), ('REFERENCES')) AS p (privilege)
 WHERE CASE WHEN p.privilege IN ('INSERT', 'UPDATE', 'REFERENCES')
            THEN has_any_column_privilege(r.role, g.relation, p.privilege)
            ELSE has_table_privilege(r.role, g.relation, p.privilege) END
   AND (r.role, g.relation, p.privilege) NOT IN (('exchequer_app', 'accounts_activitylog', 'INSERT'),
                                                 ('exchequer_signer', 'accounts_activityanchor', 'INSERT'))
UNION ALL
SELECT 'accounts_activitylog.' || c.wanted, 'the constraint is missing, or not validated'
  FROM (VALUES ('activity_at_in_range')) AS c (wanted)
 WHERE NOT EXISTS (SELECT FROM pg_constraint AS f
                    WHERE f.conrelid = 'accounts_activitylog'::regclass AND f.conname = c.wanted
                      AND f.contype = 'c' AND f.convalidated)
"""
_FUNCTION: Final = """
SELECT encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'), prosecdef, proconfig
  FROM pg_proc WHERE oid = to_regprocedure(%s)
"""
