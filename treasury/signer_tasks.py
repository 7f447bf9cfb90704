"""The signer's tasks. They exist in a process started with the signer's settings only; others send their names.

Messages on its queue carry nothing: what to sign is in the database.
"""

from __future__ import annotations

import logging
import time

from celery import shared_task
from celery.signals import worker_init, worker_ready
from django.conf import settings
from django.core.cache import cache

from treasury.dispatch import wake

logger = logging.getLogger(__name__)

HEARTBEAT_TTL_SECONDS = 300

if getattr(settings, "SIGNER_KEYSTORE_FILE", ""):
    from treasury import signing
    from treasury.keys.ports import KeysError

    @worker_init.connect
    def open_the_keystore(**_: object) -> None:
        """At the start: a signer that cannot open its keystore does not come up and pretend."""
        try:
            signing.open_keys()
        except KeysError as error:
            raise SystemExit(f"The signer does not start: {error}") from None

    @worker_ready.connect
    def begin(**_: object) -> None:
        """What the schedule would ask for within half a minute: a new portal's first customers wait for addresses."""
        for name in ("signer_heartbeat", "fill_address_pool", "sign_broadcasts"):
            wake(f"treasury.signer_tasks.{name}")

    @shared_task(name="treasury.signer_tasks.sign_broadcasts")
    def sign_broadcasts() -> None:
        """Sign what is reserved, batch after batch, each on its way while the next is signed."""
        while (result := signing.sign_broadcasts()).signed:
            for network in result.networks:
                wake("treasury.tasks.send_signed_payments", network)
            logger.info("signed %s, refused %s", result.signed, result.refused)
        for network in result.networks:  # of what was refused
            wake("treasury.tasks.advance_payments", network)

    @shared_task(name="treasury.signer_tasks.fill_address_pool")
    def fill_address_pool() -> None:
        """Make the hot wallets known and keep enough free deposit addresses."""
        signing.ensure_wallets()
        signing.fill_address_pool()

    @shared_task(name="treasury.signer_tasks.anchor_activity")
    def anchor_activity() -> None:
        """Sign the head of the audit's chain, if it has grown or a day has begun."""
        try:
            anchor = signing.anchor_activity()
        except signing.ChainContradicts as contradiction:
            logger.critical("NOT anchored, the audit is not the one that was anchored before: %s", contradiction)
            return
        if anchor is not None and anchor.daily:  # a copy of each day's that is not in the database
            logger.info("anchor %s of the activity log: head %s:%s", anchor.number, anchor.position, anchor.hash.hex())

    @shared_task(name="treasury.signer_tasks.signer_heartbeat")
    def signer_heartbeat() -> None:
        """Proves that the signer takes messages."""
        cache.set("heartbeat:signer", time.time(), HEARTBEAT_TTL_SECONDS)
