"""Endpoints that are down, slow, rate-limited, on a wrong chain, or lie: what reading them does. Over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.worlds import ALICE, BOB, NodeWorld, network_of
from tests.support.odd_json import ODD_STYLES
from tests.support.rpc_proxy import RpcProxy
from treasury.chains import errors
from treasury.chains.evm import EvmAdapter
from treasury.chains.ports import EndpointState, EveryAddress, ExactAddresses

type StartProxy = Callable[[str], RpcProxy]

DOWN = "http://127.0.0.1:1"


class Clock:
    """Monotonic seconds that only pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def second(node_world: NodeWorld, rpc_proxy: StartProxy) -> RpcProxy:
    """Another proxy in front of the same node."""
    return rpc_proxy(node_world.node.url)


@pytest.fixture
def pair(node_world: NodeWorld, second: RpcProxy, clock: Clock) -> EvmAdapter:
    """An adapter with two endpoints, the world's first."""
    return EvmAdapter(network_of("arbitrum", rpc_urls=[node_world.proxy.url, second.url]), clock=clock)


def states(adapter: EvmAdapter) -> list[str]:
    return [str(each.state) for each in adapter.endpoint_health()]


# --- down, slow, limited --------------------------------------------------------------------------------------------


def test_an_endpoint_that_is_down_says_so_and_recovers(node_world: NodeWorld) -> None:
    node_world.proxy.down()
    with pytest.raises(errors.EndpointUnavailable) as caught:
        node_world.adapter.head()
    assert caught.value.network == "arbitrum"
    (health,) = node_world.adapter.endpoint_health()
    assert health.state is EndpointState.COOLING
    assert health.failures_in_a_row == 1
    node_world.proxy.up()
    assert node_world.adapter.head().number > 0, "the only endpoint is tried although it cools down"
    assert node_world.adapter.endpoint_health()[0].state is EndpointState.HEALTHY


def test_a_read_fails_over_and_leaves_the_broken_endpoint_alone_for_a_while(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, clock: Clock
) -> None:
    node_world.proxy.answer_status(503)
    for _ in range(3):
        assert pair.head().number > 0
    asked = len(node_world.proxy.requests)
    assert asked == 1, "the broken one was asked once only"
    assert states(pair) == ["cooling", "healthy"]
    node_world.proxy.behave()
    clock.now += 60
    pair.head()
    assert len(node_world.proxy.requests) > asked
    assert states(pair) == ["healthy", "healthy"]


def test_the_cool_down_doubles_with_each_failure_in_a_row(
    node_world: NodeWorld, second: RpcProxy, clock: Clock
) -> None:
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=[DOWN, second.url]), clock=clock)
    for failures in range(1, 4):
        adapter.native_balance(ALICE)
        assert adapter.endpoint_health()[0].failures_in_a_row == failures
        clock.now += 0.5 * 2 ** (failures - 1) - 0.01
        adapter.native_balance(ALICE)
        assert adapter.endpoint_health()[0].failures_in_a_row == failures, "not asked before its time"
        clock.now += 0.02


def test_a_slow_endpoint_times_out_and_the_next_one_answers(node_world: NodeWorld, second: RpcProxy) -> None:
    node_world.proxy.slow(12)
    urls = [node_world.proxy.url, second.url]
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=urls, rpc_timeout_seconds=2))
    started = time.monotonic()
    assert adapter.native_balance(ALICE) == 0
    assert time.monotonic() - started < 10
    assert adapter.endpoint_health()[0].errors == {"TimedOut": 1}


def test_a_slow_single_endpoint_is_a_typed_time_out(node_world: NodeWorld) -> None:
    node_world.proxy.slow(5)
    with pytest.raises(errors.TimedOut):
        node_world.with_settings(rpc_timeout_seconds=0.2).head()


def test_a_dripping_answer_does_not_hold_us_for_ever(node_world: NodeWorld) -> None:
    node_world.proxy.drip(bytes_each=1, every_seconds=0.05)
    started = time.monotonic()
    with pytest.raises(errors.TimedOut):
        node_world.with_settings(rpc_timeout_seconds=0.3).head()
    assert time.monotonic() - started < 10


def test_a_rate_limit_is_respected_even_by_the_only_endpoints_user(node_world: NodeWorld, clock: Clock) -> None:
    adapter = EvmAdapter(node_world.network, clock=clock)
    node_world.proxy.answer_status(429, headers={"retry-after": "7"})
    with pytest.raises(errors.RateLimited):
        adapter.head()
    asked = len(node_world.proxy.requests)
    node_world.proxy.behave()
    clock.now += 6.9
    with pytest.raises(errors.NoHealthyEndpoint):
        adapter.head()
    assert len(node_world.proxy.requests) == asked
    clock.now += 0.2
    assert adapter.head().number > 0


