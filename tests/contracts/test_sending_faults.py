"""A payment's bytes on their way to endpoints that are down, lose answers or lie: what the outcome says, and what is
on the chain afterwards. Over real HTTP to a real node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.worlds import BOB, NodeWorld, network_of
from tests.support.rpc_proxy import SEND, RpcProxy, raise_base_fee, wait_for
from treasury.chains import errors
from treasury.chains.evm import EvmAdapter
from treasury.chains.fees import bumped_fees
from treasury.chains.payloads import transaction_hash
from treasury.chains.ports import BlockRef, EndpointState, Receipt, SecondOpinions, SendVerdict
from treasury.chains.signed import read_signed

type StartProxy = Callable[[str], RpcProxy]


@pytest.fixture
def second(node_world: NodeWorld, rpc_proxy: StartProxy) -> RpcProxy:
    return rpc_proxy(node_world.node.url)


@pytest.fixture
def pair(node_world: NodeWorld, second: RpcProxy) -> EvmAdapter:
    return EvmAdapter(network_of("arbitrum", rpc_urls=[node_world.proxy.url, second.url]))


@pytest.fixture
def signed(node_world: NodeWorld) -> bytes:
    """A payment of 7 to Bob at nonce 0."""
    return node_world.wallet.transfer(node_world.network, nonce=0, fees=node_world.adapter.suggest_fees(), amount_raw=7)


def assert_paid(world: NodeWorld, amount_raw: int = 7) -> None:
    """Bob gets exactly this, and no second payment follows in the next blocks."""
    wait_for(lambda: world.node.balance_of(BOB) >= amount_raw, what="the payment")
    world.mine(2)
    assert world.node.balance_of(BOB) == amount_raw


@pytest.mark.parametrize("how", ["502", "500", "drop", "hang"])
def test_an_answer_lost_after_the_node_took_the_bytes_is_unknown_and_paid_once(
    node_world: NodeWorld, signed: bytes, how: str
) -> None:
    adapter = node_world.with_settings(rpc_timeout_seconds=1.5 if how == "hang" else 10)
    node_world.proxy.lose_answer(SEND, how=how)
    outcome = adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.UNKNOWN
    assert isinstance(outcome.error, errors.UnknownOutcome)
    assert outcome.may_be_on_its_way
    assert outcome.tx_hash == transaction_hash(signed)
    assert node_world.proxy.count(SEND) == 1, "a send is never repeated by itself"

    assert adapter.transaction(outcome.tx_hash) is not None, "looked up, it is there"
    again = adapter.send_raw(signed)
    assert again.verdict in (SendVerdict.NONCE_TOO_LOW, SendVerdict.ALREADY_KNOWN)
    assert_paid(node_world)
    receipt = adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert receipt.succeeded


def test_after_an_unknown_outcome_the_bytes_do_not_go_to_the_next_endpoint_by_themselves(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, signed: bytes
) -> None:
    node_world.proxy.lose_answer(SEND, how="drop")
    assert pair.send_raw(signed).verdict is SendVerdict.UNKNOWN
    assert second.count(SEND) == 0


def test_an_outage_before_the_send_is_not_sent(node_world: NodeWorld, signed: bytes) -> None:
    node_world.proxy.down()
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.NOT_SENT
    assert not outcome.may_be_on_its_way
    node_world.proxy.up()
    assert node_world.adapter.send_raw(signed).verdict is SendVerdict.ACCEPTED
    assert_paid(node_world)


@pytest.mark.parametrize("fault", ["down", "limited", "forbidden", "wrong chain"])
def test_bytes_that_did_not_leave_go_to_the_next_endpoint(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, signed: bytes, fault: str
) -> None:
    proxy = node_world.proxy
    if fault == "down":
        pair.head()  # so that the connection is known and dies under the send
        proxy.down()
    elif fault == "limited":
        proxy.answer_status(429, methods=[SEND])
    elif fault == "forbidden":
        proxy.answer_status(403, methods=[SEND])
    else:
        proxy.chain_id = 1
    assert pair.send_raw(signed).verdict is SendVerdict.ACCEPTED
    assert second.count(SEND) == 1
    assert_paid(node_world)


def test_an_endpoint_that_changes_its_chain_does_not_get_to_call_our_bytes_invalid(
    node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter, signed: bytes
) -> None:
    pair.head()
    node_world.proxy.chain_id = 1
    node_world.proxy.refuse_sends(message="invalid chain id for signer: have 421337 want 1")
    assert pair.send_raw(signed).verdict is SendVerdict.ACCEPTED
    assert [str(each.state) for each in pair.endpoint_health()] == ["refused", "healthy"]
    assert_paid(node_world)


def test_a_rate_limited_send_did_not_leave(node_world: NodeWorld, signed: bytes) -> None:
    node_world.proxy.answer_status(429, methods=[SEND])
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.NOT_SENT
    assert isinstance(outcome.error, errors.RateLimited)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateways_error_is_unknown_even_if_nothing_was_forwarded(
    node_world: NodeWorld, signed: bytes, status: int
) -> None:
    node_world.adapter.head()
    node_world.proxy.answer_status(status, methods=[SEND])
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.UNKNOWN
    assert node_world.adapter.transaction(outcome.tx_hash) is None
    node_world.proxy.behave()
    assert node_world.adapter.send_raw(signed).verdict is SendVerdict.ACCEPTED
    assert_paid(node_world)


def test_a_node_that_names_another_hash_is_not_believed(node_world: NodeWorld, signed: bytes) -> None:
    node_world.proxy.edit(SEND, lambda params, result: "0x" + "66" * 32)
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.UNKNOWN
    assert outcome.tx_hash == transaction_hash(signed)


def test_a_swallowed_transaction_is_accepted_but_not_known_and_can_be_sent_again(
    node_world: NodeWorld, signed: bytes
) -> None:
    node_world.proxy.swallow_sends(times=1)
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.ACCEPTED
    assert node_world.adapter.transaction(outcome.tx_hash) is None
    assert node_world.adapter.send_raw(signed).verdict is SendVerdict.ACCEPTED
    assert_paid(node_world)


def test_many_sends_survive_a_node_without_batches(node_world: NodeWorld) -> None:
    fees = node_world.adapter.suggest_fees()
    node_world.proxy.refuse_batches()
    signed = [node_world.wallet.transfer(node_world.network, nonce=n, fees=fees, amount_raw=1) for n in range(7)]
    outcomes = node_world.adapter.send_raw_many(signed)
    assert {outcome.verdict for outcome in outcomes} == {SendVerdict.ACCEPTED}
    assert_paid(node_world)


def test_after_a_lost_batch_the_rest_is_held_back(node_world: NodeWorld) -> None:
    adapter = node_world.with_settings(rpc_batch_size=3)
    fees = adapter.suggest_fees()
    signed = [node_world.wallet.transfer(node_world.network, nonce=n, fees=fees, amount_raw=1) for n in range(7)]
    node_world.proxy.lose_answer(SEND, how="drop")
    verdicts = [outcome.verdict for outcome in adapter.send_raw_many(signed)]
    assert verdicts == [SendVerdict.UNKNOWN] * 3 + [SendVerdict.NOT_SENT] * 4
    again = adapter.send_raw_many(signed)
    assert [outcome.verdict for outcome in again[3:]] == [SendVerdict.ACCEPTED] * 4
    assert_paid(node_world)


def test_a_batch_answer_with_holes_is_unknown_only_for_the_holes(
    node_world: NodeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    fees = node_world.adapter.suggest_fees()
    signed = [node_world.wallet.transfer(node_world.network, nonce=n, fees=fees, amount_raw=1) for n in range(3)]
    honest = node_world.proxy.answer_all

    def with_hole(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [answer for n, answer in enumerate(honest(calls)) if n != 1][::-1]

    monkeypatch.setattr(node_world.proxy, "answer_all", with_hole)
    verdicts = [outcome.verdict for outcome in node_world.adapter.send_raw_many(signed)]
    assert verdicts == [SendVerdict.ACCEPTED, SendVerdict.UNKNOWN, SendVerdict.ACCEPTED]


@pytest.mark.parametrize(
    ("message", "code", "verdict"),
    [
        ("already known", -32000, SendVerdict.ALREADY_KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", -32000, SendVerdict.NONCE_TOO_LOW),
        ("replacement transaction underpriced", -32000, SendVerdict.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x1", -32000, SendVerdict.UNDERPRICED),
        ("insufficient funds for gas * price + value", -32000, SendVerdict.INSUFFICIENT_FUNDS),
        ("nonce too high", -32000, SendVerdict.NONCE_TOO_HIGH),
        ("txpool is full", -32000, SendVerdict.REJECTED),
        ("something nobody has heard of", -32000, SendVerdict.REJECTED),
        ("internal error", -32603, SendVerdict.UNKNOWN),
        ("request timed out", -32000, SendVerdict.UNKNOWN),
        ("rate limit exceeded", -32005, SendVerdict.NOT_SENT),
        ("invalid sender", -32000, SendVerdict.INVALID),
    ],
)
def test_a_nodes_words_become_a_verdict(
    node_world: NodeWorld, signed: bytes, message: str, code: int, verdict: SendVerdict
) -> None:
    node_world.proxy.refuse_sends(message=message, code=code)
    outcome = node_world.adapter.send_raw(signed)
    assert outcome.verdict is verdict
    assert (outcome.error is None) == (verdict is SendVerdict.ALREADY_KNOWN)


@pytest.mark.new_node
def test_when_the_base_fee_triples_the_payment_waits_and_a_replacement_at_its_nonce_is_mined(
    node_world: NodeWorld,
) -> None:
    adapter, wallet = node_world.adapter, node_world.wallet
    node_world.hold()
    fees = adapter.suggest_fees()
    first = adapter.send_raw(wallet.transfer(node_world.network, nonce=0, fees=fees, amount_raw=7))
    assert first.verdict is SendVerdict.ACCEPTED
    raise_base_fee(node_world.node.url, 3)
    assert adapter.receipt(first.tx_hash) is None, "twice the old base fee is not enough"
    suggested = adapter.suggest_fees()
    assert suggested.max_fee_wei > fees.max_fee_wei * 11 // 10
    bumped = bumped_fees(fees, suggested, cap_wei=node_world.network.max_fee_cap_wei)
    second = adapter.send_raw(wallet.transfer(node_world.network, nonce=0, fees=bumped, amount_raw=7))
    assert second.verdict is SendVerdict.ACCEPTED
    node_world.mine()
    node_world.settle([second.tx_hash])
    assert adapter.receipt(first.tx_hash) is None
    assert_paid(node_world)
    node_world.mine(5)
    proof = adapter.find_transaction_by_nonce(wallet.address, 0)
    assert proof is not None
    assert proof.tx_hash == second.tx_hash


def test_fees_follow_the_base_fee_up_to_the_cap(node_world: NodeWorld) -> None:
    before = node_world.adapter.suggest_fees()
    node_world.proxy.base_fee_factor = 3
    assert node_world.adapter.suggest_fees().max_fee_wei == 3 * before.max_fee_wei
    node_world.proxy.base_fee_factor = 10**6
    with pytest.raises(errors.FeesTooHigh):
        node_world.adapter.suggest_fees()


@pytest.mark.new_node
def test_a_pruned_node_cannot_prove_and_says_so(node_world: NodeWorld, second: RpcProxy, pair: EvmAdapter) -> None:
    adapter, wallet = node_world.adapter, node_world.wallet
    sent = adapter.send_raw(wallet.transfer(node_world.network, nonce=0, fees=adapter.suggest_fees()))
    node_world.settle([sent.tx_hash])
    node_world.mine(5)
    node_world.proxy.refuse("eth_getTransactionCount", message="missing trie node 0xabc (path )")
    with pytest.raises(errors.HistoryUnavailable):
        adapter.find_transaction_by_nonce(wallet.address, 0)
    found = pair.find_transaction_by_nonce(wallet.address, 0)
    assert found is not None
    assert found.tx_hash == sent.tx_hash, "another endpoint may hold the history"


# --- proof ----------------------------------------------------------------------------------------------------------


def test_without_the_method_for_raw_bytes_they_are_put_together_again(node_world: NodeWorld, signed: bytes) -> None:
    node_world.proxy.refuse("eth_getRawTransactionByHash", code=-32601, message="the method does not exist")
    own = node_world.adapter.send_raw(signed).tx_hash
    assert node_world.adapter.raw_transaction(own) == signed
    node = node_world.node
    sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # its key is the node's own
    call = {"from": sender, "to": BOB, "value": "0x5", "gas": hex(60_000), "gasPrice": hex(10**10)}
    access = [{"address": node.token, "storageKeys": ["0x" + "00" * 31 + "07"]}]
    for kind in ({"type": "0x0"}, {"type": "0x1", "accessList": access}):
        tx_hash = str(node.call("eth_sendTransaction", call | kind))
        raw = node_world.adapter.raw_transaction(tx_hash)
        assert raw is not None
        read = read_signed(raw)
        assert (read.tx_hash, read.sender, read.to, read.value_wei) == (tx_hash, sender, BOB, 5)
        assert read.chain_id == node_world.network.chain_id


@pytest.fixture
def final(pair: EvmAdapter, node_world: NodeWorld, signed: bytes) -> tuple[Receipt, BlockRef]:
    """A final payment's receipt, and the final block."""
    tx_hash = pair.send_raw(signed).tx_hash
    node_world.settle([tx_hash])
    node_world.mine(5)
    receipt = pair.receipt(tx_hash)
    assert receipt is not None
    return receipt, pair.finalized()


