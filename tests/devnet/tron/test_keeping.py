"""A chain that is kept in a folder: after SIGKILL it is there again, to the last block."""

import time

import pytest

from devnet.anvil import free_port
from devnet.processes import ServiceError
from devnet.tron.addresses import base58_of
from tests.support.tron import TRX, LocalTron

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.fixture
def kept(tmp_path):
    """A node that keeps its chain; solid is two blocks behind the head."""
    node = LocalTron(
        port=free_port(),
        control_port=free_port(),
        log=tmp_path / "node.log",
        block_ms=0,
        solid_lag=2,
        state=tmp_path / "chain",
    )
    node.start()
    node.status = node.control("status")
    yield node
    node.child.kill()


def kill_and_start(node):
    node.child.kill()
    node.start()
    node.status = node.control("status")


def test_blocks_receipts_balances_and_parameters_outlive_sigkill(kept):
    payer = kept.new_key(trx=100)
    receipt = kept.send_mined(kept.transfer(payer, SOMEBODY, 5))
    kept.control("parameters", getEnergyFee=420)
    before = kept.ask("wallet/getnowblock"), kept.ask("wallet/getaccount", address=SOMEBODY, visible=True)
    solid = kept.ask("walletsolidity/getaccount", address=base58_of(payer.address), visible=True)
    kill_and_start(kept)
    assert (kept.ask("wallet/getnowblock"), kept.ask("wallet/getaccount", address=SOMEBODY, visible=True)) == before
    assert kept.receipt(receipt["id"]) == receipt
    assert kept.ask("walletsolidity/getaccount", address=base58_of(payer.address), visible=True) == solid
    prices = {row["key"]: row.get("value") for row in kept.ask("wallet/getchainparameters")["chainParameter"]}
    assert prices["getEnergyFee"] == 420
    assert kept.send_mined(kept.transfer(payer, SOMEBODY, 5))["blockNumber"] == kept.height


def test_what_only_waited_in_the_pool_is_gone_as_on_a_real_node(kept):
    payer = kept.new_key(trx=100)
    txid = kept.send(kept.transfer(payer, SOMEBODY, 5))["txid"]
    kill_and_start(kept)
    kept.mine()
    assert kept.ask("wallet/gettransactionbyid", value=txid) == {}


def test_blocks_can_be_taken_back_after_a_restart_and_stay_taken_back(kept):
    payer = kept.new_key(trx=100)
    kept.mine(3)
    kept.send_mined(kept.transfer(payer, SOMEBODY, 5))
    kill_and_start(kept)
    kept.reorg(1, then="drop")
    assert kept.trx_of(SOMEBODY) == 0
    head = kept.ask("wallet/getnowblock")
    kill_and_start(kept)
    assert kept.trx_of(SOMEBODY) == 0
    assert kept.ask("wallet/getnowblock") == head


def test_the_chains_clock_goes_on_where_it_was(kept):
    kept.control("travel", seconds=86_400)
    kept.mine()
    before = kept.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    kill_and_start(kept)
    kept.mine()
    after = kept.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    assert 0 < after - before < 60_000


def test_killed_while_blocks_are_made_it_comes_back_whole(kept, tmp_path):
    """A block with its receipts and its state is there, or it is not: each height's account sums up."""
    payer = kept.new_key(trx=1_000)
    kept.fund(SOMEBODY, TRX)
    kept.child.kill()
    kept.block_ms = 5
    kept.child = None
    kept.start()
    kept.status = kept.control("status")
    for amount in range(40):
        kept.send(kept.transfer(payer, SOMEBODY, 1 + amount % 3))
    time.sleep(0.02)
    kill_and_start(kept)
    kept.control("pause")
    got = 0
    for number in range(1, kept.height + 1):
        for each in kept.ask("wallet/getblockbynum", num=number).get("transactions", ()):
            value = each["raw_data"]["contract"][0]["parameter"]["value"]
            if value["to_address"] == "41a614f803b6fd780986a42c78ec9c7f77e6ded13c":
                got += value["amount"]
            assert kept.receipt(each["txID"])["blockNumber"] == number
    assert kept.trx_of(SOMEBODY) == got > TRX


def test_a_kept_chain_is_not_thrown_away(kept):
    with pytest.raises(ServiceError, match="not thrown away"):
        kept.control("reset")
