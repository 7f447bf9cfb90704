"""What every PaymentSender promises, whatever makes a payment unique on its network."""

from __future__ import annotations

from tests.contracts.worlds import World
from treasury.chains.ports import SendVerdict


def test_the_start_check_reads_the_token(world: World) -> None:
    facts = world.adapter.verify()
    assert (facts.contract, facts.decimals) == (world.network.token_contract, world.network.token_decimals)
    assert facts.symbol == "USDT"


def test_a_sent_payment_is_mined_and_its_receipt_says_all(world: World) -> None:
    adapter = world.adapter
    native, tokens = adapter.native_balance(world.payer), adapter.token_balance(world.payer)
    outcome = adapter.send_raw(world.sign_payment(world.bob, 7))
    assert outcome.verdict is SendVerdict.ACCEPTED
    assert outcome.is_held_by_node
    world.settle([outcome.tx_hash])
    receipt = adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert receipt.succeeded
    (transfer,) = receipt.transfers
    assert (transfer.sender, transfer.recipient, transfer.amount_raw) == (world.payer, world.bob, 7)
    block = adapter.block(receipt.block_number)
    assert block is not None
    assert block.block_hash == receipt.block_hash == transfer.block_hash
    assert adapter.native_balance(world.payer) == native - receipt.fee_native
    assert receipt.fee_native > 0
    assert (adapter.token_balance(world.payer), adapter.token_balance(world.bob)) == (tokens - 7, 7)


def test_the_same_bytes_again_are_harmless_while_pending_and_after(world: World) -> None:
    world.hold()
    signed = world.sign_payment(world.bob, 7)
    first = world.adapter.send_raw(signed)
    again = world.adapter.send_raw(signed)
    assert again.verdict is SendVerdict.ALREADY_KNOWN
    assert again.tx_hash == first.tx_hash
    assert world.adapter.receipt(first.tx_hash) is None
    world.mine()
    world.settle([first.tx_hash])
    assert world.adapter.send_raw(signed).may_be_on_its_way
    world.mine()
    assert world.adapter.token_balance(world.bob) == 7


def test_many_are_sent_and_each_has_an_outcome(world: World) -> None:
    assert world.adapter.send_raw_many([]) == []
    outcome = world.adapter.send_raw_many([world.sign_payment(world.alice, 9)])
    world.settle([each.tx_hash for each in outcome])
    assert world.adapter.token_balance(world.alice) == 9


def test_an_unknown_hash_has_no_receipt(world: World) -> None:
    known = world.pay(world.alice, 3)
    nobody = known[:-6] + "abcdef"
    assert world.adapter.receipt(nobody) is None
    found = world.adapter.receipts([nobody, known])
    assert found[0] is None
    assert found[1] is not None
    assert world.adapter.receipts([]) == []


def test_where_one_node_is_asked_nothing_is_disputed(world: World) -> None:
    outcome = world.adapter.send_raw(world.sign_payment(world.bob, 7))
    world.settle([outcome.tx_hash])
    world.mine(world.network.confirmations + 1)
    receipt = world.adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert not world.adapter.second_opinions([receipt], world.adapter.finalized()).waiting
    assert not world.adapter.second_opinions([], world.adapter.finalized()).waiting


def test_a_blocked_payers_payment_fails_and_costs_its_fee_only(world: World) -> None:
    if world.network.code == "bsc" and not hasattr(world, "chain"):
        assert not world.adapter.is_blocked(world.payer), "the token has no blocklist"
        return
    assert not world.adapter.is_blocked(world.payer)
    signed = world.sign_payment(world.bob, 5)
    world.block_address(world.payer)
    assert world.adapter.is_blocked(world.payer)
    outcome = world.adapter.send_raw(signed)
    world.settle([outcome.tx_hash])
    receipt = world.adapter.receipt(outcome.tx_hash)
    assert receipt is not None
    assert not receipt.succeeded
    assert receipt.transfers == ()
    assert receipt.fee_native > 0
    assert world.adapter.token_balance(world.bob) == 0


def test_health_shows_each_endpoint(world: World) -> None:
    head = world.adapter.head().number
    (endpoint,) = world.adapter.endpoint_health()
    assert (endpoint.state, endpoint.head) == ("healthy", head)