def test_nodes_that_tell_the_same_dispute_nothing(pair: EvmAdapter, final: tuple[Receipt, BlockRef]) -> None:
    receipt, block = final
    assert pair.second_opinions([receipt], block).contradicted == frozenset()


@pytest.mark.parametrize(
    "told",
    [
        lambda receipt: None,
        lambda receipt: receipt | {"status": "0x0"},
        lambda receipt: receipt | {"logs": []},
        lambda receipt: receipt | {"blockHash": "0x" + "99" * 32, "logs": []},
    ],
    ids=["nothing", "reverted", "no transfer", "another block"],
)
def test_a_receipt_that_another_healthy_node_tells_otherwise_is_disputed(
    pair: EvmAdapter, second: RpcProxy, final: tuple[Receipt, BlockRef], told: Callable[[Any], Any]
) -> None:
    receipt, block = final
    second.edit("eth_getTransactionReceipt", lambda _, given: told(given))
    assert pair.second_opinions([receipt], block).contradicted == {receipt.tx_hash}


def test_a_node_on_another_chain_of_blocks_disputes_everything(
    pair: EvmAdapter, second: RpcProxy, final: tuple[Receipt, BlockRef]
) -> None:
    receipt, block = final
    second.edit("eth_getBlockByNumber", lambda _, given: given | {"hash": "0x" + "99" * 32})
    assert pair.second_opinions([receipt], block).contradicted == {receipt.tx_hash}


