"""The control port: what tests and the demo make the node do."""

import http.client
import json
import time
import urllib.error
import urllib.request

import pytest

from devnet.processes import ServiceError
from devnet.tron.addresses import base58_of
from tests.support.tron import TRX

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.fixture
def payer(tron):
    tron.fund(SOMEBODY, TRX)
    return tron.new_key(trx=1_000)


def head(tron, path="wallet/getnowblock"):
    return tron.ask(path)["block_header"]["raw_data"].get("number", 0)


def test_a_fresh_chain_is_the_same_each_time_and_another_name_makes_another_one(tron):
    first = tron.genesis_id
    tron.mine(5)
    tron.reset()
    assert (tron.genesis_id, tron.height) == (first, 1)
    tron.reset(name="another")
    assert tron.genesis_id != first
    assert tron.ask("wallet/getblockbynum", num=0)["blockID"] == tron.genesis_id


def test_a_reset_takes_a_few_milliseconds(tron):
    taken = []
    for _ in range(5):
        started = time.monotonic()
        tron.reset()
        taken.append(time.monotonic() - started)
    assert min(taken) < 0.25


def test_blocks_bear_the_time_that_is_asked_for(tron):
    before = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    tron.mine(10, seconds=3)
    after = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    assert after == before + 30_000


def test_travelling_sets_the_next_blocks_ahead(tron):
    before = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    tron.control("travel", seconds=86_400)
    tron.mine()
    after = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    assert 86_400_000 <= after - before < 86_430_000


def test_solid_is_18_behind_the_head_or_as_far_as_is_set(tron):
    tron.mine(29)
    assert (head(tron), head(tron, "walletsolidity/getnowblock")) == (30, 12)
    tron.reset(solid_lag=2)
    tron.mine(9)
    assert (head(tron), head(tron, "walletsolidity/getnowblock")) == (10, 8)
    assert tron.ask("walletsolidity/getblockbynum", num=9) == {}


def test_the_solid_state_is_the_one_of_that_block(tron, payer):
    tron.mine(18)
    tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    at_once = tron.ask("wallet/getaccount", address=SOMEBODY, visible=True)["balance"]
    assert at_once == TRX + 5
    assert tron.ask("walletsolidity/getaccount", address=SOMEBODY, visible=True)["balance"] == TRX
    tron.mine(18)
    assert tron.ask("walletsolidity/getaccount", address=SOMEBODY, visible=True)["balance"] == TRX + 5


def test_blocks_come_by_themselves_until_the_node_is_paused(tron):
    tron.reset(block_ms=10)
    deadline = time.monotonic() + 5
    while tron.height < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert tron.height >= 4
    tron.control("pause")
    stopped = tron.height
    time.sleep(0.05)
    assert tron.height == stopped
    tron.control("resume")
    deadline = time.monotonic() + 5
    while tron.height == stopped and time.monotonic() < deadline:
        time.sleep(0.01)
    assert tron.height > stopped


def test_a_reorg_puts_what_was_mined_back_into_the_pool(tron, payer):
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    tron.mine(2)
    old = tron.ask("wallet/getblockbynum", num=receipt["blockNumber"])["blockID"]
    height = tron.height
    assert tron.reorg(3) == [receipt["id"]]
    assert tron.height == height + 1
    assert tron.ask("wallet/getblockbynum", num=receipt["blockNumber"])["blockID"] != old
    assert tron.receipt(receipt["id"]) == {}
    assert tron.ask("wallet/gettransactionlistfrompending")["txId"] == [receipt["id"]]
    tron.mine()
    assert tron.receipt(receipt["id"])["blockNumber"] == height + 2


def test_a_reorg_may_drop_what_was_mined_and_with_it_what_it_did(tron, payer):
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    assert tron.trx_of(SOMEBODY) == TRX + 5
    tron.reorg(1, then="drop")
    tron.mine()
    assert tron.receipt(receipt["id"]) == {}
    assert tron.ask("wallet/gettransactionbyid", value=receipt["id"]) == {}
    assert tron.trx_of(SOMEBODY) == TRX


def test_a_reorg_may_mine_the_same_in_another_order(tron, payer):
    sent = [tron.send(tron.transfer(payer, SOMEBODY, amount))["txid"] for amount in (1, 2, 3)]
    tron.mine()
    number = tron.height
    tron.reorg(1, then="shuffle")
    found = [each["id"] for each in tron.ask("wallet/gettransactioninfobyblocknum", num=number)]
    assert sorted(found) == sorted(sent)
    assert found != sent


def test_more_blocks_than_there_are_cannot_be_replaced(tron):
    with pytest.raises(ServiceError, match="can be taken back"):
        tron.reorg(50)


def test_held_transactions_wait_through_blocks_until_they_are_let_go(tron, payer):
    tron.control("hold")
    txid = tron.send(tron.transfer(payer, SOMEBODY, 5))["txid"]
    tron.mine(3)
    assert tron.receipt(txid) == {}
    assert tron.ask("wallet/gettransactionbyid", value=txid)["txID"] == txid
    tron.control("hold", off=True)
    tron.mine()
    assert tron.receipt(txid)["id"] == txid


