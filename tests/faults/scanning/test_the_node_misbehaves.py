"""The node is away, slow, wrong or lying: deposits wait, nothing is lost, and an operator is told what he must know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from devnet.processes import wait_until
from tests.support.chains import LocalChain
from tests.support.rpc_proxy import RpcProxy
from tests.support.watching import Depositor, alarms, finalize, follow, only_deposit, settle
from treasury import deposits
from treasury.alarms import is_raised
from treasury.chains import errors, registry
from treasury.deposits import following
from treasury.models import Alarm, Deposit, NetworkState

pytestmark = pytest.mark.faults


def wait_for_credit(person: Depositor, amount_micro: int, code: str = "arbitrum") -> None:
    """As the worker does: again and again, whatever the last run said."""

    def is_credited() -> bool:
        with suppress(errors.ChainError):
            follow(code)
        return person.available == amount_micro

    wait_until(is_credited, what=f"a credit of {amount_micro}", seconds=60)


def test_while_the_node_is_down_nothing_happens_and_then_everything(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.down()
    with pytest.raises(errors.EndpointUnavailable):
        follow()
    assert not alarms()  # it was seen a moment ago
    NetworkState.objects.update(head_seen_at=timezone.now() - timedelta(minutes=2))
    with pytest.raises(errors.EndpointUnavailable):
        follow()
    assert alarms() == {"network_failing"}
    assert not Deposit.objects.exists()

    proxy.up()
    wait_for_credit(anna, 10_000_000)
    assert not alarms()


def test_a_deposit_that_is_confirmed_already_is_credited_while_the_node_is_down(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    deposits.scan_deposits("arbitrum")
    deposits.confirm_deposits("arbitrum")
    proxy.down()
    with pytest.raises(errors.EndpointUnavailable):
        follow()
    assert anna.available == 10_000_000


def test_one_network_that_is_down_holds_up_no_other(
    arbitrum: LocalChain, bsc: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    from treasury.tasks import scan_network

    scan_network("arbitrum")
    scan_network("bsc")
    proxy.down()
    bsc.transfer(anna.address, 10 * 10**18)
    finalize(bsc)
    scan_network("arbitrum")  # logs, does not raise
    scan_network("bsc")
    assert anna.available == 10_000_000


@pytest.mark.parametrize(
    "misbehave",
    [
        pytest.param(lambda proxy: proxy.slow(0.6, times=6), id="slow"),
        pytest.param(lambda proxy: proxy.answer_status(429, headers={"retry-after": "0"}, times=3), id="rate limited"),
        pytest.param(lambda proxy: proxy.answer_status(503, times=3), id="unavailable"),
        pytest.param(lambda proxy: proxy.hang_up(times=3), id="hangs up"),
        pytest.param(lambda proxy: proxy.lose_answer("eth_getLogs", how="drop", times=2), id="loses answers"),
        pytest.param(lambda proxy: proxy.refuse_batches(), id="refuses batches"),
    ],
)
def test_a_node_with_bad_moments_only_delays(
    misbehave: Callable[[RpcProxy], None],
    arbitrum: LocalChain,
    anna: Depositor,
    proxy: RpcProxy,
    networks: dict[str, Any],
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    networks["arbitrum"]["rpc_timeout_seconds"] = 0.5
    registry.reset()
    misbehave(proxy)
    wait_for_credit(anna, 10_000_000)
    networks["arbitrum"]["rpc_timeout_seconds"] = 10
    registry.reset()
    settle(arbitrum)
    assert anna.available == 10_000_000
    assert Deposit.objects.count() == 1


@pytest.mark.parametrize("by", [1_000, 3, -3])
def test_a_node_that_lies_about_its_height_makes_the_cursor_skip_nothing(
    by: int, arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.lie_about_height(by=by)
    for _ in range(3):
        try:
            follow()
        except errors.ChainError:
            continue
    assert NetworkState.objects.get().scanned_number <= arbitrum.height
    assert anna.available in (0, 10_000_000)

    proxy.behave()
    wait_for_credit(anna, 10_000_000)
    late = arbitrum.transfer(anna.address, 5_000_000)
    finalize(arbitrum)
    wait_for_credit(anna, 15_000_000)
    assert Deposit.objects.get(tx_hash=late).state == Deposit.State.CREDITED


def test_a_node_of_another_chain_is_not_believed_at_all(arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy) -> None:
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.chain_id = 1
    for _ in range(2):
        with pytest.raises(errors.ChainError):
            follow()
    alarm = Alarm.objects.get()
    assert (alarm.key, alarm.severity) == ("network_failing:arbitrum", "critical")
    assert not Deposit.objects.exists()
    assert not NetworkState.objects.exists()

    proxy.behave()
    registry.reset()  # a process that was started again with the right node
    following.forget_verified()
    wait_for_credit(anna, 10_000_000)
    assert not alarms()


def test_a_node_that_changes_its_chain_id_later_is_not_believed_from_then_on(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.chain_id = 56
    with pytest.raises(errors.ChainError):
        follow()
    assert not Deposit.objects.exists()
    proxy.behave()
    registry.reset()
    wait_for_credit(anna, 10_000_000)


def test_a_token_with_other_decimals_than_the_settings_say_is_not_read(
    arbitrum: LocalChain, anna: Depositor, networks: dict[str, Any]
) -> None:
    networks["arbitrum"]["token_decimals"] = 18
    registry.reset()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    with pytest.raises(errors.ContractMismatch):
        follow()
    assert Alarm.objects.get().severity == "critical"
    assert not Deposit.objects.exists()


def test_a_second_endpoint_takes_over(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy, networks: dict[str, Any]
) -> None:
    networks["arbitrum"]["rpc_urls"] = [proxy.url, arbitrum.url]
    registry.reset()
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.down()
    wait_for_credit(anna, 10_000_000)


def test_a_node_without_receipts_confirms_nothing_and_takes_nothing_back(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    finalize(arbitrum)
    proxy.edit("eth_getTransactionReceipt", lambda params, result: None)
    follow()
    assert only_deposit().state == Deposit.State.SEEN
    proxy.behave()
    follow()
    assert anna.available == 10_000_000


def test_a_fork_that_one_endpoint_shows_before_finality_costs_nothing(
    arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy
) -> None:
    """Logs of a block that turns out to be another one: the deposit goes and comes back as the chain does."""
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    follow()
    deposit = only_deposit()
    Deposit.objects.update(block_hash="0x" + "7" * 64)  # as a node on a fork would have told
    settle(arbitrum)
    again = only_deposit()
    assert (again.pk, again.state, again.block_hash) == (deposit.pk, Deposit.State.CREDITED, deposit.block_hash)
    assert anna.available == 10_000_000


@pytest.fixture
def liar(arbitrum: LocalChain, networks: dict[str, Any], rpc_proxy: Callable[[str], RpcProxy]) -> RpcProxy:
    """The first of two nodes; the other is honest."""
    first, honest = rpc_proxy(arbitrum.url), rpc_proxy(arbitrum.url)
    networks["arbitrum"]["rpc_urls"] = [first.url, honest.url]
    registry.reset()
    return first


def test_money_that_only_one_of_two_nodes_shows_is_not_credited(
    arbitrum: LocalChain, anna: Depositor, liar: RpcProxy
) -> None:
    follow()

    def a_thousand_times(log: dict[str, Any]) -> dict[str, Any]:
        return log | {"data": f"0x{int(log['data'], 16) * 1000:064x}"}

    liar.edit("eth_getLogs", lambda _, logs: [a_thousand_times(log) for log in logs])
    liar.edit(
        "eth_getTransactionReceipt",
        lambda _, receipt: receipt and receipt | {"logs": [a_thousand_times(log) for log in receipt["logs"]]},
    )
    arbitrum.transfer(anna.address, 10_000_000)
    settle(arbitrum)
    follow()
    assert only_deposit().amount_micro == 10_000_000_000, "the liar is asked first"
    assert anna.available == 0
    assert is_raised("nodes-disagree-on-deposits:arbitrum")

    liar.behave()
    follow()
    settle(arbitrum)
    assert anna.available == 10_000_000
    assert not is_raised("nodes-disagree-on-deposits:arbitrum")


def test_a_node_that_hides_the_transfer_of_a_final_deposit_cannot_take_it_back_alone(
    arbitrum: LocalChain, anna: Depositor, liar: RpcProxy
) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    follow()
    liar.edit("eth_getTransactionReceipt", lambda _, receipt: receipt and receipt | {"logs": []})
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.SEEN
    assert is_raised("nodes-disagree-on-deposits:arbitrum")
    liar.behave()
    follow()
    assert anna.available == 10_000_000


def test_a_second_node_that_is_stuck_holds_deposits_up_and_says_so(
    arbitrum: LocalChain, anna: Depositor, networks: dict[str, Any], rpc_proxy: Callable[[str], RpcProxy]
) -> None:
    second = rpc_proxy(arbitrum.url)
    networks["arbitrum"] |= {"rpc_urls": [arbitrum.url, second.url], "endpoint_max_lag_blocks": 20}
    registry.reset()
    follow()
    second.stuck_at(int(arbitrum.block()["number"], 16))
    second.edit("eth_getTransactionReceipt", lambda _params, _receipt: None)
    arbitrum.transfer(anna.address, 10_000_000)
    settle(arbitrum)
    assert anna.available == 0
    assert not is_raised("nodes-disagree-on-deposits:arbitrum"), "it may be a moment behind"
    arbitrum.mine(25)
    follow()
    assert is_raised("nodes-disagree-on-deposits:arbitrum")
    second.behave()
    follow()
    assert anna.available == 10_000_000
    assert not is_raised("nodes-disagree-on-deposits:arbitrum")
