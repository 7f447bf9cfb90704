"""Waking another process for low latency. Never needed: beat's schedule finds the same work seconds later."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: str, *args: str | int) -> None:
    """Send a task by its name, with ids or codes only. A broker that is down is logged, not raised."""
    try:
        current_app.send_task(task, args=args, expires=30, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("could not wake %s: %s", task, error)