@pytest.mark.parametrize("how", ["drop", "502"])
def test_a_lost_answer_to_a_read_is_asked_again_elsewhere(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, how: str
) -> None:
    node_world.proxy.lose_answer("eth_getBalance", how=how, times=None)
    assert pair.native_balance(ALICE) == 0
    assert second.count("eth_getBalance") == 1


def test_a_kept_connection_that_died_is_replaced_without_an_error(node_world: NodeWorld) -> None:
    node_world.adapter.head()
    node_world.proxy.down()
    node_world.proxy.up()
    assert node_world.adapter.head().number > 0
    assert node_world.adapter.endpoint_health()[0].errors == {}


def test_an_answer_that_is_no_json_is_malformed(node_world: NodeWorld) -> None:
    node_world.proxy.answer_status(200)
    with pytest.raises(errors.MalformedAnswer):
        node_world.adapter.native_balance(ALICE)


def test_a_node_without_batches_is_asked_one_by_one(node_world: NodeWorld) -> None:
    hashes = [node_world.pay(ALICE, amount) for amount in (1, 2, 3)]
    node_world.proxy.refuse_batches()
    receipts = node_world.adapter.receipts(hashes)
    assert [receipt.transfers[0].amount_raw for receipt in receipts if receipt] == [1, 2, 3]
    assert node_world.adapter.head().number > 0


def test_what_is_shown_of_an_endpoint_hides_its_key() -> None:
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=["https://user:pw@node.example:8443/v2/SECRET?key=SECRET"]))
    assert adapter.endpoint_health()[0].url == "https://node.example:8443"


# --- wrong chain, wrong token ---------------------------------------------------------------------------------------


def test_an_endpoint_of_another_chain_is_refused_for_good(node_world: NodeWorld) -> None:
    node_world.proxy.chain_id = 1
    with pytest.raises(errors.WrongChain):
        node_world.adapter.verify()
    node_world.proxy.behave()
    with pytest.raises(errors.WrongChain):
        node_world.adapter.head()
    assert node_world.adapter.endpoint_health()[0].state is EndpointState.REFUSED


@pytest.mark.parametrize(
    "question",
    [
        lambda adapter: adapter.head(),
        lambda adapter: adapter.transfers(0, 1, EveryAddress()),
        lambda adapter: adapter.native_balance(ALICE),
        lambda adapter: adapter.receipts(["0x" + "12" * 32]),
    ],
)
def test_no_question_is_answered_by_a_wrong_chain(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, question: Callable[[EvmAdapter], object]
) -> None:
    node_world.proxy.chain_id = 1
    question(pair)
    assert states(pair) == ["refused", "healthy"]
    node_world.proxy.behave()
    second.down()
    with pytest.raises(errors.EndpointUnavailable):
        question(pair)


def test_an_endpoint_that_changes_its_chain_is_noticed_by_the_next_scan(node_world: NodeWorld) -> None:
    node_world.adapter.transfers(0, 1, EveryAddress())
    node_world.proxy.chain_id = 1
    with pytest.raises(errors.WrongChain):
        node_world.adapter.transfers(0, 1, EveryAddress())


def test_other_decimals_than_configured_refuse_the_network(node_world: NodeWorld) -> None:
    adapter = node_world.with_settings(token_decimals=18)
    with pytest.raises(errors.ContractMismatch, match="6 decimals"):
        adapter.verify()


@pytest.mark.parametrize("token", [ALICE, "own account"])
def test_a_missing_contract_refuses_the_network(node_world: NodeWorld, token: str) -> None:
    address = token if token.startswith("0x") else node_world.wallet.address
    with pytest.raises(errors.ContractMismatch, match="no contract"):
        node_world.with_settings(token=address).verify()


def test_a_contract_that_is_no_token_refuses_the_network(node_world: NodeWorld) -> None:
    with pytest.raises((errors.ContractMismatch, errors.WouldRevert)):
        node_world.with_settings(token=node_world.multisend).verify()


def test_the_start_check_asks_every_endpoint_that_answers(node_world: NodeWorld, second: RpcProxy) -> None:
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=[DOWN, node_world.proxy.url, second.url]))
    assert adapter.verify().decimals == 6
    second.chain_id = 1
    with pytest.raises(errors.WrongChain):
        adapter.verify()
    node_world.proxy.down()
    with pytest.raises(errors.EndpointUnavailable):
        EvmAdapter(network_of("arbitrum", rpc_urls=[DOWN, node_world.proxy.url])).verify()


# --- lies about the height ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [1000, -3])
def test_a_lie_about_the_height_is_no_answer(node_world: NodeWorld, by: int) -> None:
    node_world.mine(5)
    node_world.proxy.lie_about_height(by=by)
    with pytest.raises(errors.MalformedAnswer):
        node_world.adapter.head()
    with pytest.raises(errors.MalformedAnswer):
        node_world.adapter.finalized()
    with pytest.raises(errors.MalformedAnswer):
        node_world.with_settings(finality="tag").finalized()


