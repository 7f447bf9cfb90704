"""The adapter of an EVM network: reads in `evm_reads.py`, sending in `evm_sending.py`, over one pool of endpoints."""

from __future__ import annotations

import time
from collections.abc import Callable

from treasury.chains import errors
from treasury.chains.endpoints import EndpointPool, ask_one, check_chain_id
from treasury.chains.evm_reads import EvmReads
from treasury.chains.evm_sending import EvmSending
from treasury.chains.network import Network
from treasury.chains.ports import EndpointHealth, TokenFacts
from treasury.chains.rpc import RpcClient
from treasury.chains.token import TokenReader


class EvmAdapter(EvmReads, EvmSending):
    """A `ports.ChainAdapter`. Thread-safe; one per process (connections do not survive a fork)."""

    def __init__(self, network: Network, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.network = network
        self._token = TokenReader(network.token_contract, network.chain_id)
        clients = [
            RpcClient(url, timeout_seconds=network.rpc_timeout_seconds, max_answer_bytes=network.rpc_max_answer_bytes)
            for url in network.rpc_urls
        ]
        self._pool = EndpointPool(
            clients,
            network=network.code,
            check_chain=lambda client: check_chain_id(ask_one(client, "eth_chainId"), network.chain_id),
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
                raise errors.ContractMismatch("two endpoints show different contracts", network=self.network.code)
            found = facts
        if found is None:
            raise down or self._pool.nobody()
        return found

    def _verify_one(self, client: RpcClient) -> TokenFacts:
        check_chain_id(ask_one(client, "eth_chainId"), self.network.chain_id)
        facts = self._token.facts(client)
        if facts.decimals != self.network.token_decimals:
            raise errors.ContractMismatch(
                f"the token has {facts.decimals} decimals, the settings say {self.network.token_decimals}"
            )
        return facts

    def endpoint_health(self) -> list[EndpointHealth]:
        return self._pool.health()

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()
