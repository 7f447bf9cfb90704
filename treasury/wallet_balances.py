"""What the chain says our wallets hold, read now and then by a task and kept in the cache for the staff's pages.

No page waits for a node: it shows the last answer with its time, or that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

from treasury.chains import registry
from treasury.models import Wallet

KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class ChainBalance:
    """A wallet's holdings at `read_at`. `dust_raw`: what is left under a micro, in the token's unit."""

    token_micro: int
    dust_raw: int
    native: int  # in the coin's smallest unit
    read_at: datetime


def read_wallet_balances(network: str) -> int:
    """Ask the chain for the balances of every wallet of `network`; returns how many were read.

    Raises the typed errors of `treasury.chains.errors`. Call it outside a transaction.
    """
    chain = registry.adapter(network)
    known = registry.network(network)
    wallets = list(Wallet.objects.filter(network=network))
    for wallet in wallets:
        token_micro, dust_raw = known.raw_to_micro(chain.token_balance(wallet.address))
        found = ChainBalance(token_micro, dust_raw, chain.native_balance(wallet.address), timezone.now())
        cache.set(_key(wallet.pk), found, KEPT_SECONDS)
    return len(wallets)


def wallet_balances(wallet_ids: Iterable[int]) -> dict[int, ChainBalance]:
    """The last answers, by wallet; a wallet that was never read is left out. One round trip to the cache."""
    keys = {_key(wallet_id): wallet_id for wallet_id in wallet_ids}
    return {keys[key]: found for key, found in cache.get_many(keys).items()}


def _key(wallet_id: int) -> str:
    return f"wallet-balance-2:{wallet_id}"
