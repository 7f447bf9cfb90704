"""The broker's channel, made to outlive a broker that dies while tasks run.

kombu 5.7 puts unacknowledged messages back, and acknowledges finished ones, over the very connection that has just been
closed; both raise AttributeError there, and a worker that hits one of them stops consuming for good without ending
(seen in tests/faults/scanning/test_services_restart.py). Nothing needs to be put back: a message says only "look
whether there is work", and one that is lost is made up for by the next beat.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that lets go of its messages when its connection is gone."""

    do_restore = False

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        if not self.closed:
            super().basic_ack(delivery_tag, multiple=multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.closed:
            super().basic_reject(delivery_tag, requeue=requeue)


def install() -> None:
    """From now on every connection to a redis:// or redis+socket:// broker has such channels."""
    transport: Any = redis.Transport
    transport.Channel = Channel
