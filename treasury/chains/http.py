"""HTTP to one endpoint: keep-alive, strict time-outs, a limit on the answer's size.

Two kinds of failure are kept apart from the first line, because payments hang on the difference: `NotDelivered` (the
request provably did not reach the node) and everything else.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

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

CONNECT_TIMEOUT_SECONDS = 3.0
_CHUNK_BYTES = 1 << 20
CONNECTIONS = 16  # kept open at once per endpoint
_HEADERS = {"content-type": "application/json", "accept": "application/json", "user-agent": "exchequer"}


class NotDelivered(errors.EndpointUnavailable):
    """No connection, or refused at the door (HTTP 401, 403, 404, 413, 429): the node did not get the request."""


class NotDeliveredRateLimited(NotDelivered, errors.RateLimited):
    """HTTP 429. `retry_after_seconds` is what the endpoint asked for, or None."""

    retry_after_seconds: float | None = None


class HttpClient:
    """One endpoint. Safe to share between threads, not between processes."""

    def __init__(self, url: str, *, timeout_seconds: float, max_answer_bytes: int) -> None:
        self.url = url
        self.label = safe_url(url)
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._pool = urllib3.PoolManager(num_pools=2, maxsize=CONNECTIONS, block=False, retries=False, headers=_HEADERS)

    def post_read(self, body: bytes, path: str = "") -> bytes:
        """A read's answer. It may be repeated: once, at once, if a kept connection turned out to be dead."""
        try:
            return self.post(body, path)
        except _StaleConnection:
            return self.post(body, path)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def post(self, body: bytes, path: str = "") -> bytes:
        """One attempt. Raises NotDelivered if the node did not get it, else what became of the answer."""
        deadline = time.monotonic() + self._timeout_seconds
        timeout = urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT_SECONDS, self._timeout_seconds), read=self._timeout_seconds
        )
        try:
            response = self._pool.urlopen(
                "POST",
                self.url + path,
                body=body,
                headers=_HEADERS,
                timeout=timeout,
                redirect=False,
                preload_content=False,
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
