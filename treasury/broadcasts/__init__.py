"""Payments from an open order to its end on the chain.

    reserve -> (the signer signs and stores) -> send -> confirm | replace at the same nonce | prove dead, try again

Each step finds its own work in the database and may be run at any time, any number of times, by any number of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from treasury import halts
from treasury.broadcasts import expiring, reserving
from treasury.broadcasts.confirming import confirm_broadcasts
from treasury.broadcasts.expiring import retry_expired
from treasury.broadcasts.history import chain_remembers
from treasury.broadcasts.recovering import Recovery, resend_lost_payments
from treasury.broadcasts.replacing import fill_gaps, replace_stuck
from treasury.broadcasts.sending import send_broadcasts
from treasury.chains import registry
from treasury.chains.errors import ChainError
from treasury.dispatch import wake

__all__ = [
    "Recovery",
    "advance_payments",
    "begin_payments",
    "chain_remembers",
    "confirm_broadcasts",
    "fill_gaps",
    "replace_stuck",
    "resend_lost_payments",
    "reserve_broadcasts",
    "retry_expired",
    "send_broadcasts",
    "send_signed",
]

SIGN = "treasury.signer_tasks.sign_broadcasts"

logger = logging.getLogger(__name__)


def advance_payments(network: str) -> None:
    """Take every payment of one network as far as it can go now.

    A chain that cannot be asked is logged and left for the next run; nothing is lost by that.
    """
    _try(confirm_broadcasts, network)
    if not send_signed(network):
        return
    steps = (reserve_broadcasts, retry_expired) if _expires(network) else (reserve_broadcasts, fill_gaps, replace_stuck)
    if sum(_try(step, network) for step in steps):
        wake(SIGN)


def begin_payments(network: str) -> None:
    """Only the first step: what whoever opened orders wakes, so that the first are signed while the next are opened.

    Of two at once one may leave its orders to the other, so the other looks again.
    """
    if halts.is_halted(network) or not _try(chain_remembers, network):
        return
    while _try(reserve_broadcasts, network):
        wake(SIGN)


def send_signed(network: str) -> bool:
    """Send what is signed: what the signer, too, has done as soon as it has signed some.

    Returns whether payments may go on: not while the network is halted, or its chain has forgotten one.
    """
    if halts.is_halted(network) or not _try(chain_remembers, network):
        return False
    _try(send_broadcasts, network)
    return True


def reserve_broadcasts(network: str, *, limit: int = reserving.LIMIT) -> int:
    """Give up to `limit` waiting orders their place and payload; returns how many now wait for the signer.

    Orders that the wallet cannot pay stay open, with an alarm. Raises ChainError if the chain cannot be asked.
    """
    if _expires(network):
        return expiring.reserve_broadcasts(network, limit=limit)
    return reserving.reserve_broadcasts(network, limit=limit)


def _expires(network: str) -> bool:
    """Whether payments there die by expiration, rather than by their nonce."""
    return registry.network(network).family == "tron"


def _try(step: Callable[[str], int], network: str) -> int:
    """One step; 0 if the chain could not be asked."""
    try:
        return step(network)
    except ChainError as error:
        logger.warning("%s: %s waits: %s", network, step.__name__, error)
        return 0
