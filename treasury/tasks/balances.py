"""Reading what our wallets hold, for the staff's pages."""

from __future__ import annotations

import logging

from celery import shared_task

from treasury.chains import registry
from treasury.chains.errors import ChainError
from treasury.network_fees import read_transfer_costs
from treasury.token_watch import watch_token
from treasury.wallet_balances import read_wallet_balances as read

logger = logging.getLogger(__name__)


@shared_task(name="treasury.tasks.read_wallet_balances")
def read_wallet_balances() -> None:
    """Of every network: its wallets, what its token allows, what a transfer costs. One away holds up no other."""
    for code in registry.networks():
        try:
            read(code)
            watch_token(code)
            read_transfer_costs(code)
        except ChainError as error:
            logger.warning("balances on %s: %s: %s", code, type(error).__name__, error)
