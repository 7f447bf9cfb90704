"""The networks of this installation and their adapters: the one place that reads settings.NETWORKS."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.conf import settings

from treasury.chains.errors import ConfigurationError
from treasury.chains.network import Network, network_from_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from treasury.chains.ports import ChainAdapter


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
            from treasury.chains.evm import EvmAdapter  # web3 takes a second to import: only who talks to a chain pays

            found = _adapters.by_code[code] = EvmAdapter(network(code))
        return found


def reset(adapters: Mapping[str, ChainAdapter] | None = None) -> None:
    """Forget networks and adapters, for tests; use these instead of making new ones, if given."""
    with _adapters.lock:
        networks.cache_clear()
        _adapters.by_code.clear()
        _adapters.by_code.update(adapters or {})
