"""JSON-RPC over HTTP to one endpoint: keep-alive, strict time-outs, a limit on the answer's size.

Two kinds of failure are kept apart from the first line, because payments hang on the difference: `NotDelivered` (the
request provably did not reach the node) and everything else.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from treasury.chains import errors
from treasury.chains.rpc_errors import NodeRefusal

CONNECT_TIMEOUT_SECONDS = 3.0
_CHUNK_BYTES = 1 << 20
_HEADERS = {"content-type": "application/json", "accept": "application/json", "user-agent": "exchequer"}


class NotDelivered(errors.EndpointUnavailable):
    """No connection, or refused at the door (HTTP 401, 403, 404, 413, 429): the node did not get the request."""


class NotDeliveredRateLimited(NotDelivered, errors.RateLimited):
    """HTTP 429. `retry_after_seconds` is what the endpoint asked for, or None."""

    retry_after_seconds: float | None = None


class Refused(errors.ChainError):
    """The node answered one request with a JSON-RPC error. `refusal` holds it; callers within this package type it."""

    def __init__(self, refusal: NodeRefusal) -> None:
        super().__init__(f"{refusal.message} (code {refusal.code})")
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Call:
    """One JSON-RPC call."""

    method: str
    params: Sequence[Any] = ()


type Result = Any
"""The `result` of an answer: any JSON."""


class RpcClient:
    """One endpoint. Safe to share between threads, not between processes."""

    def __init__(self, url: str, *, timeout_seconds: float, max_answer_bytes: int) -> None:
        self.url = url
        self.label = safe_url(url)
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._pool = urllib3.PoolManager(num_pools=2, maxsize=4, block=False, retries=False, headers=_HEADERS)
        self._ids = itertools.count(1)

    def call(self, method: str, *params: Any) -> Result:
        """One read. Raises Refused, EndpointUnavailable, RateLimited, MalformedAnswer."""
        return self.result_of(self._parsed(self.call_for_bytes(method, *params)))

    def call_for_bytes(self, method: str, *params: Any) -> bytes:
        """One read, its answer's bytes unread: hand the parsed envelope to `result_of`."""
        return self._post_read(orjson.dumps(self._request(Call(method, params))))

    def batch(self, calls: Sequence[Call]) -> list[Result | Refused]:
        """Several reads in one round trip; a refusal stands in the place of its call.

        Nodes that take no batches are asked one by one.
        """
        if len(calls) == 1:
            return [self._call_or_refusal(calls[0])]
        requests = [self._request(call) for call in calls]
        answer = self._parsed(self._post_read(orjson.dumps(requests)))
        if isinstance(answer, dict):  # the batch as a whole was refused
            return [self._call_or_refusal(call) for call in calls]
        answers = self._by_id(answer)
        try:
            return [self._result_or_refusal(answers[request["id"]]) for request in requests]
        except KeyError:
            raise errors.MalformedAnswer("an answer is missing from the batch", endpoint=self.label) from None

    def send_batch(self, calls: Sequence[Call]) -> list[Result | errors.ChainError]:
        """Calls with effects: one attempt, no repetition. Per call its result, Refused, or UnknownOutcome.

        Raises NotDelivered if none of them can have reached the node, UnknownOutcome if all of them may have.
        """
        requests = [self._request(call) for call in calls]
        try:
            answer = self._parsed(self._post(orjson.dumps(requests if len(requests) > 1 else requests[0])))
        except NotDelivered:
            raise
        except errors.ChainError as error:
            raise errors.UnknownOutcome(f"no answer: {error.message}", endpoint=self.label) from error
        if isinstance(answer, dict) and len(requests) > 1:
            # The node takes no batch, or not of this size. Whether it took a part of it does not matter: the same
            # bytes go out again, one by one, and the node says of each what it knows.
            return [self.send_batch([call])[0] for call in calls]
        answers = self._by_id(answer if isinstance(answer, list) else [answer])
        return [self._result_of_send(answers.get(request["id"])) for request in requests]

    def result_of(self, answer: Any) -> Result:
        """The result in a parsed envelope. Raises Refused, MalformedAnswer."""
        result = self._result_or_refusal(answer)
        if isinstance(result, Refused):
            raise result
        return result

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    # --- envelopes ---

    def _request(self, call: Call) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": call.method, "params": list(call.params)}

    def _call_or_refusal(self, call: Call) -> Result | Refused:
        try:
            return self.call(call.method, *call.params)
        except Refused as refused:
            return refused

    def _result_or_refusal(self, answer: Any) -> Result | Refused:
        if isinstance(answer, dict):
            if answer.get("error") is not None:
                return Refused(NodeRefusal.from_answer(answer["error"]))
            if "result" in answer:
                return answer["result"]
        raise errors.MalformedAnswer("neither a result nor an error", endpoint=self.label)

    def _result_of_send(self, answer: Any) -> Result | errors.ChainError:
        try:
            return self._result_or_refusal(answer)
        except errors.MalformedAnswer as error:
            return errors.UnknownOutcome(error.message, endpoint=self.label)

    def _by_id(self, answers: Any) -> dict[Any, Any]:
        if not isinstance(answers, list):
            raise errors.MalformedAnswer("not a batch answer", endpoint=self.label)
        return {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}

    def _parsed(self, body: bytes) -> Any:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise errors.MalformedAnswer("not JSON", endpoint=self.label) from None

    # --- HTTP ---

    def _post_read(self, body: bytes) -> bytes:
        """A read may be repeated: once, at once, if a kept connection turned out to be dead."""
        try:
            return self._post(body)
        except _StaleConnection:
            return self._post(body)

    def _post(self, body: bytes) -> bytes:
        deadline = time.monotonic() + self._timeout_seconds
        timeout = urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT_SECONDS, self._timeout_seconds), read=self._timeout_seconds
        )
        try:
            response = self._pool.urlopen(
                "POST", self.url, body=body, headers=_HEADERS, timeout=timeout, redirect=False, preload_content=False
            )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError) as error:
            raise NotDelivered(_brief(error), endpoint=self.label) from error
        except ProtocolError as error:
            raise _StaleConnection(_brief(error), endpoint=self.label) from error
        except ReadTimeoutError as error:
            raise errors.TimedOut(_brief(error), endpoint=self.label) from error
        except (HTTPError, OSError) as error:
            raise errors.EndpointUnavailable(_brief(error), endpoint=self.label) from error
        try:
            content = self._read_all(response, deadline)
        except (HTTPError, OSError) as error:
            response.close()
            kind = errors.TimedOut if isinstance(error, ReadTimeoutError) else errors.EndpointUnavailable
            raise kind(_brief(error), endpoint=self.label) from error
        except errors.ChainError:
            response.close()  # the rest of the answer is not worth reading
            raise
        response.release_conn()
        self._check_status(response, content)
        return content

    def _read_all(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        chunks, size = [], 0
        while chunk := response.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise errors.AnswerTooLarge(f"more than {self._max_answer_bytes} bytes", endpoint=self.label)
            if time.monotonic() > deadline:
                raise errors.TimedOut("the answer took too long", endpoint=self.label)
        return b"".join(chunks)

    def _check_status(self, response: urllib3.BaseHTTPResponse, content: bytes) -> None:
        status = response.status
        if status == 200 or (status < 500 and status != 429 and content.lstrip()[:1] == b"{" and b'"error"' in content):
            return  # some nodes answer a JSON-RPC error with HTTP 400
        message = f"HTTP {status}"
        if status == 429:
            error = NotDeliveredRateLimited(message, endpoint=self.label)
            error.retry_after_seconds = _seconds(response.headers.get("retry-after"))
            raise error
        if status in (401, 403, 404, 405, 413):
            raise NotDelivered(message, endpoint=self.label)
        raise errors.EndpointUnavailable(message, endpoint=self.label)


class _StaleConnection(errors.EndpointUnavailable):
    """The connection broke before an answer: perhaps it was dead, perhaps the node took the request and died."""


def safe_url(url: str) -> str:
    """Scheme, host and port: what of a URL may be shown and logged (providers keep their keys in path and query)."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.strip().isdigit() else None


def _brief(error: BaseException) -> str:
    text = type(error).__name__
    if isinstance(error, NewConnectionError | NameResolutionError):
        return f"{text}: no connection"
    return text
