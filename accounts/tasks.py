"""What the worker and the beat call by name."""

import logging

from celery import shared_task

from .activity_chain import link_entries
from .delivery import send_due_mail
from .settings_lock import end_settings_locks as end_due_settings_locks

logger = logging.getLogger(__name__)


@shared_task(name="accounts.tasks.send_outgoing_mail")
def send_outgoing_mail() -> None:
    """Send the mails that are due."""
    sent = send_due_mail()
    if sent:
        logger.info("sent %s mails", sent)


@shared_task(name="accounts.tasks.link_activity")
def link_activity() -> None:
    """Link what was written to the audit since."""
    linked = link_entries()
    if linked > 1_000:  # every few entries would be noise
        logger.info("linked %s entries of the activity log", linked)


@shared_task(name="accounts.tasks.end_settings_locks")
def end_settings_locks() -> None:
    """Tell people whose settings are unlocked again."""
    ended = end_due_settings_locks()
    if ended:
        logger.info("ended %s locks on settings", ended)
