"""Which second factors of the staff the signer knows, as the web may ask: not what they are made of."""

from __future__ import annotations

from treasury.models import ApproverKey


def known_keys(approver_id: int) -> frozenset[str]:
    """The names, in evidence, of those factors of this person whose approvals the signer believes.

    Asked so that nobody gives an approval that cannot be paid; the signer itself goes by its own signatures.
    """
    found = ApproverKey.objects.filter(approver_id=approver_id, revoked_at=None)
    return frozenset(found.values_list("key", flat=True))
