"""A TRON full node's HTTP API (java-tron: `/wallet/*` shows the head, `/walletsolidity/*` what is solid)."""

from __future__ import annotations

import re
from typing import Any

import orjson

from treasury.chains import errors
from treasury.chains.http import HttpClient, NotDelivered

HEAD, SOLID = "/wallet/", "/walletsolidity/"

_BUSY = re.compile(
    r"lack of computing resources|rate.?limit|too many|frequency|exceed(s|ed)? .*(limit|quota)", re.IGNORECASE
)
_PASSES = re.compile(r"time.?out|busy|not synced|unavailable|try again", re.IGNORECASE)


class TronClient(HttpClient):
    """One node. Answers are JSON objects or lists; an error comes with HTTP 200 and under "Error"."""

    def ask(self, path: str, **question: Any) -> Any:
        """One read, parsed. Raises EndpointUnavailable, RateLimited, MethodRefused, MalformedAnswer."""
        return self.parsed(self.ask_for_bytes(path, **question), path)

    def ask_for_bytes(self, path: str, **question: Any) -> bytes:
        """One read, its answer unread: for what is scanned as bytes."""
        return self.post_read(orjson.dumps(question), path)

    def send(self, path: str, **question: Any) -> Any:
        """Something with an effect: one attempt. Raises NotDelivered if it cannot have arrived, else UnknownOutcome."""
        try:
            return self.parsed(self.post(orjson.dumps(question), path), path)
        except NotDelivered:
            raise
        except errors.ChainError as error:
            raise errors.UnknownOutcome(f"no answer: {error.message}", endpoint=self.label) from error

    def parsed(self, body: bytes, path: str) -> Any:
        """The JSON of an answer, unless it is an error."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise errors.MalformedAnswer(f"{path}: not JSON", endpoint=self.label) from None
        if isinstance(answer, dict) and (said := answer.get("Error", answer.get("error"))) is not None:
            raise self._error(path, str(said)[:300])
        return answer

    def mapping(self, path: str, **question: Any) -> dict[str, Any]:
        """One read whose answer is an object."""
        answer = self.ask(path, **question)
        if not isinstance(answer, dict):
            raise errors.MalformedAnswer(f"{path}: not an object", endpoint=self.label)
        return answer

    def _error(self, path: str, said: str) -> errors.ChainError:
        message = f"{path}: {said}"
        if _BUSY.search(said):
            return errors.RateLimited(message, endpoint=self.label)
        if _PASSES.search(said):
            return errors.EndpointUnavailable(message, endpoint=self.label)
        return errors.MethodRefused(message, endpoint=self.label)