@pytest.mark.parametrize("by", [1000, -3])
def test_beside_an_honest_endpoint_a_liar_is_ignored(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, by: int
) -> None:
    node_world.mine(5)
    node_world.proxy.lie_about_height(by=by)
    assert pair.head().number == node_world.node.height
    assert pair.finalized().number == node_world.node.height - 5


def test_an_endpoint_that_fell_behind_is_asked_last(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, clock: Clock
) -> None:
    node_world.mine(40)
    node_world.proxy.stuck_at(5)
    assert pair.head().number == node_world.node.height
    assert states(pair) == ["lagging", "healthy"]
    second.down()
    assert pair.head().number == 5, "better than nothing"
    node_world.proxy.behave()
    second.up()
    clock.now += 60
    assert pair.head().number == node_world.node.height
    assert states(pair) == ["healthy", "healthy"]


def test_with_three_endpoints_one_that_runs_ahead_alone_is_distrusted(
    node_world: NodeWorld, second: RpcProxy, rpc_proxy: StartProxy
) -> None:
    third = rpc_proxy(node_world.node.url)
    node_world.mine(40)
    second.stuck_at(3)
    third.stuck_at(4)
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=[node_world.proxy.url, second.url, third.url]))
    assert adapter.head().number == 3
    assert states(adapter) == ["lagging", "healthy", "healthy"]


def test_an_endpoint_that_goes_back_is_distrusted(node_world: NodeWorld, second: RpcProxy, clock: Clock) -> None:
    node_world.mine(40)
    adapter = EvmAdapter(network_of("arbitrum", rpc_urls=[node_world.proxy.url, second.url]), clock=clock)
    adapter.head()
    node_world.proxy.stuck_at(5)
    clock.now += 5  # before heads are compared again
    assert adapter.head().number == 5
    assert states(adapter) == ["lagging", "healthy"]
    assert adapter.head().number == node_world.node.height


def test_a_range_beyond_an_endpoints_head_is_scanned_by_another(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter
) -> None:
    node_world.pay(ALICE, 5)
    head = node_world.node.height
    node_world.proxy.stuck_at(head - 1)
    assert len(pair.transfers(head, head, ExactAddresses([ALICE])).transfers) == 1
    second.stuck_at(head - 1)
    with pytest.raises(errors.BlockNotAvailable):
        pair.transfers(head, head, ExactAddresses([ALICE]))


# --- logs -----------------------------------------------------------------------------------------------------------


def test_a_refused_range_is_halved_until_it_passes(node_world: NodeWorld) -> None:
    for amount in range(1, 6):
        node_world.pay(ALICE, amount)
        node_world.mine(10)
    head = node_world.node.height
    node_world.proxy.refuse_ranges(wider_than=7)
    with pytest.raises(errors.RangeRefused):
        node_world.adapter.transfers(1, head, EveryAddress())
    ranges = list(node_world.adapter.scan(1, head, ExactAddresses([ALICE])))
    assert ranges[-1].last.number == head
    assert all(each.last.number - each.first_block < 7 for each in ranges)
    assert [transfer.amount_raw for each in ranges for transfer in each.transfers] == [1, 2, 3, 4, 5]
    assert node_world.adapter.endpoint_health()[0].failures_in_a_row == 0, "a refusal is not the endpoint's failure"


def test_a_limit_on_results_narrows_the_scan_only_where_it_is_dense(node_world: NodeWorld) -> None:
    for amount in range(1, 9):
        node_world.pay(ALICE, amount)
    node_world.mine(60)
    node_world.proxy.refuse_ranges(more_logs_than=3, code=-32000, message="query returned more than 3 results")
    ranges = list(node_world.adapter.scan(1, node_world.node.height, ExactAddresses([ALICE])))
    assert [transfer.amount_raw for each in ranges for transfer in each.transfers] == list(range(1, 9))
    assert max(each.last.number - each.first_block + 1 for each in ranges) > 5


def test_a_single_block_that_is_refused_stops_the_scan_behind_what_was_read(node_world: NodeWorld) -> None:
    node_world.pay(ALICE, 1)
    node_world.pay_many([(ALICE, 1), (ALICE, 2), (ALICE, 3)])
    head = node_world.node.height
    node_world.proxy.refuse_ranges(more_logs_than=2)
    scan = node_world.adapter.scan(1, head, ExactAddresses([ALICE]))
    read: list[int] = []
    with pytest.raises(errors.RangeRefused):
        read.extend(each.last.number for each in scan)
    assert read
    assert read[-1] == head - 1


