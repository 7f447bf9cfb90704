"""What every NonceSender promises, over the fake and over real nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.worlds import ALICE, BOB, NonceWorld, Wallet
from treasury.chains import errors
from treasury.chains.fees import bumped_fees
from treasury.chains.payloads import decode_signed, transfer_calldata
from treasury.chains.ports import CallRequest, Fees, SendVerdict
from treasury.chains.signed import read_signed


@pytest.fixture
def world(nonce_world: NonceWorld) -> NonceWorld:
    """Where a nonce makes a payment unique."""
    return nonce_world


def test_fees_follow_the_networks_policy(world: NonceWorld) -> None:
    fees = world.adapter.suggest_fees()
    assert fees.max_fee_wei >= 2 * fees.base_fee_wei
    assert fees.max_fee_wei >= fees.max_priority_fee_wei >= world.network.priority_fee_floor_wei
    if world.network.code == "bsc":
        assert fees.base_fee_wei == 0
        assert fees.max_fee_wei > 0


def test_a_gas_limit_is_estimated_with_a_margin(world: NonceWorld) -> None:
    calldata = transfer_calldata(BOB, 5)
    one = world.adapter.estimate_gas(world.wallet.address, world.network.token_contract, calldata)
    assert 30_000 < one <= world.network.gas_limit_max
    noop = world.adapter.estimate_gas(world.wallet.address, world.wallet.address, b"")
    assert 21_000 < noop < one
    request = CallRequest(world.wallet.address, world.network.token_contract, calldata)
    assert world.adapter.estimate_gas_many([request, request]) == [one, one]


def test_a_transfer_that_would_revert_says_why_before_it_is_sent(world: NonceWorld) -> None:
    poor = Wallet("poor")
    call = CallRequest(poor.address, world.network.token_contract, transfer_calldata(BOB, 5))
    with pytest.raises(errors.WouldRevert) as caught:
        world.adapter.estimate_gas(call.sender, call.to, call.data)
    assert "exceeds balance" in caught.value.reason
    good = CallRequest(world.wallet.address, call.to, call.data)
    first, second = world.adapter.estimate_gas_many([call, good])
    assert isinstance(first, errors.WouldRevert)
    assert isinstance(second, int)


def test_a_sent_transfer_is_mined_and_its_receipt_says_all(world: NonceWorld) -> None:
    adapter, wallet = world.adapter, world.wallet
    native, tokens = adapter.native_balance(wallet.address), adapter.token_balance(wallet.address)
    signed = wallet.transfer(world.network, nonce=0, fees=adapter.suggest_fees(), amount_raw=7)
    outcome = adapter.send_raw(signed)
    assert outcome.verdict is SendVerdict.ACCEPTED
    assert outcome.tx_hash == decode_signed(signed).tx_hash
    world.settle([outcome.tx_hash])

    receipt = adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert receipt.succeeded
    (transfer,) = receipt.transfers
    assert (transfer.sender, transfer.recipient, transfer.amount_raw) == (wallet.address, BOB, 7)
    assert transfer.ordinal == 0
    block = adapter.block(receipt.block_number)
    assert block is not None
    assert block.block_hash == receipt.block_hash == transfer.block_hash
    assert adapter.native_balance(wallet.address) == native - receipt.fee_native
    assert receipt.fee_native > 0
    assert adapter.token_balance(wallet.address) == tokens - 7
    assert adapter.token_balance(BOB) == 7
    info = adapter.transaction(outcome.tx_hash)
    assert info is not None
    assert (info.sender, info.nonce, info.to) == (wallet.address, 0, world.network.token_contract)
    assert (info.block_number, info.block_hash) == (block.number, block.block_hash)
    assert not info.is_pending
    assert adapter.transaction_count(wallet.address, "latest") == 1


def test_an_unknown_hash_has_neither_receipt_nor_transaction(world: NonceWorld) -> None:
    nobody = "0x" + "12" * 32
    assert world.adapter.receipt(nobody) is None
    assert world.adapter.transaction(nobody) is None
    assert world.adapter.receipts([nobody, nobody]) == [None, None]
    assert world.adapter.transactions([nobody]) == [None]


def test_a_pending_transaction_is_known_but_has_no_receipt(world: NonceWorld) -> None:
    world.hold()
    outcome = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=0, fees=world.adapter.suggest_fees()))
    info = world.adapter.transaction(outcome.tx_hash)
    assert info is not None
    assert info.is_pending
    assert world.adapter.receipt(outcome.tx_hash) is None
    assert world.adapter.transaction_count(world.wallet.address, "latest") == 0
    assert world.adapter.transaction_count(world.wallet.address, "pending") == 1


def test_the_same_bytes_again_are_harmless_while_pending_and_after(world: NonceWorld) -> None:
    world.hold()
    signed = world.wallet.transfer(world.network, nonce=0, fees=world.adapter.suggest_fees(), amount_raw=7)
    outcome = world.adapter.send_raw(signed)
    again = world.adapter.send_raw(signed)
    assert again.verdict is SendVerdict.ALREADY_KNOWN
    assert again.is_held_by_node
    world.mine()
    world.settle([outcome.tx_hash])
    late = world.adapter.send_raw(signed)
    assert late.verdict in (SendVerdict.NONCE_TOO_LOW, SendVerdict.ALREADY_KNOWN)
    world.mine()
    assert world.adapter.token_balance(BOB) == 7
    assert world.adapter.transaction_count(world.wallet.address, "latest") == 1


def test_a_replacement_needs_ten_percent_more(world: NonceWorld) -> None:
    world.hold()
    fees = _with_tip(world.adapter.suggest_fees())
    first = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=0, fees=fees, amount_raw=1))
    weak = Fees(fees.max_fee_wei * 105 // 100, fees.max_priority_fee_wei * 105 // 100, fees.base_fee_wei)
    refused = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=0, fees=weak, amount_raw=2))
    assert refused.verdict is SendVerdict.UNDERPRICED
    assert isinstance(refused.error, errors.Underpriced)
    strong = bumped_fees(fees, fees, cap_wei=10**12)
    taken = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=0, fees=strong, amount_raw=3))
    assert taken.verdict is SendVerdict.ACCEPTED
    world.mine()
    world.settle([taken.tx_hash])
    assert world.adapter.token_balance(BOB) == 3
    assert world.adapter.receipt(first.tx_hash) is None


@pytest.mark.new_node
def test_what_is_final_at_a_nonce_can_be_proven(world: NonceWorld) -> None:
    adapter, wallet = world.adapter, world.wallet
    world.mine(3)
    reserved_at = adapter.head().number
    assert adapter.find_transaction_by_nonce(wallet.address, 0) is None
    hashes = [
        adapter.send_raw(wallet.transfer(world.network, nonce=n, fees=adapter.suggest_fees())).tx_hash for n in range(3)
    ]
    world.settle(hashes)
    assert adapter.find_transaction_by_nonce(wallet.address, 1, from_block=reserved_at) is None, "not final yet"
    assert adapter.transaction_count(wallet.address, "finalized") == 0
    world.mine(world.network.confirmations)
    for hint in (0, reserved_at, adapter.head().number):
        found = adapter.find_transaction_by_nonce(wallet.address, 1, from_block=hint)
        assert found is not None
        assert found.tx_hash == hashes[1]
    assert adapter.transaction_count(wallet.address, "finalized") == 3
    assert adapter.transaction_count(wallet.address, reserved_at) == 0
    assert adapter.find_transaction_by_nonce(wallet.address, 3) is None


def test_the_signed_bytes_of_a_transaction_can_be_had_back(world: NonceWorld) -> None:
    adapter, wallet = world.adapter, world.wallet
    signed = wallet.transfer(world.network, nonce=0, fees=adapter.suggest_fees())
    outcome = adapter.send_raw(signed)
    world.settle([outcome.tx_hash])
    assert adapter.raw_transaction(outcome.tx_hash) == signed
    assert read_signed(signed).sender == wallet.address
    assert adapter.raw_transaction("0x" + "12" * 32) is None


def test_a_gap_holds_later_nonces_until_it_is_filled(world: NonceWorld) -> None:
    fees = world.adapter.suggest_fees()
    later = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=1, fees=fees))
    world.mine(2)
    assert world.adapter.receipt(later.tx_hash) is None
    filling = world.adapter.send_raw(world.wallet.noop(world.network, nonce=0, fees=fees))
    assert filling.verdict is SendVerdict.ACCEPTED
    world.mine(2)
    world.settle([filling.tx_hash, later.tx_hash])
    receipt = world.adapter.receipt(filling.tx_hash)
    assert receipt is not None
    assert receipt.succeeded
    assert receipt.transfers == ()


def test_a_wallet_without_gas_is_told_so(world: NonceWorld) -> None:
    poor = Wallet("poor")
    outcome = world.adapter.send_raw(
        poor.transfer(world.network, nonce=0, fees=_with_tip(world.adapter.suggest_fees()))
    )
    assert outcome.verdict is SendVerdict.INSUFFICIENT_FUNDS
    assert isinstance(outcome.error, errors.InsufficientFunds)


def test_bytes_that_no_node_takes_are_invalid(world: NonceWorld) -> None:
    elsewhere = replace(world.network, chain_id=1)
    other_chain = world.wallet.transfer(elsewhere, nonce=0, fees=world.adapter.suggest_fees())
    for signed in (b"\x02\xc0", other_chain):
        outcome = world.adapter.send_raw(signed)
        assert outcome.verdict is SendVerdict.INVALID
        assert not outcome.may_be_on_its_way


def test_many_are_sent_in_order_and_each_has_an_outcome(world: NonceWorld) -> None:
    fees = world.adapter.suggest_fees()
    signed = [
        world.wallet.transfer(world.network, nonce=n, fees=fees, recipient=ALICE, amount_raw=n + 1) for n in range(250)
    ]
    outcomes = world.adapter.send_raw_many(signed)
    assert [outcome.tx_hash for outcome in outcomes] == [decode_signed(each).tx_hash for each in signed]
    assert {outcome.verdict for outcome in outcomes} == {SendVerdict.ACCEPTED}
    world.mine()
    hashes = [outcome.tx_hash for outcome in outcomes]
    world.settle(hashes)
    receipts = world.adapter.receipts(hashes)
    assert [receipt.transfers[0].amount_raw for receipt in receipts if receipt] == list(range(1, 251))
    assert world.adapter.token_balance(ALICE) == sum(range(1, 251))
    assert world.adapter.send_raw_many([]) == []


def test_a_transfer_out_of_a_blocked_address_reverts_and_pays_gas_only(world: NonceWorld) -> None:
    if world.network.code == "bsc" and not hasattr(world, "chain"):
        assert not world.adapter.is_blocked(world.wallet.address), "the token has no blocklist"
        return
    assert not world.adapter.is_blocked(world.wallet.address)
    world.block_address(world.wallet.address)
    assert world.adapter.is_blocked(world.wallet.address)
    with pytest.raises(errors.WouldRevert) as caught:
        world.adapter.estimate_gas(world.wallet.address, world.network.token_contract, transfer_calldata(BOB, 5))
    assert "blocked" in caught.value.reason
    outcome = world.adapter.send_raw(world.wallet.transfer(world.network, nonce=0, fees=world.adapter.suggest_fees()))
    world.settle([outcome.tx_hash])
    receipt = world.adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert not receipt.succeeded
    assert receipt.transfers == ()
    assert world.adapter.token_balance(BOB) == 0


def _with_tip(fees: Fees) -> Fees:
    """Large enough for ten percent to mean something."""
    tip = max(fees.max_priority_fee_wei, 1_000_000)
    return Fees(max(fees.max_fee_wei, tip) + tip, tip, fees.base_fee_wei)
