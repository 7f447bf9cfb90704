"""Lost answers, dead nodes, forgotten pools, dear blocks and reorgs: exactly one transfer, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from tests.support.paying import MICRO, PASSPHRASE, Desk, assert_ledger_clean
from tests.support.rpc_proxy import RpcProxy, raise_base_fee
from treasury import alarms, broadcasts, halts, ledger
from treasury.broadcasts import replacing, sending
from treasury.chains import registry
from treasury.chains.addresses import checksummed
from treasury.chains.payloads import PaymentPayload
from treasury.keys.keystore import KeystoreFile
from treasury.models import Alarm, Broadcast, PaymentOrder
from treasury.signing.vault import hot_wallet_path

pytestmark = pytest.mark.faults
SEND = "eth_sendRawTransaction"


@pytest.fixture
def proxy(desk: Desk, networks: dict[str, dict[str, Any]], rpc_proxy: Callable[[str], RpcProxy]) -> Iterator[RpcProxy]:
    """In front of the desk's node, as the only endpoint."""
    proxy = rpc_proxy(desk.chain.url)
    networks["arbitrum"]["rpc_urls"] = [proxy.url]
    registry.reset()
    return proxy


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "RETRY_SECONDS", 0)
    monkeypatch.setattr(sending, "RESEND_SECONDS", 0)


def hashes_sent(proxy: RpcProxy) -> set[str]:
    """Distinct bytes that were handed to the node."""
    return {request.params[0] for request in proxy.requests if request.method == SEND}


# --- the answer is lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["502", "drop", "hang"])
def test_an_answer_lost_after_the_node_took_it_is_no_second_payment(
    desk: Desk, proxy: RpcProxy, networks: dict[str, dict[str, Any]], how: str
) -> None:
    desk.chain.stop_mining()
    order = desk.order()
    desk.reserve_and_sign()
    proxy.lose_answer(SEND, how=how)
    if how == "hang":
        networks["arbitrum"]["rpc_timeout_seconds"] = 1.0
        registry.reset()
    broadcasts.send_broadcasts("arbitrum")
    (unknown,) = desk.attempts(order)
    assert (unknown.state, unknown.last_error.startswith("unknown")) == ("sent", True)

    broadcasts.send_broadcasts("arbitrum")  # the same bytes: "already known"
    assert desk.attempts(order)[0].last_error == ""
    desk.pay_all()
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


def test_an_answer_lost_although_it_was_mined(desk: Desk, proxy: RpcProxy) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    proxy.lose_answer(SEND, how="drop")
    broadcasts.send_broadcasts("arbitrum")  # mined at once by the node
    broadcasts.send_broadcasts("arbitrum")  # "nonce too low" or "already known"
    desk.pay_all()
    assert desk.state(order) == "settled"
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


def test_a_node_that_is_away_gets_the_same_bytes_when_it_is_back(desk: Desk, proxy: RpcProxy) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    proxy.down()
    desk.advance()
    assert desk.attempts(order)[0].state == "signed"
    proxy.up()
    registry.reset()
    desk.pay_all()
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


def test_a_node_that_says_yes_and_forgets_is_told_again(desk: Desk, proxy: RpcProxy) -> None:
    desk.order()
    desk.reserve_and_sign()
    proxy.swallow_sends(times=2)
    broadcasts.send_broadcasts("arbitrum")
    desk.pay_all()
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


def test_a_node_that_lost_its_pool_gets_everything_again_in_order(desk: Desk) -> None:
    desk.chain.stop_mining()
    made = desk.order_many([desk.request(MICRO + number) for number in range(5)])
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.chain.call("anvil_dropAllTransactions")
    desk.chain.mine_at_once()
    desk.pay_all()
    assert [desk.attempts(order)[0].sends >= 2 for order in made] == [True] * 5
    desk.assert_each_paid_once()


