"""The sender's tasks."""

from __future__ import annotations

from celery import shared_task

from treasury import broadcasts
from treasury.chains import registry
from treasury.dispatch import wake

ADVANCE = "treasury.tasks.advance_payments"


@shared_task(name=ADVANCE)
def advance_payments(network: str | None = None) -> None:
    """Advance the payments of one network; without one, send a message for each, so that none waits for another."""
    if network is not None:
        broadcasts.advance_payments(network)
        return
    for code in registry.networks():
        wake(ADVANCE, code)


@shared_task(name="treasury.tasks.begin_payments")
def begin_payments(network: str) -> None:
    """Hand new orders to the signer, and nothing else: whoever opened them wakes it with each batch."""
    broadcasts.begin_payments(network)


@shared_task(name="treasury.tasks.send_signed_payments")
def send_signed_payments(network: str) -> None:
    """Send what was signed, and nothing else: the signer wakes it with each of its batches."""
    broadcasts.send_signed(network)
