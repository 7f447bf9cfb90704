"""The networks of this installation and their adapters: the one place that reads settings.NETWORKS."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from django.conf import settings

from treasury.chains.errors import ConfigurationError
from treasury.chains.network import Network, network_from_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from treasury.chains.ports import ChainAdapter, ExpiringChain, NonceChain


class _Adapters:
    """This process's adapters. A forked child starts with none: connections are not shared."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.by_code: dict[str, ChainAdapter] = {}


_adapters = _Adapters()
os.register_at_fork(after_in_child=_adapters.__init__)  # type: ignore[misc]  # the same object, as if new


@lru_cache(maxsize=1)
def networks() -> Mapping[str, Network]:
    """Every configured network by code, in the order of the settings. Raises ConfigurationError, loudly and early."""
    found = {code: network_from_settings(code, dict(given)) for code, given in settings.NETWORKS.items()}
    chain_ids = [network.chain_id for network in found.values()]
    if len(set(chain_ids)) != len(chain_ids):
        raise ConfigurationError("two networks share one chain_id")
    return MappingProxyType(found)


def network(code: str) -> Network:
    """One network. Raises ConfigurationError for an unknown code."""
    try:
        return networks()[code]
    except KeyError:
        raise ConfigurationError(f"no such network: {code!r}") from None


def adapter(code: str) -> ChainAdapter:
    """The adapter of a network: one per process, kept open. Makes no request. Raises ConfigurationError."""
    with _adapters.lock:
        found = _adapters.by_code.get(code)
        if found is None:
            found = _adapters.by_code[code] = _made(network(code))
        return found


def nonce_chain(code: str) -> NonceChain:
    """The adapter of an EVM network. Raises ConfigurationError, also for a network of another family."""
    return cast("NonceChain", _of_family(code, "evm"))


def expiring_chain(code: str) -> ExpiringChain:
    """The adapter of a TRON network. Raises ConfigurationError, also for a network of another family."""
    return cast("ExpiringChain", _of_family(code, "tron"))


def _of_family(code: str, family: str) -> ChainAdapter:
    if network(code).family != family:
        raise ConfigurationError(f"not a network of the family {family}", network=code)
    return adapter(code)


def _made(found: Network) -> ChainAdapter:
    """Imported here: web3 takes a second, which only who talks to such a chain pays."""
    if found.family == "tron":
        from treasury.chains.tron.adapter import TronAdapter

        return TronAdapter(found)
    from treasury.chains.evm import EvmAdapter

    return EvmAdapter(found)


def reset(adapters: Mapping[str, ChainAdapter] | None = None) -> None:
    """Forget networks and adapters, for tests; use these instead of making new ones, if given."""
    with _adapters.lock:
        networks.cache_clear()
        _adapters.by_code.clear()
        _adapters.by_code.update(adapters or {})
