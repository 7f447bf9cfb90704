"""The adapter of a TRON network: reads in `reads.py`, sending in `sending.py`, over one pool of nodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from treasury.chains import errors
from treasury.chains.addresses import raw_tron_address, tron_address
from treasury.chains.endpoints import EndpointPool
from treasury.chains.network import Network
from treasury.chains.ports import EndpointHealth, TokenFacts
from treasury.chains.tron import answers as read
from treasury.chains.tron.client import HEAD, TronClient
from treasury.chains.tron.reads import AT_ONCE, TronReads
from treasury.chains.tron.sending import TronSending
from treasury.chains.tron.token import Token


class TronAdapter(TronReads, TronSending):
    """A `ports.ExpiringChain`. Thread-safe; one per process (connections do not survive a fork)."""

    def __init__(self, network: Network, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.network = network
        # Nobody has the key of a hash: it never holds the token.
        stranger = tron_address(sha256(f"exchequer {network.token_contract}".encode()).digest()[:20])
        self._token = Token(network.token_contract, stranger=stranger)
        self._contract_digits = raw_tron_address(network.token_contract)[1:].hex()
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"tron-{network.code}")
        self._senders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"tron-{network.code}-send")
        clients = [
            TronClient(url, timeout_seconds=network.rpc_timeout_seconds, max_answer_bytes=network.rpc_max_answer_bytes)
            for url in network.rpc_urls
        ]
        self._pool = EndpointPool(
            clients,
            network=network.code,
            check_chain=self._check_chain,
            max_lag_blocks=network.endpoint_max_lag_blocks,
            clock=clock,
        )

    def verify(self) -> TokenFacts:
        found: TokenFacts | None = None
        down: errors.ChainError | None = None
        for endpoint in self._pool.endpoints:
            try:
                facts = self._pool.attempt(endpoint, self._verify_one)
            except errors.EndpointUnavailable as error:
                down = error
                continue
            if found is not None and facts.code_hash != found.code_hash:
                raise errors.ContractMismatch("two nodes show different contracts", network=self.network.code)
            found = facts
        if found is None:
            raise down or self._pool.nobody()
        return found

    def _verify_one(self, client: TronClient) -> TokenFacts:
        self._check_chain(client)
        facts = self._token.facts(client)
        if facts.decimals != self.network.token_decimals:
            raise errors.ContractMismatch(
                f"the token has {facts.decimals} decimals, the settings say {self.network.token_decimals}"
            )
        return facts

    def _check_chain(self, client: TronClient) -> None:
        """A TRON chain is known by its first block; its chain id is the end of that block's id."""
        first = read.block_at(client.ask(f"{HEAD}getblock", id_or_num="0", detail=False), 0)
        found = int(first.block_hash[-8:], 16) if first is not None else 0
        if found != self.network.chain_id:
            raise errors.WrongChain(f"chain id {found} instead of {self.network.chain_id}")

    def endpoint_health(self) -> list[EndpointHealth]:
        return self._pool.health()

    def close(self) -> None:
        """Close the kept connections."""
        self._workers.shutdown(wait=False)
        self._senders.shutdown(wait=False)
        self._pool.close()