@pytest.mark.parametrize(
    "message",
    ["nonce too low", "nonce too high", "transaction underpriced", "insufficient funds for gas * price + value", "odd"],
)
def test_a_node_that_refuses_for_a_while_costs_no_second_signature(desk: Desk, proxy: RpcProxy, message: str) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    proxy.refuse_sends(message=message, times=1)
    broadcasts.send_broadcasts("arbitrum")
    desk.pay_all()
    assert desk.state(order) == "settled"
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


# --- fees -----------------------------------------------------------------------------------------------------------


def test_a_payment_that_the_base_fee_has_overtaken_is_replaced_at_its_nonce(
    desk: Desk, proxy: RpcProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "PRICED_OUT_SECONDS", 0)
    proxy.enforce_replacement(percent=10)
    desk.chain.stop_mining()
    made = desk.order_many([desk.request(MICRO + number) for number in range(3)])
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    raise_base_fee(desk.chain.url, 3)  # above twice the old base fee
    assert broadcasts.confirm_broadcasts("arbitrum") == 0

    assert broadcasts.replace_stuck("arbitrum") == 3
    for order in made:
        old, new = desk.attempts(order)
        assert (old.state, new.state, new.nonce, bytes(new.data)) == (
            "replaced",
            "reserved",
            old.nonce,
            bytes(old.data),
        )
        assert new.max_fee_wei * 100 >= old.max_fee_wei * 110
    desk.pay_all()
    assert {desk.state(order) for order in made} == {"settled"}
    assert {each.state for order in made for each in desk.attempts(order)} == {"dead", "final_ok"}
    desk.assert_each_paid_once()


def test_a_stuck_payment_is_replaced_by_at_least_ten_percent(desk: Desk, proxy: RpcProxy, settings: Settings) -> None:
    settings.BROADCAST_STUCK_SECONDS = 0
    proxy.enforce_replacement(percent=10)
    desk.chain.stop_mining()
    first, second = desk.order(), desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    for round_number in (2, 3, 4):
        assert broadcasts.replace_stuck("arbitrum") == 1, "the lowest nonce only: the other waits behind it"
        assert broadcasts.replace_stuck("arbitrum") == 0, "still, while the dearer bytes wait for the signer"
        desk.signer.sign()
        broadcasts.send_broadcasts("arbitrum")
        newest = desk.attempts(first)[-1]
        assert (newest.attempt, newest.state, newest.last_error) == (round_number, "sent", "")
    settings.BROADCAST_STUCK_SECONDS = 180
    desk.pay_all()
    assert len(desk.attempts(second)) == 1
    assert len({each.nonce for each in desk.attempts(first)}) == 1
    desk.assert_each_paid_once()


def test_an_old_attempt_that_is_mined_after_all_settles_the_order(desk: Desk, settings: Settings) -> None:
    settings.BROADCAST_STUCK_SECONDS = 0
    desk.chain.stop_mining()
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.replace_stuck("arbitrum")
    desk.signer.sign()  # signed, never sent: the old bytes are in the pool
    desk.chain.mine()
    broadcasts.confirm_broadcasts("arbitrum")
    old, new = desk.attempts(order)
    assert (old.state, new.state) == ("mined", "replaced")
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    assert [each.state for each in desk.attempts(order)] == ["final_ok", "dead"]
    desk.assert_each_paid_once()


