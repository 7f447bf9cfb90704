"""Payments from an open order to its end on the chain.

    reserve -> (the signer signs and stores) -> send -> confirm | replace at the same nonce | prove dead

Each step finds its own work in the database and may be run at any time, any number of times, by any number of workers.
"""

from __future__ import annotations

import logging

from treasury import halts
from treasury.broadcasts.confirming import confirm_broadcasts
from treasury.broadcasts.history import chain_remembers
from treasury.broadcasts.replacing import fill_gaps, replace_stuck
from treasury.broadcasts.reserving import reserve_broadcasts
from treasury.broadcasts.sending import send_broadcasts
from treasury.chains.errors import ChainError
from treasury.dispatch import wake

__all__ = [
    "advance_payments",
    "chain_remembers",
    "confirm_broadcasts",
    "fill_gaps",
    "replace_stuck",
    "reserve_broadcasts",
    "send_broadcasts",
]

SIGN = "treasury.signer_tasks.sign_broadcasts"

logger = logging.getLogger(__name__)


def advance_payments(network: str) -> None:
    """Take every payment of one network as far as it can go now.

    A chain that cannot be asked is logged and left for the next run; nothing is lost by that.
    """
    try:
        confirm_broadcasts(network)
        if halts.is_halted(network) or not chain_remembers(network):
            return
        send_broadcasts(network)
        for_signer = reserve_broadcasts(network) + fill_gaps(network) + replace_stuck(network)
        if for_signer:
            wake(SIGN)
    except ChainError as error:
        logger.warning("%s: payments wait, the chain cannot be asked: %s", network, error)
