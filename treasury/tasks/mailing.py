"""Watching that mails leave."""

from __future__ import annotations

from celery import shared_task

from treasury.mail_watch import watch_mail as watch


@shared_task(name="treasury.tasks.watch_mail")
def watch_mail() -> None:
    """Raise an alarm while mails do not leave, and close it once they do."""
    watch()
