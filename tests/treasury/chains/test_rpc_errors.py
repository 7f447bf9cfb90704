"""What nodes say when they refuse a read, as types."""

from __future__ import annotations

import pytest

from treasury.chains import errors
from treasury.chains.rpc_errors import NodeRefusal, error_of_read, revert_reason

# Error(string) with "TetherToken: from is blocked"
REVERT_DATA = (
    "0x08c379a00000000000000000000000000000000000000000000000000000000000000020"
    "000000000000000000000000000000000000000000000000000000000000001c"
    "546574686572546f6b656e3a2066726f6d20697320626c6f636b656400000000"
)


@pytest.mark.parametrize(
    ("message", "code", "kind"),
    [
        ("limit exceeded", -32005, errors.RangeRefused),
        ("query returned more than 10000 results", -32005, errors.RangeRefused),
        ("exceed maximum block range: 5000", -32000, errors.RangeRefused),
        ("Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", -32602,
         errors.RangeRefused),
        ("eth_getLogs is limited to a 10,000 range", -32600, errors.RangeRefused),
        ("eth_getLogs is limited to 1000 blocks", -32600, errors.RangeRefused),
        ("query timeout exceeded", -32000, errors.RangeRefused),
        ("block range is too wide", -32701, errors.RangeRefused),
        ("rate limit exceeded", -32005, errors.RateLimited),
        ("Too Many Requests", 429, errors.RateLimited),
        ("daily request count exceeded, request rate limited", -32005, errors.RateLimited),
        ("block range extends beyond current head block", -32000, errors.BlockNotAvailable),
        ("One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found: header not found",
         -32000, errors.BlockNotAvailable),
    ],
)  # fmt: skip
def test_a_refusal_of_logs_is_typed(message: str, code: int, kind: type[errors.ChainError]) -> None:
    assert type(error_of_read(NodeRefusal(code, message), "eth_getLogs")) is kind


@pytest.mark.parametrize(
    ("message", "code", "kind"),
    [
        ("execution reverted: ERC20: transfer amount exceeds balance", 3, errors.WouldRevert),
        ("gas required exceeds allowance (0)", -32000, errors.WouldRevert),
        ("insufficient funds for transfer", -32000, errors.InsufficientFunds),
        ("missing trie node abc (path )", -32000, errors.HistoryUnavailable),
        ("required historical state unavailable (reexec=128)", -32000, errors.HistoryUnavailable),
        ("header not found", -32000, errors.BlockNotAvailable),
        ("BlockOutOfRangeError: block height is 18 but requested was 255", -32602, errors.BlockNotAvailable),
        ("limit exceeded", -32005, errors.RateLimited),
        ("Internal error", -32603, errors.EndpointUnavailable),
        ("request timed out", -32000, errors.EndpointUnavailable),
        ("the method eth_foo does not exist/is not available", -32601, errors.MethodRefused),
        ("invalid argument 0: hex string without 0x prefix", -32602, errors.MethodRefused),
        ("", 0, errors.MethodRefused),
    ],
)
def test_a_refusal_of_another_question_is_typed(message: str, code: int, kind: type[errors.ChainError]) -> None:
    assert type(error_of_read(NodeRefusal(code, message), "eth_call")) is kind


@pytest.mark.parametrize(
    "refusal",
    [
        NodeRefusal(3, "execution reverted", REVERT_DATA),
        NodeRefusal(3, "execution reverted", {"data": REVERT_DATA}),
        NodeRefusal(-32000, "execution reverted: TetherToken: from is blocked"),
    ],
)
def test_a_reverts_reason_is_the_contracts_own_text(refusal: NodeRefusal) -> None:
    assert revert_reason(refusal) == "TetherToken: from is blocked"


@pytest.mark.parametrize("data", ["0x08c379a0", "0x08c379a0ff", "0x", None, 5, {"data": None}])
def test_revert_data_that_cannot_be_read_leaves_the_nodes_text(data: object) -> None:
    assert revert_reason(NodeRefusal(3, "execution reverted", data)) == "execution reverted"


@pytest.mark.parametrize("given", [None, "text", {}, {"code": "x", "message": 5}, {"message": "m" * 10_000}])
def test_any_error_object_is_taken(given: object) -> None:
    refusal = NodeRefusal.from_answer(given)
    assert isinstance(refusal.code, int)
    assert len(refusal.message) <= 500


def test_errors_tell_where_they_happened() -> None:
    error = errors.RateLimited("too many", network="bsc", endpoint="https://node")
    assert str(error) == "too many (bsc https://node)"
    assert str(errors.RateLimited("too many")) == "too many"
    assert isinstance(error, errors.EndpointUnavailable)
