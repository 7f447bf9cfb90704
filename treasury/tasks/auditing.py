"""Watching that the audit is linked and anchored, and that it tells of whom the signer trusts."""

from __future__ import annotations

from celery import shared_task

from treasury.approver_keys import audit_approver_keys
from treasury.audit_watch import watch_activity as watch


@shared_task(name="treasury.tasks.watch_activity")
def watch_activity() -> None:
    """Raise an alarm while the audit's chain falls behind, and close it once it is whole again."""
    audit_approver_keys()
    watch()
