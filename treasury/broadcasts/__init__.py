"""Payments from an open order to its end on the chain.

    reserve -> (the signer signs and stores) -> send -> confirm | replace at the same nonce | prove dead

Each step finds its own work in the database and may be run at any time, any number of times, by any number of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from treasury import halts
from treasury.broadcasts.confirming import confirm_broadcasts
from treasury.broadcasts.history import chain_remembers
from treasury.broadcasts.recovering import Recovery, resend_lost_payments
from treasury.broadcasts.replacing import fill_gaps, replace_stuck
from treasury.broadcasts.reserving import reserve_broadcasts
from treasury.broadcasts.sending import send_broadcasts
from treasury.chains.errors import ChainError
from treasury.dispatch import wake

__all__ = [
    "Recovery",
    "advance_payments",
    "chain_remembers",
    "confirm_broadcasts",
    "fill_gaps",
    "replace_stuck",
    "resend_lost_payments",
    "reserve_broadcasts",
    "send_broadcasts",
]

SIGN = "treasury.signer_tasks.sign_broadcasts"

logger = logging.getLogger(__name__)


def advance_payments(network: str) -> None:
    """Take every payment of one network as far as it can go now.

    A chain that cannot be asked is logged and left for the next run; nothing is lost by that.
    """
    _try(confirm_broadcasts, network)
    if halts.is_halted(network) or not _try(chain_remembers, network):
        return
    _try(send_broadcasts, network)
    if sum(_try(step, network) for step in (reserve_broadcasts, fill_gaps, replace_stuck)):
        wake(SIGN)


def _try(step: Callable[[str], int], network: str) -> int:
    """One step; 0 if the chain could not be asked."""
    try:
        return step(network)
    except ChainError as error:
        logger.warning("%s: %s waits: %s", network, step.__name__, error)
        return 0