def test_what_a_node_that_is_behind_does_not_have_waits_for_it(
    pair: EvmAdapter, second: RpcProxy, final: tuple[Receipt, BlockRef]
) -> None:
    receipt, block = final
    second.stuck_at(block.number - 1)
    assert pair.second_opinions([receipt], block) == SecondOpinions(), "it has the receipt, and says the same"
    second.edit("eth_getTransactionReceipt", lambda _params, _given: None)
    assert pair.second_opinions([receipt], block) == SecondOpinions(unseen=frozenset({receipt.tx_hash}))


def test_a_node_that_calls_the_other_a_laggard_by_a_height_of_its_own_does_not_decide_alone(
    pair: EvmAdapter, node_world: NodeWorld, second: RpcProxy, final: tuple[Receipt, BlockRef]
) -> None:
    receipt, block = final
    second.stuck_at(receipt.block_number - 1)
    second.edit("eth_getTransactionReceipt", lambda _params, _given: None)
    node_world.mine(node_world.network.endpoint_max_lag_blocks + 1)
    later = EvmAdapter(pair.network)  # heads are compared now and then: by a new one at once
    later.head()
    assert later.endpoint_health()[1].state is EndpointState.LAGGING
    assert later.second_opinions([receipt], block).waiting == {receipt.tx_hash}


def test_a_node_that_is_away_has_no_say(pair: EvmAdapter, second: RpcProxy, final: tuple[Receipt, BlockRef]) -> None:
    receipt, block = final
    second.edit("eth_getTransactionReceipt", lambda _params, _given: None)
    second.down()
    assert pair.second_opinions([receipt], block) == SecondOpinions()
