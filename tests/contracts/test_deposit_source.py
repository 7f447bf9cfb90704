"""What every DepositSource promises, over the fake and over real nodes."""

from __future__ import annotations

import itertools

import pytest

from tests.contracts.worlds import World
from treasury.chains import errors
from treasury.chains.ports import EveryAddress, ExactAddresses


def test_the_head_grows_with_mining_and_its_blocks_are_linked(world: World) -> None:
    before = world.adapter.head()
    world.mine(2)
    after = world.adapter.head()
    assert after.number == before.number + 2
    assert after.timestamp >= before.timestamp
    middle = world.adapter.block(before.number + 1)
    assert middle is not None
    assert middle.parent_hash == before.block_hash
    assert after.parent_hash == middle.block_hash
    assert world.adapter.block(after.number) == after


def test_a_block_above_the_head_is_none(world: World) -> None:
    assert world.adapter.block(world.adapter.head().number + 1) is None


def test_the_final_block_has_the_configured_confirmations_on_top(world: World) -> None:
    world.mine(10)
    assert world.adapter.finalized().number == world.adapter.head().number - world.network.confirmations


def test_a_young_chain_is_final_at_its_first_block(world: World) -> None:
    adapter = world.with_settings(confirmations=1000)
    assert adapter.finalized().number == 0


def test_with_the_tag_the_final_block_is_what_the_node_says(world: World) -> None:
    adapter = world.with_settings(finality="tag")
    world.mine(10)
    assert 0 < adapter.finalized().number < adapter.head().number


def test_a_transfer_to_a_wanted_address_is_found_whole(world: World) -> None:
    tx_hash = world.pay(world.alice, 12_345)
    world.pay(world.bob, 1)
    head = world.adapter.head()
    found = world.adapter.transfers(head.number - 1, head.number, ExactAddresses([world.alice]))
    (transfer,) = found.transfers
    block = world.adapter.block(head.number - 1)
    assert block is not None
    assert transfer.tx_hash == tx_hash
    assert (transfer.recipient, transfer.amount_raw) == (world.alice, 12_345)
    assert transfer.contract == world.network.token_contract
    assert (transfer.ordinal, transfer.log_index) == (0, 0)
    assert (transfer.block_number, transfer.block_hash) == (block.number, block.block_hash)
    assert found.logs_seen == 2


def test_a_range_says_what_it_stands_on_and_where_it_ends(world: World) -> None:
    world.mine(3)
    head = world.adapter.head()
    found = world.adapter.transfers(head.number - 1, head.number, EveryAddress())
    assert found.first_block == head.number - 1
    assert found.last == head
    assert found.before == world.adapter.block(head.number - 2)
    assert found.transfers == ()


def test_nothing_stands_before_the_first_block(world: World) -> None:
    assert world.adapter.transfers(0, 0, EveryAddress()).before is None


def test_transfers_of_one_transaction_are_numbered_over_all_of_the_tokens_logs(world: World) -> None:
    tx_hash = world.pay_many([(world.bob, 7), (world.alice, 1), (world.alice, 0), (world.carol, 9), (world.alice, 3)])
    head = world.adapter.head().number
    found = world.adapter.transfers(head, head, ExactAddresses([world.alice])).transfers
    assert [(each.tx_hash, each.ordinal, each.amount_raw) for each in found] == [
        (tx_hash, 1, 1),
        (tx_hash, 2, 0),
        (tx_hash, 4, 3),
    ]


def test_logs_of_other_contracts_do_not_count_in_the_ordinal(world: World) -> None:
    world.pay_mixed([(False, world.alice, 5), (True, world.alice, 1), (False, world.bob, 5), (True, world.alice, 2)])
    head = world.adapter.head().number
    found = world.adapter.transfers(head, head, ExactAddresses([world.alice])).transfers
    assert [(each.ordinal, each.amount_raw) for each in found] == [(0, 1), (1, 2)]
    assert found[0].log_index < found[1].log_index
    receipt = world.adapter.receipt(found[0].tx_hash)
    assert receipt is not None
    assert receipt.transfers == found


def test_look_alike_tokens_are_no_transfers_but_can_be_seen(world: World) -> None:
    tx_hash = world.look_alike(world.alice, 1_000_000)
    world.look_alike(world.bob, 5)
    world.pay(world.alice, 3)
    head = world.adapter.head().number
    assert [each.amount_raw for each in world.adapter.transfers(1, head, ExactAddresses([world.alice])).transfers] == [
        3
    ]
    (foreign,) = world.adapter.foreign_transfers(1, head, [world.alice, world.carol])
    assert (foreign.tx_hash, foreign.recipient, foreign.amount_raw) == (tx_hash, world.alice, 1_000_000)
    assert foreign.contract != world.network.token_contract
    assert world.adapter.foreign_transfers(1, head, []) == ()


def test_a_range_beyond_the_head_is_not_scanned(world: World) -> None:
    world.pay(world.alice, 3)
    head = world.adapter.head().number
    with pytest.raises(errors.BlockNotAvailable):
        world.adapter.transfers(head, head + 1, EveryAddress())


@pytest.mark.parametrize(("first", "last"), [(2, 1), (-1, 0)])
def test_a_range_that_is_none_is_refused(world: World, first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        world.adapter.transfers(first, last, EveryAddress())


def test_a_scan_covers_every_block_once_in_ranges_of_the_configured_width(world: World) -> None:
    for amount in (1, 2, 3):
        world.pay(world.alice, amount)
        world.mine(3)
    adapter = world.with_settings(scan_max_blocks=4, scan_overlap_blocks=1)
    head = adapter.head()
    ranges = list(adapter.scan(1, head.number, ExactAddresses([world.alice])))
    assert ranges[0].first_block == 1
    assert ranges[-1].last == head
    for one, next_one in itertools.pairwise(ranges):
        assert next_one.before == one.last
        assert next_one.first_block == one.last.number + 1
    assert all(each.last.number - each.first_block + 1 <= 4 for each in ranges)
    assert [transfer.amount_raw for each in ranges for transfer in each.transfers] == [1, 2, 3]


def test_a_reorganised_block_has_another_hash_and_its_transfers_are_gone(world: World) -> None:
    tx_hash = world.pay(world.alice, 5)
    paid = world.adapter.head()
    world.mine(2)
    world.reorg(3)
    now = world.adapter.block(paid.number)
    assert now is not None
    assert now.block_hash != paid.block_hash
    head = world.adapter.head().number
    assert head > paid.number + 1
    assert world.adapter.transfers(paid.number, head, ExactAddresses([world.alice])).transfers == ()
    assert world.adapter.receipt(tx_hash) is None


def test_a_balance_grows_with_a_transfer(world: World) -> None:
    assert world.adapter.token_balance(world.alice) == 0
    world.pay(world.alice, 11)
    assert world.adapter.token_balance(world.alice) == 11
