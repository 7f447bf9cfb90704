"""The happy path on a real node, step by step."""

from __future__ import annotations

from typing import Any

from tests.support.paying import MICRO, Desk
from treasury import broadcasts, ledger, orders
from treasury.chains import registry
from treasury.models import SigningRecord


def test_an_order_becomes_one_final_transfer(desk: Desk) -> None:
    order = desk.order(40 * MICRO)

    assert broadcasts.reserve_broadcasts("arbitrum") == 1
    (reserved,) = desk.attempts(order)
    assert (reserved.state, reserved.nonce, reserved.tx_hash) == ("reserved", 0, None)

    desk.signer.sign()
    (signed,) = desk.attempts(order)
    assert signed.state == "signed"
    assert SigningRecord.objects.get(broadcast=signed).tx_hash == signed.tx_hash

    assert broadcasts.send_broadcasts("arbitrum") == 1
    (sent,) = desk.attempts(order)
    assert sent.state == "sent"
    result = orders.order_results([order.reference])[order.reference]
    assert (result.state, result.sent, result.tx_hash) == ("open", True, sent.tx_hash)

    desk.chain.let_it_mine()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.attempts(order)[0].state == "mined"
    assert desk.state(order) == "open", "mined is not final"

    desk.make_final()
    assert broadcasts.confirm_broadcasts("arbitrum") == 1
    (final,) = desk.attempts(order)
    assert final.state == "final_ok"
    assert desk.state(order) == "settled"
    assert orders.order_results([order.reference])[order.reference].tx_hash == sent.tx_hash
    assert ledger.balance("expense:gas:arbitrum") == final.fee_native > 0
    desk.assert_each_paid_once()


def test_the_books_know_what_is_left_of_the_gas(desk: Desk) -> None:
    before = ledger.balance("gas:arbitrum:hot")
    desk.order()
    desk.pay_all()
    assert ledger.balance("gas:arbitrum:hot") == desk.chain.native_balance_of(desk.wallet.address)
    assert ledger.balance("gas:arbitrum:hot") < before


def test_a_payment_on_a_chain_with_eighteen_decimals(bsc_desk: Desk) -> None:
    order = bsc_desk.order(12_345_678)
    bsc_desk.pay_all()
    assert bsc_desk.state(order) == "settled"
    assert bsc_desk.transfers_to(order.address) == [12_345_678 * 10**12]
    bsc_desk.assert_each_paid_once()


def test_many_orders_take_consecutive_nonces_in_their_order(desk: Desk) -> None:
    made = desk.order_many([desk.request(MICRO + number) for number in range(30)])
    desk.pay_all()
    nonces = [desk.attempts(order)[0].nonce for order in made]
    assert nonces == list(range(30))
    assert desk.wallet.next_nonce == 30 == registry.adapter("arbitrum").transaction_count(desk.wallet.address, "latest")
    desk.assert_each_paid_once()


def test_a_wallet_that_was_used_before_starts_at_the_chains_count(desk: Desk) -> None:
    desk.chain.call("anvil_setNonce", desk.wallet.address, hex(7))
    order = desk.order()
    desk.pay_all()
    assert desk.attempts(order)[0].nonce == 7
    desk.assert_each_paid_once()


def test_finality_by_the_nodes_own_tag(desk: Desk, networks: dict[str, dict[str, Any]]) -> None:
    networks["arbitrum"]["finality"] = "tag"
    registry.reset()
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    desk.chain.let_it_mine()
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.attempts(order)[0].state == "mined"
    desk.pay_all()
    assert desk.state(order) == "settled"
    desk.assert_each_paid_once()