@pytest.mark.parametrize("limit", ["size", "time"])
def test_an_answer_too_large_or_too_slow_is_a_range_to_halve(node_world: NodeWorld, limit: str) -> None:
    for amount in range(1, 9):
        node_world.pay(ALICE, amount)
    if limit == "size":
        adapter = EvmAdapter(replace(node_world.network, rpc_max_answer_bytes=4000))
    else:
        adapter = node_world.with_settings(rpc_timeout_seconds=2.0)
        node_world.proxy.slow_ranges(3, wider_than=4)
    with pytest.raises(errors.RangeRefused):
        adapter.transfers(1, node_world.node.height, EveryAddress())
    ranges = adapter.scan(1, node_world.node.height, ExactAddresses([ALICE]))
    assert [transfer.amount_raw for each in ranges for transfer in each.transfers] == list(range(1, 9))


def test_a_dropped_log_is_missing_from_the_scan_but_the_receipt_tells(node_world: NodeWorld) -> None:
    node_world.pay_many([(BOB, 1), (ALICE, 2)])
    head = node_world.node.height
    node_world.proxy.drop_logs(lambda log: log["logIndex"] == "0x0")
    (shifted,) = node_world.adapter.transfers(head, head, ExactAddresses([ALICE])).transfers
    assert shifted.ordinal == 0, "the node hid a log: this is why receipts are read before money is credited"
    receipt = node_world.adapter.receipt(shifted.tx_hash)
    assert receipt is not None
    assert [(each.ordinal, each.recipient) for each in receipt.transfers] == [(0, BOB), (1, ALICE)]
    node_world.proxy.drop_logs()
    assert node_world.adapter.transfers(head, head, ExactAddresses([ALICE])).transfers == ()


def _of_another_contract(log: dict[str, Any]) -> dict[str, Any]:
    return log | {"address": "0x" + "99" * 20}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda logs: [_of_another_contract(logs[0]), *logs[1:]],
        lambda logs: [*logs, logs[0]],
        lambda logs: [log | {"removed": True} for log in logs],
        lambda logs: [log | {"blockNumber": "0x0"} for log in logs],
        lambda logs: [log | {"data": "0x01"} for log in logs],
        lambda logs: [log | {"topics": log["topics"][:2]} for log in logs],
        lambda logs: [log | {"topics": ["0x" + "11" * 32, *log["topics"][1:]]} for log in logs],
        lambda logs: [{key: value for key, value in log.items() if key != "transactionHash"} for log in logs],
        lambda logs: [log | {"logIndex": None} for log in logs],
        lambda logs: {"logs": logs},
        lambda logs: None,
    ],
)
def test_logs_that_cannot_be_are_refused_whole(node_world: NodeWorld, spoil: Callable[[Any], Any]) -> None:
    node_world.pay_many([(ALICE, 1), (ALICE, 2)])
    head = node_world.node.height
    node_world.proxy.edit("eth_getLogs", lambda params, logs: spoil(logs))
    with pytest.raises(errors.MalformedAnswer):
        node_world.adapter.transfers(head, head, ExactAddresses([ALICE]))


def test_logs_of_a_block_with_another_hash_are_a_reorg_in_flight(node_world: NodeWorld) -> None:
    node_world.pay(ALICE, 1)
    node_world.mine()
    head = node_world.node.height
    other = {"blockHash": "0x" + "99" * 32}
    node_world.proxy.edit("eth_getLogs", lambda params, logs: [log | other for log in logs])
    with pytest.raises(errors.ReorgInFlight):
        node_world.adapter.transfers(head - 1, head - 1, ExactAddresses([ALICE]))


def test_a_reorg_while_the_logs_are_read_is_noticed(node_world: NodeWorld) -> None:
    node_world.pay(ALICE, 1)
    node_world.mine(3)
    head = node_world.node.height
    node_world.proxy.before("eth_getLogs", lambda: node_world.node.reorg(4))
    with pytest.raises(errors.ReorgInFlight):
        node_world.adapter.transfers(1, head, ExactAddresses([ALICE]))


@pytest.mark.parametrize("style", ODD_STYLES)
def test_odd_json_says_the_same(node_world: NodeWorld, style: str) -> None:
    tx_hash = node_world.pay_many([(BOB, 7), (ALICE, 1), (ALICE, 0), (ALICE, 3)])
    node_world.pay(ALICE, 9)
    head = node_world.node.height
    plain = node_world.adapter.transfers(1, head, ExactAddresses([ALICE]))
    receipt = node_world.adapter.receipt(tx_hash)
    node_world.proxy.reformat(style)
    assert node_world.adapter.transfers(1, head, ExactAddresses([ALICE])) == plain
    assert [transfer.ordinal for transfer in plain.transfers] == [1, 2, 3, 0]
    assert node_world.adapter.receipt(tx_hash) == receipt
    assert node_world.adapter.head() == plain.last
