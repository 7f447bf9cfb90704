"""What the worker and the beat call by name."""

import logging

from celery import shared_task

from .delivery import send_due_mail

logger = logging.getLogger(__name__)


@shared_task(name="accounts.tasks.send_outgoing_mail")
def send_outgoing_mail() -> None:
    """Send the mails that are due."""
    sent = send_due_mail()
    if sent:
        logger.info("sent %s mails", sent)