def test_above_the_fee_cap_nothing_is_replaced_and_an_alarm_is_raised(
    desk: Desk, networks: dict[str, dict[str, Any]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "PRICED_OUT_SECONDS", 0)
    networks["arbitrum"]["max_fee_cap_wei"] = 25_000_000
    registry.reset()
    desk.chain.stop_mining()
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    raise_base_fee(desk.chain.url, 3)
    assert broadcasts.replace_stuck("arbitrum") == 0
    assert alarms.is_raised("replacement-too-dear:arbitrum")
    assert len(desk.attempts(order)) == 1
    waiting = desk.order()
    assert broadcasts.reserve_broadcasts("arbitrum") == 0
    assert desk.state(waiting) == "open"
    assert alarms.is_raised("fees-too-high:arbitrum")


# --- reorgs and a chain that forgets --------------------------------------------------------------------------------


def test_a_mined_payment_that_a_reorg_takes_out_is_sent_again_with_the_same_bytes(desk: Desk, proxy: RpcProxy) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.chain.mine(2)
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.attempts(order)[0].state == "mined"

    desk.chain.reorg(3)
    desk.chain.call("anvil_dropAllTransactions")
    assert desk.transfers_to(order.address) == []
    broadcasts.confirm_broadcasts("arbitrum")
    (taken_out,) = desk.attempts(order)
    assert (taken_out.state, taken_out.block_number) == ("sent", None)

    desk.pay_all()
    assert len(hashes_sent(proxy)) == 1
    desk.assert_each_paid_once()


def test_a_chain_that_forgot_what_was_final_stops_its_payments(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = desk.chain.call("evm_snapshot")
    paid = desk.order()
    desk.pay_all()
    assert desk.state(paid) == "settled"
    desk.chain.call("evm_revert", snapshot)  # as after the restart of a node from an old copy
    assert desk.transfers_to(paid.address) == []

    next_one = desk.order()
    desk.advance()
    assert alarms.is_raised("chain-shorter:arbitrum")
    assert desk.attempts(next_one) == [], "nothing is reserved on a chain that may have forgotten"
    desk.chain.mine(30)  # the chain grows again, with other blocks
    desk.advance()
    desk.signer.sign()
    desk.advance()
    assert halts.is_halted("arbitrum")
    assert alarms.is_raised("halted:arbitrum")
    assert desk.attempts(next_one) == []
    assert desk.state(paid) == "settled"
    assert desk.transfers_to(paid.address) == []
    assert_ledger_clean()


def test_a_chain_that_stays_shorter_than_our_last_payment_halts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from treasury.broadcasts import history

    snapshot = desk.chain.call("evm_snapshot")
    desk.order()
    desk.pay_all()
    desk.chain.call("evm_revert", snapshot)
    desk.advance()
    assert not halts.is_halted("arbitrum")
    monkeypatch.setattr(history, "GRACE_SECONDS", 0)
    desk.advance()
    assert halts.is_halted("arbitrum")


def test_what_a_chain_forgot_is_sent_again_with_the_same_bytes_before_it_goes_on(desk: Desk) -> None:
    desk.order()
    desk.pay_all()
    snapshot = desk.chain.call("evm_snapshot")
    lost = [desk.order(), desk.order()]
    desk.pay_all()
    desk.chain.call("evm_revert", snapshot)
    desk.chain.mine(30)
    waiting = desk.order()
    desk.advance()
    assert halts.is_halted("arbitrum")

    first = broadcasts.resend_lost_payments("arbitrum")
    assert (first.resent, first.is_complete) == (2, False)
    desk.chain.let_it_mine()
    assert broadcasts.resend_lost_payments("arbitrum").waiting == 2
    desk.make_final()
    assert broadcasts.resend_lost_payments("arbitrum").back == 2
    assert broadcasts.resend_lost_payments("arbitrum").is_complete
    halts.resume_network("arbitrum", actor_label="a test")
    desk.pay_all()
    assert {desk.state(order) for order in [*lost, waiting]} == {"settled"}
    desk.assert_each_paid_once()


# --- foreign use of our nonce ---------------------------------------------------------------------------------------


def foreign_transaction(desk: Desk, to: str, data: bytes = b"", nonce: int | None = None) -> str:
    """The hot wallet's key used by somebody else, who signs what we never decided; returns the hash."""
    network = registry.network(desk.code)
    keys = KeystoreFile(desk.signer.settings.SIGNER_KEYSTORE_FILE).open(PASSPHRASE)
    payload = PaymentPayload(
        chain_id=network.chain_id,
        nonce=registry.adapter(desk.code).transaction_count(desk.wallet.address, "latest") if nonce is None else nonce,
        to=checksummed(to[2:]),
        value_wei=0,
        data=data,
        gas_limit=100_000,
        max_fee_wei=10**10,
        max_priority_fee_wei=10**9,
    )
    made = keys.sign_digest(hot_wallet_path(network), payload.signing_digest())
    signed = payload.assemble(made.y_parity, made.r, made.s)
    return str(desk.chain.call("eth_sendRawTransaction", "0x" + signed.hex()))


def unsigned_transaction(desk: Desk, to: str) -> str:
    """What only a node says that the hot wallet did: no key signed it. Returns the hash."""
    desk.chain.call("anvil_impersonateAccount", desk.wallet.address)
    call = {"from": desk.wallet.address, "to": to, "gas": hex(100_000)}
    return str(desk.chain.call("eth_sendTransaction", call))


@pytest.mark.new_node
def test_an_order_whose_nonce_another_transaction_used_is_dead_when_that_is_final(desk: Desk) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    foreign = foreign_transaction(desk, desk.chain.token[:-2] + "00")
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open", "not proven before it is final"
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    dead = PaymentOrder.objects.get(pk=order.pk)
    assert dead.state == "dead"
    assert foreign in dead.dead_reason
    assert alarms.is_raised(f"payment-foreign:{order.pk}")
    assert halts.is_halted("arbitrum"), "somebody else holds the key, or an old database was restored"
    assert desk.transfers_to(order.address) == []
    assert_ledger_clean()


@pytest.mark.new_node
def test_a_transaction_that_nobody_signed_proves_no_order_dead(desk: Desk) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    invented = unsigned_transaction(desk, desk.chain.token[:-2] + "00")
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open", "its money is not given back on a node's word"
    assert alarms.is_raised(f"payment-suspect:{order.pk}")
    assert invented in Alarm.objects.get(key=f"payment-suspect:{order.pk}").message


@pytest.mark.new_node
def test_a_transaction_of_another_wallet_proves_no_order_dead(desk: Desk, proxy: RpcProxy) -> None:
    """The node shows a real transaction, and says that it is ours."""
    order = desk.order()
    desk.reserve_and_sign()
    other = desk.chain.mint(desk.wallet.address, 1)
    desk.make_final()
    block = desk.chain.call("eth_getTransactionByHash", other)["blockNumber"]

    def ours(transaction: dict[str, Any]) -> dict[str, Any]:
        return (
            transaction | {"from": desk.wallet.address, "nonce": "0x0"} if transaction["hash"] == other else transaction
        )

    def blocks(params: list[Any], answer: Any) -> Any:
        return answer | {"transactions": [ours(each) for each in answer["transactions"]]} if params[1] else answer

    proxy.edit("eth_getTransactionCount", lambda params, _: hex(params[0] == "latest" or params[1] >= block))
    proxy.edit("eth_getBlockByNumber", blocks)
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open"
    assert "did not sign it" in Alarm.objects.get(key=f"payment-suspect:{order.pk}").message


@pytest.mark.new_node
def test_a_foreign_transaction_that_makes_the_same_payment_leaves_the_order_to_a_person(desk: Desk) -> None:
    """As after the restore of an older copy of the database: paid, and not known here."""
    order = desk.order()
    desk.reserve_and_sign()
    (ours,) = desk.attempts(order)
    foreign_transaction(desk, desk.chain.token, bytes(ours.data))
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open", "neither paid again nor given back"
    assert alarms.is_raised(f"payment-suspect:{order.pk}")
    assert halts.is_halted("arbitrum")
    assert desk.transfers_to(order.address) == [order.amount_micro]


def test_transactions_that_we_did_not_make_halt_the_network_before_a_nonce_is_given(desk: Desk) -> None:
    desk.order()
    desk.pay_all()
    foreign_transaction(desk, desk.chain.token[:-2] + "00")
    waiting = desk.order()
    desk.advance()
    assert halts.is_halted("arbitrum")
    assert not Broadcast.objects.filter(order=waiting).exists()


# --- nodes that disagree --------------------------------------------------------------------------------------------


@pytest.fixture
def two_nodes(
    desk: Desk, networks: dict[str, dict[str, Any]], rpc_proxy: Callable[[str], RpcProxy]
) -> tuple[RpcProxy, RpcProxy]:
    """Two endpoints of the desk's chain; the first is the one that is asked."""
    first, second = rpc_proxy(desk.chain.url), rpc_proxy(desk.chain.url)
    networks["arbitrum"]["rpc_urls"] = [first.url, second.url]
    registry.reset()
    return first, second


def test_one_node_that_calls_a_payment_reverted_gives_no_money_back(
    desk: Desk, two_nodes: tuple[RpcProxy, RpcProxy]
) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.make_final()
    liar, _ = two_nodes
    liar.edit("eth_getTransactionReceipt", lambda _, receipt: receipt | {"status": "0x0", "logs": []})
    assert broadcasts.confirm_broadcasts("arbitrum") == 0
    assert desk.state(order) == "open"
    assert alarms.is_raised("nodes-disagree:arbitrum")
    liar.behave()
    assert broadcasts.confirm_broadcasts("arbitrum") == 1
    assert desk.state(order) == "settled"
    assert not alarms.is_raised("nodes-disagree:arbitrum")
    desk.assert_each_paid_once()


def test_a_second_node_that_is_stuck_holds_a_payment_up_and_says_so(
    desk: Desk, two_nodes: tuple[RpcProxy, RpcProxy], networks: dict[str, Any]
) -> None:
    order = desk.order()
    _, second = two_nodes
    second.stuck_at(int(desk.chain.block()["number"], 16))
    second.edit("eth_getTransactionReceipt", lambda _params, _receipt: None)
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open"
    assert not alarms.is_raised("nodes-disagree:arbitrum"), "it may be a moment behind"
    desk.chain.mine(25)
    broadcasts.confirm_broadcasts("arbitrum")
    assert alarms.is_raised("nodes-disagree:arbitrum")
    second.behave()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "settled"
    desk.assert_each_paid_once()


def test_one_node_that_shows_a_payment_which_the_other_lacks_settles_nothing(
    desk: Desk, two_nodes: tuple[RpcProxy, RpcProxy]
) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.make_final()
    _, second = two_nodes
    second.edit("eth_getTransactionReceipt", lambda _params, _receipt: None)
    assert broadcasts.confirm_broadcasts("arbitrum") == 0
    assert desk.state(order) == "open"
    second.down()
    assert broadcasts.confirm_broadcasts("arbitrum") == 1, "a node that is away has no say"
    assert desk.state(order) == "settled"


# --- books that refuse ----------------------------------------------------------------------------------------------


def test_a_gas_key_that_is_taken_stops_only_its_own_order(desk: Desk) -> None:
    made = [desk.order(), desk.order(), desk.order()]
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    (spoilt,) = desk.attempts(made[1])
    ledger.post(
        ledger.Posting(
            key=f"gas:{spoilt.pk}", debit="expense:gas:arbitrum", credit="gas:arbitrum:hot", amount=1, kind="gas",
            group="a mistake",
        )
    )  # fmt: skip
    desk.make_final()
    assert broadcasts.confirm_broadcasts("arbitrum") == 2
    assert [desk.state(order) for order in made] == ["settled", "open", "settled"]
    assert alarms.is_raised(f"gas-refused:{made[1].pk}")
    later = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.make_final()
    assert broadcasts.confirm_broadcasts("arbitrum") == 1
    assert desk.state(later) == "settled"
    assert [desk.transfers_to(order.address) for order in (*made, later)] == [[5 * MICRO]] * 4


# --- a payment that fails on the chain ------------------------------------------------------------------------------


def test_a_reverted_payment_is_dead_at_finality_and_its_gas_is_booked(desk: Desk) -> None:
    order = desk.order()
    desk.reserve_and_sign()
    desk.chain.deployer.send(desk.chain.token, "TetherLike", "addToBlockedList", desk.wallet.address)
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(order) == "open"
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    (attempt,) = desk.attempts(order)
    assert (attempt.state, desk.state(order)) == ("final_reverted", "dead")
    assert ledger.balance("expense:gas:arbitrum") == attempt.fee_native > 0
    assert desk.transfers_to(order.address) == []
    assert_ledger_clean()
