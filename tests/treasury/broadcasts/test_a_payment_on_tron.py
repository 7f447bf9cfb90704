"""A payment on TRON from its order to the end: made once, by bytes that the signer built from the order."""

from __future__ import annotations

from tests.support.paying import MICRO
from tests.support.paying_on_tron import TronDesk
from treasury import broadcasts, ledger
from treasury.chains import registry
from treasury.chains.tron.transactions import decode_signed
from treasury.models import Broadcast


def test_an_order_becomes_a_transfer_and_its_fee_is_booked(tron_desk: TronDesk) -> None:
    order = tron_desk.order(5 * MICRO)
    tron_desk.pay_all()
    (final,) = tron_desk.attempts(order)
    assert (tron_desk.state(order), final.state) == ("settled", Broadcast.State.FINAL_OK)
    assert (final.gas_used or 0) > 29_000
    assert ledger.balance("expense:gas:tron") == final.fee_native > 0
    assert ledger.balance("gas:tron:hot") == registry.adapter("tron").native_balance(tron_desk.wallet.address)
    tron_desk.assert_each_paid_once()


def test_what_is_signed_says_what_the_order_says(tron_desk: TronDesk) -> None:
    order = tron_desk.order(7 * MICRO)
    tron_desk.reserve_and_sign()
    (signed,) = tron_desk.attempts(order)
    said = decode_signed(bytes(signed.signed_bytes or b""))
    assert (said.recipient, said.amount_raw, said.sender) == (order.address, 7 * MICRO, tron_desk.wallet.address)
    assert said.tx_hash == signed.tx_hash
    assert said.raw.fee_limit_sun == signed.fee_limit_sun


def test_many_orders_are_paid_once_each_also_equal_ones(tron_desk: TronDesk) -> None:
    same = tron_desk.new_address()
    made = tron_desk.order_many([tron_desk.request(MICRO + number) for number in range(20)])
    twice = tron_desk.order_many([tron_desk.request(3 * MICRO, same) for _ in range(2)])
    tron_desk.pay_all()
    assert {tron_desk.state(order) for order in [*made, *twice]} == {"settled"}
    assert tron_desk.transfers_to(same) == [3 * MICRO, 3 * MICRO]
    for order in made:
        assert tron_desk.transfers_to(order.address) == [order.amount_micro]


def test_pooled_is_not_paid_and_in_a_block_is_not_yet(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    tron_desk.send()
    tron_desk.confirm()
    assert tron_desk.attempts(order)[0].state == "sent"
    tron_desk.chain.mine()
    tron_desk.confirm()
    assert (tron_desk.attempts(order)[0].state, tron_desk.state(order)) == ("mined", "open")
    tron_desk.make_final()
    assert tron_desk.confirm() == 1
    assert tron_desk.state(order) == "settled"
    tron_desk.assert_each_paid_once()


def test_staked_energy_is_used_and_the_fee_limit_covers_it_all_the_same(tron_desk: TronDesk) -> None:
    order = tron_desk.order()
    tron_desk.reserve_and_sign()
    (attempt,) = tron_desk.attempts(order)
    cost = registry.expiring_chain("tron").transfer_cost(tron_desk.wallet.address, MICRO)
    assert (attempt.fee_limit_sun or 0) >= cost.energy * cost.energy_price_sun


def test_orders_wait_while_the_wallet_has_too_little(tron_desk: TronDesk) -> None:
    large = tron_desk.order(2_000_000 * MICRO)
    small = tron_desk.order(MICRO)
    broadcasts.reserve_broadcasts("tron")
    assert tron_desk.attempts(large) == []
    assert len(tron_desk.attempts(small)) == 1
