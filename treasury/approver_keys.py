"""Which second factors of the staff the signer knows, as the web may ask: not what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.activity import Entry, record_many
from treasury.models import ApproverKey

_AUDIT_LOCK = 0x45584348_4150504B  # "EXCHAPPK"


def known_keys(approver_id: int) -> frozenset[str]:
    """The names, in evidence, of those factors of this person whose approvals the signer believes.

    Asked so that nobody gives an approval that cannot be paid; the signer itself goes by its own signatures.
    """
    return known_keys_of([approver_id]).get(approver_id, frozenset())


def known_keys_of(approver_ids: Iterable[int]) -> Mapping[int, frozenset[str]]:
    """As `known_keys`, by approver, in one query. Who has none is left out."""
    return _by_approver(ApproverKey.objects.filter(approver_id__in=set(approver_ids), revoked_at=None))


def revoked_keys_of(approver_ids: Iterable[int]) -> Mapping[int, frozenset[str]]:
    """Those that the signer knew once, by approver."""
    return _by_approver(ApproverKey.objects.filter(approver_id__in=set(approver_ids), revoked_at__isnull=False))


def _by_approver(rows: QuerySet[ApproverKey]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for approver_id, key in rows.values_list("approver_id", "key"):
        found.setdefault(approver_id, set()).add(key)
    return {approver_id: frozenset(keys) for approver_id, keys in found.items()}


def audit_approver_keys() -> int:
    """Write into the audit what became of the signer's trust since the last time; returns how many lines.

    The signer's role writes no audit, and an operator on its machine is nobody of ours: so whoever watches the audit
    reads of it here, whatever the operator says.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_AUDIT_LOCK])
        cursor.execute(_UNTOLD)
        entries = [
            Entry(
                action=action,
                target=("treasury.approverkey", str(pk)),
                facts={"approver": label, "approver_id": approver_id, "kind": kind, "at": at.isoformat()},
                process="signer",
            )
            for pk, approver_id, label, kind, action, at in cursor.fetchall()
        ]
        record_many(entries)
    return len(entries)


_UNTOLD = """
SELECT k.id, k.approver_id, k.approver_label, k.kind, told.action, told.at
  FROM treasury_approverkey AS k
 CROSS JOIN LATERAL (VALUES ('approver_key.trusted', k.trusted_at), ('approver_key.revoked', k.revoked_at))
       AS told (action, at)
 WHERE told.at IS NOT NULL
   AND NOT EXISTS (SELECT FROM accounts_activitylog AS l
                    WHERE (l.target_type, l.target_id, l.action) = ('treasury.approverkey', k.id::text, told.action))
 ORDER BY told.at, k.id
"""
