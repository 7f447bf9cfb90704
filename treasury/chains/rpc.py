"""JSON-RPC to one endpoint, over `http.HttpClient`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from treasury.chains import errors
from treasury.chains.http import HttpClient, NotDelivered
from treasury.chains.rpc_errors import NodeRefusal


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


class RpcClient(HttpClient):
    """One JSON-RPC endpoint."""

    def __init__(self, url: str, *, timeout_seconds: float, max_answer_bytes: int) -> None:
        super().__init__(url, timeout_seconds=timeout_seconds, max_answer_bytes=max_answer_bytes)
        self._ids = itertools.count(1)

    def call(self, method: str, *params: Any) -> Result:
        """One read. Raises Refused, EndpointUnavailable, RateLimited, MalformedAnswer."""
        return self.result_of(self._parsed(self.call_for_bytes(method, *params)))

    def call_for_bytes(self, method: str, *params: Any) -> bytes:
        """One read, its answer's bytes unread: hand the parsed envelope to `result_of`."""
        return self.post_read(orjson.dumps(self._request(Call(method, params))))

    def batch(self, calls: Sequence[Call]) -> list[Result | Refused]:
        """Several reads in one round trip; a refusal stands in the place of its call.

        Nodes that take no batches are asked one by one.
        """
        if len(calls) == 1:
            return [self._call_or_refusal(calls[0])]
        requests = [self._request(call) for call in calls]
        answer = self._parsed(self.post_read(orjson.dumps(requests)))
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
            answer = self._parsed(self.post(orjson.dumps(requests if len(requests) > 1 else requests[0])))
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
