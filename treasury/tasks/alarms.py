"""Telling people of alarms."""

from __future__ import annotations

import logging

from celery import shared_task

from treasury import alarm_mails

logger = logging.getLogger(__name__)


@shared_task(name="treasury.tasks.tell_alarms")
def tell_alarms() -> None:
    """Mail those who may resolve them about new alarms."""
    told = alarm_mails.tell_alarms()
    if told:
        logger.info("told the staff of %s alarms", told)