def test_one_of_two_can_be_held(tron, payer):
    first, second = (tron.send(tron.transfer(payer, SOMEBODY, amount))["txid"] for amount in (1, 2))
    tron.control("hold", txids=[first])
    tron.mine()
    assert (tron.receipt(first), tron.receipt(second)["id"]) == ({}, second)


def test_what_is_held_beyond_its_expiration_is_gone(tron, payer):
    tron.control("hold")
    txid = tron.send(tron.transfer(payer, SOMEBODY, 5))["txid"]
    tron.mine(seconds=61)
    tron.control("hold", off=True)
    tron.mine()
    assert tron.ask("wallet/gettransactionbyid", value=txid) == {}
    assert tron.trx_of(SOMEBODY) == TRX


def test_the_pool_can_be_emptied(tron, payer):
    txid = tron.send(tron.transfer(payer, SOMEBODY, 5))["txid"]
    assert tron.control("drop_pool")["txids"] == [txid]
    assert tron.trx_of(SOMEBODY) == TRX
    tron.mine()
    assert tron.receipt(txid) == {}


def test_receipts_can_be_hidden_by_id_and_by_block(tron, payer):
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    number = receipt["blockNumber"]
    tron.control("hide_receipts", txids=[receipt["id"]])
    assert tron.receipt(receipt["id"]) == {}
    assert tron.ask("wallet/gettransactioninfobyblocknum", num=number) == []
    tron.control("hide_receipts", off=True, blocks=[number])
    assert tron.receipt(receipt["id"]) == {}
    tron.control("hide_receipts", off=True)
    assert tron.receipt(receipt["id"]) == receipt


def test_a_stuck_node_answers_from_its_height_while_the_chain_goes_on(tron, payer):
    tron.mine(20)
    tron.control("stick")
    stuck = tron.height
    txid = tron.send(tron.transfer(payer, SOMEBODY, 5))["txid"]
    tron.mine(4)
    assert (head(tron), head(tron, "walletsolidity/getnowblock")) == (stuck, stuck - 18)
    assert tron.receipt(txid) == {}
    assert tron.ask("wallet/getaccount", address=SOMEBODY, visible=True)["balance"] == TRX
    tron.control("stick", off=True)
    assert head(tron) == stuck + 4
    assert tron.receipt(txid)["id"] == txid


def test_a_lost_request_was_never_done_and_a_lost_answer_was(tron, payer):
    first, second = tron.transfer(payer, SOMEBODY, 1), tron.transfer(payer, SOMEBODY, 2)
    tron.control("fault", kind="drop_before", path="broadcasthex", count=1)
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
        tron.send(first)
    assert tron.ask("wallet/getpendingsize") == {"pendingSize": 0}
    tron.control("fault", kind="drop_after", path="broadcasthex", count=1)
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
        tron.send(second)
    assert tron.ask("wallet/getpendingsize") == {"pendingSize": 1}
    assert tron.send(second)["code"] == "DUP_TRANSACTION_ERROR"


def test_a_doubled_request_gets_the_second_answer(tron, payer):
    tron.control("fault", kind="duplicate", path="broadcasthex", count=1)
    assert tron.send(tron.transfer(payer, SOMEBODY, 1))["code"] == "DUP_TRANSACTION_ERROR"


def test_an_old_answer_can_come_again(tron):
    before = tron.ask("wallet/getnowblock")
    tron.mine()
    tron.control("fault", kind="repeat", path="wallet/getnowblock", count=1)
    assert tron.ask("wallet/getnowblock") == before
    assert tron.ask("wallet/getnowblock") != before


def test_answers_can_be_late(tron):
    tron.control("fault", kind="delay", path="wallet/getnowblock", ms=150, count=1)
    started = time.monotonic()
    tron.ask("wallet/getnowblock")
    assert time.monotonic() - started >= 0.15


def test_a_rate_limit_is_an_error_with_status_200_and_half_an_answer_is_half_an_answer(tron):
    error = {"Error": "class java.lang.IllegalAccessException : lack of computing resources"}
    tron.control("fault", kind="error", path="getnowblock", status=200, body=json.dumps(error), count=1)
    assert tron.ask("wallet/getnowblock") == error
    tron.control("fault", kind="error", path="getnowblock", status=200, body='{"blockID":"00', count=1)
    with pytest.raises(ValueError, match="Unterminated"):
        tron.ask("wallet/getnowblock")


def test_http_errors_come_until_they_are_cleared(tron):
    tron.control("fault", kind="error", path="getnowblock", status=429, body="slow down")
    for path in ("wallet/getnowblock", "walletsolidity/getnowblock"):
        with pytest.raises(ServiceError, match="429 slow down"):
            tron.ask(path)
    assert tron.ask("wallet/getchainparameters")
    tron.control("clear_faults")
    assert head(tron) == 1


