"""Wake a worker once the transaction has committed, instead of waiting for the beat.

Only for low latency: the beat finds the same work a moment later, so a broker that is away costs seconds, not facts.
"""

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
EXPIRES_SECONDS = 10


def wake(*task_names: str) -> None:
    """Send the named tasks, which take no arguments, after the commit of the transaction we are in."""
    for name in task_names:
        transaction.on_commit(partial(_send, name), robust=True)


def _send(name: str) -> None:
    try:
        current_app.send_task(name, expires=EXPIRES_SECONDS, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("could not wake %s, the beat will: %s", name, type(error).__name__)
