"""The endpoints of one network: which to ask next, which not to, and which never again.

A read goes to the first healthy endpoint in the order of the settings and fails over. An endpoint is

* COOLING after a failure: left alone for a while that doubles with each failure in a row. If nothing better is left,
  one cooling endpoint is tried all the same (a network with a single endpoint must recover by itself), but never one
  that asked for fewer requests;
* LAGGING while its head is far behind the others', when it just went backwards, or when it disagrees with the majority:
  asked only after the healthy ones;
* REFUSED for good if it serves another chain.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from treasury.chains import errors
from treasury.chains import rpc_values as read
from treasury.chains.http import HttpClient, NotDeliveredRateLimited
from treasury.chains.ports import BlockRef, EndpointHealth, EndpointState
from treasury.chains.rpc import Call, Refused, RpcClient
from treasury.chains.rpc_errors import error_of_read

logger = logging.getLogger(__name__)

MAJORITY = 3  # endpoints, from which on some of them can outvote another
FIRST_COOL_DOWN_SECONDS = 0.5
LONGEST_COOL_DOWN_SECONDS = 30.0
RATE_LIMIT_COOL_DOWN_SECONDS = 1.0
BACKWARDS_PENALTY_SECONDS = 30.0
COMPARE_HEADS_EVERY_SECONDS = 10.0

CHECK_CHAIN_EVERY_SECONDS = 60.0

FAILURES = (errors.EndpointUnavailable, errors.MalformedAnswer, errors.WrongChain, errors.UnknownOutcome)
"""What speaks against the endpoint: it cools down, and a read goes on to the next."""

TRY_NEXT = (*FAILURES, errors.BlockNotAvailable, errors.HistoryUnavailable, errors.ReorgInFlight)
"""What another endpoint may know better, though this one did nothing wrong."""


@dataclass(slots=True)
class Endpoint[C: HttpClient]:
    """One endpoint and what this process knows of it."""

    client: C
    head: int | None = None
    latency_ms: int | None = None
    failures_in_a_row: int = 0
    cool_until: float = 0.0
    rate_limited: bool = False
    chain_checked_at: float = float("-inf")
    lagging: bool = False
    distrusted_until: float = 0.0
    refused: bool = False
    last_error: str = ""
    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def state(self, now: float) -> EndpointState:
        if self.refused:
            return EndpointState.REFUSED
        if now < self.cool_until:
            return EndpointState.COOLING
        if self.lagging or now < self.distrusted_until:
            return EndpointState.LAGGING
        return EndpointState.HEALTHY


class EndpointPool[C: HttpClient]:
    """All endpoints of one network. `check_chain` raises WrongChain; `clock` is monotonic seconds."""

    def __init__(
        self,
        clients: Sequence[C],
        *,
        network: str,
        check_chain: Callable[[C], None],
        max_lag_blocks: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.network = network
        self._ask_chain = check_chain
        self._max_lag_blocks = max_lag_blocks
        self._clock = clock
        self._lock = threading.Lock()
        self._endpoints = [Endpoint(client) for client in clients]
        self._heads_compared_at = float("-inf")

    def read[T](self, ask: Callable[[C], T]) -> T:
        """Run `ask` on the best endpoint, on the next ones where it fails for the endpoint's sake.

        `ask` makes all the requests of one question, so that its answer is one endpoint's view. It may run more than
        once. Raises the most telling error, NoHealthyEndpoint if there was nobody to ask.
        """
        return self.read_from(ask)[0]

    def read_from[T](self, ask: Callable[[C], T]) -> tuple[T, Endpoint[C]]:
        """The same, with the endpoint whose answer it is."""
        telling: errors.ChainError | None = None
        for endpoint in self._candidates():
            try:
                return self.attempt(endpoint, ask), endpoint
            except TRY_NEXT as error:
                # An answer ("I don't have that block") tells more than an endpoint that is down.
                if telling is None or isinstance(telling, errors.EndpointUnavailable):
                    telling = error
        raise telling or self.nobody()

    def attempt[T](self, endpoint: Endpoint[C], ask: Callable[[C], T]) -> T:
        """Run `ask` on this endpoint and remember how it went. Errors are typed and name network and endpoint."""
        started = self._clock()
        try:
            self._check_chain(endpoint, started)
            answer = ask(endpoint.client)
        except errors.ChainError as error:
            error.network, error.endpoint = self.network, endpoint.client.label
            self._failed(endpoint, error)
            raise
        self._succeeded(endpoint, self._clock() - started)
        return answer

    def each_reachable[T](self, ask: Callable[[C], T], *, but: Endpoint[C] | None = None) -> list[T]:
        """The answers of every endpoint that may be asked now; one that fails, or that a majority leaves behind, has no
        say. Of two, the one behind is asked: the other may have named a height that does not exist. `but`: who was
        asked already.
        """
        with self._lock:
            now = self._clock()
            wanted = {EndpointState.HEALTHY} | ({EndpointState.LAGGING} if len(self._endpoints) < MAJORITY else set())
            reachable = [each for each in self._endpoints if each.state(now) in wanted and each is not but]
        answers: list[T] = []
        for endpoint in reachable:
            try:
                answers.append(self.attempt(endpoint, ask))
            except errors.BlockNotAvailable:  # a moment behind
                continue
            except errors.ChainError as error:  # a failure is remembered by attempt()
                logger.warning("%s: no second opinion: %s", self.network, error)
        return answers

    def ensure_chain(self, endpoint: Endpoint[C], *, now: bool = False) -> None:
        """Check the chain id, if that was not done lately or `now`: apart from a send, whose failure it must not be."""
        if now:
            endpoint.chain_checked_at = float("-inf")
        if self._clock() > endpoint.chain_checked_at + CHECK_CHAIN_EVERY_SECONDS:
            self.attempt(endpoint, lambda _: None)

    def for_sending(self) -> Iterator[Endpoint[C]]:
        """Endpoints in the order in which a send may try them."""
        return iter(self._candidates())

    def nobody(self) -> errors.ChainError:
        """The error for a pool without anybody to ask."""
        with self._lock:
            if all(each.refused for each in self._endpoints):
                return errors.WrongChain("every endpoint serves another chain", network=self.network)
            return errors.NoHealthyEndpoint("every endpoint asked for fewer requests", network=self.network)

    def note_head(self, client: C, block: BlockRef) -> None:
        """Remember an endpoint's head; distrust an endpoint that went back further than any reorg should."""
        with self._lock:
            endpoint = self._of(client)
            if endpoint.head is not None and block.number < endpoint.head - self._max_lag_blocks:
                endpoint.distrusted_until = self._clock() + BACKWARDS_PENALTY_SECONDS
                endpoint.last_error = f"went back from block {endpoint.head} to {block.number}"
                endpoint.errors["WentBackwards"] += 1
            endpoint.head = block.number

    def compare_heads(self, ask: Callable[[C], BlockRef]) -> None:
        """Every few seconds, where there is something to compare: ask each endpoint for its head, mark laggards."""
        with self._lock:
            now = self._clock()
            if len(self._endpoints) < 2 or now < self._heads_compared_at + COMPARE_HEADS_EVERY_SECONDS:
                return
            self._heads_compared_at = now
            to_ask = [each for each in self._endpoints if not each.refused and now >= each.cool_until]
        seen: list[tuple[Endpoint[C], int]] = []
        for endpoint in to_ask:
            try:
                seen.append((endpoint, self.attempt(endpoint, ask).number))
            except errors.ChainError:
                continue  # remembered by attempt()
        with self._lock:
            self._mark_laggards(seen)

    def health(self) -> list[EndpointHealth]:
        """A snapshot, in the order of the settings."""
        with self._lock:
            now = self._clock()
            return [
                EndpointHealth(
                    url=each.client.label,
                    state=each.state(now),
                    head=each.head,
                    latency_ms=each.latency_ms,
                    failures_in_a_row=each.failures_in_a_row,
                    retry_in_seconds=max(0, round(each.cool_until - now)),
                    last_error=each.last_error,
                    requests=each.requests,
                    errors=dict(each.errors),
                )
                for each in self._endpoints
            ]

    @property
    def endpoints(self) -> Sequence[Endpoint[C]]:
        """All of them, in the order of the settings."""
        return tuple(self._endpoints)

    def close(self) -> None:
        """Close all kept connections."""
        for endpoint in self._endpoints:
            endpoint.client.close()

    # --- inside ---

    def _candidates(self) -> list[Endpoint[C]]:
        rank = {EndpointState.HEALTHY: 0, EndpointState.LAGGING: 1}
        with self._lock:
            now = self._clock()
            ready = [each for each in self._endpoints if each.state(now) in rank]
            if ready:
                return sorted(ready, key=lambda each: rank[each.state(now)])
            cooling = [each for each in self._endpoints if not each.refused and not each.rate_limited]
            return sorted(cooling, key=lambda each: each.cool_until)[:1]

    def _check_chain(self, endpoint: Endpoint[C], now: float) -> None:
        if now > endpoint.chain_checked_at + CHECK_CHAIN_EVERY_SECONDS:
            self._ask_chain(endpoint.client)
            endpoint.chain_checked_at = now

    def _of(self, client: C) -> Endpoint[C]:
        return next(each for each in self._endpoints if each.client is client)

    def _succeeded(self, endpoint: Endpoint[C], seconds: float) -> None:
        with self._lock:
            endpoint.requests += 1
            endpoint.latency_ms = round(seconds * 1000)
            endpoint.failures_in_a_row = 0
            endpoint.cool_until = 0.0
            endpoint.rate_limited = False

    def _failed(self, endpoint: Endpoint[C], error: errors.ChainError) -> None:
        with self._lock:
            endpoint.requests += 1
            endpoint.errors[type(error).__name__] += 1
            if isinstance(error, errors.WrongChain):
                endpoint.refused = True
            if not isinstance(error, FAILURES):
                return  # the question's fault, or the chain's: the endpoint did answer
            endpoint.chain_checked_at = float("-inf")  # it may come back as something else
            endpoint.last_error = str(error.message) or type(error).__name__
            endpoint.failures_in_a_row += 1
            endpoint.rate_limited = isinstance(error, errors.RateLimited)
            endpoint.cool_until = self._clock() + self._cool_down(endpoint, error)

    def _cool_down(self, endpoint: Endpoint[C], error: errors.ChainError) -> float:
        seconds = FIRST_COOL_DOWN_SECONDS * 2.0 ** min(endpoint.failures_in_a_row - 1, 10)
        if isinstance(error, errors.RateLimited):
            seconds = max(seconds, RATE_LIMIT_COOL_DOWN_SECONDS)
            if isinstance(error, NotDeliveredRateLimited) and error.retry_after_seconds is not None:
                seconds = max(seconds, error.retry_after_seconds)
        return min(seconds, LONGEST_COOL_DOWN_SECONDS)

    def _mark_laggards(self, seen: Sequence[tuple[Endpoint[C], int]]) -> None:
        """With two, the higher is right (its head was checked); with more, one far above the median is a liar."""
        if not seen:
            return
        heights = [height for _, height in seen]
        if len(seen) > 2:
            ceiling = median_low(heights) + self._max_lag_blocks
            best = max(height for height in heights if height <= ceiling)
        else:
            ceiling = best = max(heights)
        for endpoint, height in seen:
            endpoint.lagging = height < best - self._max_lag_blocks or height > ceiling
            if endpoint.lagging:
                endpoint.last_error = f"its head is {height}, the others' {best}"


def typed[T](method: str, result: T | Refused) -> T:
    """A result of `RpcClient.batch`, or its refusal raised as a typed error."""
    if isinstance(result, Refused):
        raise error_of_read(result.refusal, method)
    return result


def ask_one(client: RpcClient, method: str, *params: object) -> Any:
    """One call with its refusal typed."""
    try:
        return client.call(method, *params)
    except Refused as refused:
        raise error_of_read(refused.refusal, method) from None


def ask_many(client: RpcClient, calls: Sequence[Call]) -> list[Any]:
    """Several calls, the first refusal raised as a typed error."""
    return [typed(call.method, result) for call, result in zip(calls, client.batch(calls), strict=True)]


def check_chain_id(answer: object, expected: int) -> None:
    """Raises WrongChain unless the answer to eth_chainId is the expected one."""
    found = read.quantity(answer, "chain id")
    if found != expected:
        raise errors.WrongChain(f"chain id {found} instead of {expected}")
