"""Heartbeats of the processes that run tasks; `/readyz` reads them."""

import time

from celery import shared_task
from celery.signals import beat_init, before_task_publish
from django.core.cache import cache

from treasury.dispatch import wake

HEARTBEAT_TTL_SECONDS = 300


def beat(name: str) -> None:
    """Notes that the process `name` is alive now."""
    cache.set(f"heartbeat:{name}", time.time(), HEARTBEAT_TTL_SECONDS)


@shared_task(name="portal.tasks.beat_heartbeat")
def beat_heartbeat() -> None:
    """Run by a worker: proves that one takes messages."""
    beat("worker")


@before_task_publish.connect(sender="portal.tasks.beat_heartbeat")
def note_publisher(**_: object) -> None:
    """Run where the message is made, which is beat: proves that the schedule goes on."""
    beat("beat")


@beat_init.connect
def begin(**_: object) -> None:
    """Beat's own first message would come one interval after its start."""
    wake("portal.tasks.beat_heartbeat")