def test_each_transaction_can_get_a_block_at_once(tron, payer):
    tron.control("automine")
    height = tron.height
    receipt = tron.receipt(tron.send(tron.transfer(payer, SOMEBODY, 1))["txid"])
    assert receipt["blockNumber"] == height + 1
    tron.control("automine", off=True)
    assert tron.receipt(tron.send(tron.transfer(payer, SOMEBODY, 1))["txid"]) == {}


def test_a_busy_node_may_refuse_so_many_and_no_more(tron, payer):
    signed = tron.transfer(payer, SOMEBODY, 1)
    tron.control("busy", count=2)
    assert [tron.send(signed)["code"] for _ in range(3)] == ["SERVER_BUSY", "SERVER_BUSY", "SUCCESS"]


def test_a_price_that_was_set_outlives_a_reorg(tron):
    tron.mine(3)
    tron.control("parameters", getEnergyFee=420)
    tron.reorg(2)
    prices = {row["key"]: row.get("value") for row in tron.ask("wallet/getchainparameters")["chainParameter"]}
    assert prices["getEnergyFee"] == 420


def test_everything_that_goes_wrong_ends_at_once(tron, payer):
    tron.control("hold")
    tron.control("stick")
    tron.control("busy")
    tron.control("lie", names=["head_newer"])
    tron.control("fault", kind="error", path="getnowblock")
    tron.control("behave")
    tron.mine()
    assert head(tron) == tron.height
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    assert receipt["blockNumber"] == tron.height


def test_commands_say_what_they_do(tron):
    said = tron.control("help")
    assert "depth" in said["reorg"]
    assert all(said.values())


def test_a_command_that_does_not_exist_names_those_that_do(tron):
    with pytest.raises(ServiceError, match="reorg"):
        tron.control("nonsense")


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("fund", {"address": "nobody", "amount": 5}),
        ("fund", {"address": SOMEBODY}),
        ("parameters", {"getNonsense": 5}),
        ("fault", {"kind": "nonsense"}),
        ("busy", {"code": "NONSENSE"}),
        ("lie", {"name": "nonsense"}),
        ("reorg", {"depth": 0}),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(tron, command, given):
    with pytest.raises(ServiceError, match="400"):
        tron.control(command, **given)


def test_gifts_can_wait_in_the_pool(tron):
    txid = tron.fund(SOMEBODY, TRX, mine=False)
    assert tron.receipt(txid) == {}
    tron.mine()
    assert tron.receipt(txid)["id"] == txid


def test_get_and_post_ask_the_same(tron):
    tron.fund(SOMEBODY, TRX)
    with urllib.request.urlopen(f"{tron.url}/wallet/getaccount?address={SOMEBODY}&visible=true") as answer:
        by_get = json.load(answer)
    assert by_get == tron.ask("wallet/getaccount", address=SOMEBODY, visible=True)
    hexed = tron.ask("wallet/getaccount", address="41a614f803b6fd780986a42c78ec9c7f77e6ded13c")
    assert hexed["address"] == "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
    assert hexed["balance"] == by_get["balance"] == TRX


def test_what_does_not_exist_is_an_empty_object(tron):
    assert tron.ask("wallet/getaccount", address=base58_of(tron.new_key().address), visible=True) == {}
    assert tron.ask("wallet/gettransactionbyid", value="00" * 32) == {}
    assert tron.ask("wallet/getblockbynum", num=1_000) == {}
    assert tron.ask("wallet/getblockbyid", value="00" * 32) == {}
    assert tron.ask("wallet/getcontract", value=SOMEBODY, visible=True) == {}


def test_blocks_can_be_had_by_number_id_and_in_rows(tron):
    tron.mine(5)
    third = tron.ask("wallet/getblockbynum", num=3)
    assert tron.ask("wallet/getblockbyid", value=third["blockID"]) == third
    assert tron.ask("wallet/getblock", id_or_num="3") == third
    assert tron.ask("wallet/getblock", id_or_num=third["blockID"]) == third
    rows = tron.ask("wallet/getblockbylimitnext", startNum=2, endNum=5)["block"]
    assert [each["block_header"]["raw_data"]["number"] for each in rows] == [2, 3, 4]
    assert third in rows
    rows = tron.ask("wallet/getblockbylatestnum", num=2)["block"]
    assert [each["block_header"]["raw_data"]["number"] for each in rows] == [6, 5]
    assert tron.ask("wallet/gettransactioncountbyblocknum", num=3) == {"count": 0}


def test_an_address_is_judged_by_its_notation(tron):
    assert tron.ask("wallet/validateaddress", address=SOMEBODY) == {"result": True, "message": "Base58check format"}
    assert tron.ask("wallet/validateaddress", address="41" + "00" * 20)["result"] is True
    assert tron.ask("wallet/validateaddress", address=SOMEBODY[:-1] + "x")["result"] is False
