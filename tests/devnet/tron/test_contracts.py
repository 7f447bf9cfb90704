"""Token transfers: who pays which energy, what the receipt says, and what the token's owner can do."""

import json

import pytest
from eth_abi import encode

from devnet.tron import protocol
from devnet.tron.addresses import base58_of, contract_address, keccak256, on_wire, parsed, sha256
from devnet.tron.genesis import abi_message, token_artifact
from tests.support.tron import TRX

HOLDER = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
PRICE = 100  # sun for one energy


@pytest.fixture
def payer(tron):
    """With tokens; HOLDER has some already, so that each transfer to it costs the same."""
    tron.mint(HOLDER, 1)
    return tron.new_key(trx=100_000, tokens=10**9)


def freeze(tron, key, trx):
    parameter = protocol.CONTRACTS["FreezeBalanceV2Contract"](
        owner_address=on_wire(key.address), frozen_balance=trx * TRX, resource=1
    )
    return tron.send_mined(tron.sign(tron.build("FreezeBalanceV2Contract", parameter), key))


def deploy(tron, key, *, percent, trx_limit=5_000, origin_energy_limit=10_000_000, bytecode=None):
    """A token of one's own; its address, base58, and the deployment's receipt."""
    made = token_artifact()
    create = protocol.CONTRACTS["CreateSmartContract"](owner_address=on_wire(key.address))
    create.new_contract.origin_address = on_wire(key.address)
    create.new_contract.bytecode = bytecode or bytes.fromhex(made["bytecode"].removeprefix("0x"))
    create.new_contract.abi.CopyFrom(abi_message(made["abi"]))
    create.new_contract.consume_user_resource_percent = percent
    create.new_contract.origin_energy_limit = origin_energy_limit
    message = tron.build("CreateSmartContract", create, fee_limit=trx_limit * TRX)
    txid = sha256(message.raw_data.SerializeToString())
    return base58_of(contract_address(txid, key.address)), tron.send_mined(tron.sign(message, key))


def energy_of_transfer(tron, key):
    """What one transfer to HOLDER takes, as the node estimates it."""
    answer = tron.ask(
        "wallet/triggerconstantcontract",
        owner_address=base58_of(key.address),
        contract_address=tron.token,
        function_selector="transfer(address,uint256)",
        parameter=bytes.fromhex("a614f803b6fd780986a42c78ec9c7f77e6ded13c").rjust(32, b"\0").hex() + "5".zfill(64),
        visible=True,
    )
    return answer["energy_used"]


def test_a_transfer_leaves_a_receipt_with_its_log(tron, payer):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 1_234))
    used = receipt["receipt"]["energy_usage_total"]
    assert receipt["receipt"] == {
        "energy_fee": used * PRICE, "energy_usage_total": used, "net_usage": 345, "result": "SUCCESS"
    }  # fmt: skip
    assert receipt["fee"] == used * PRICE
    assert receipt["log"] == [
        {
            "address": receipt["contract_address"][2:],
            "topics": [
                TRANSFER, payer.address.rjust(32, b"\0").hex(), "a614f803b6fd780986a42c78ec9c7f77e6ded13c".zfill(64)
            ],
            "data": (1_234).to_bytes(32).hex(),
        }
    ]  # fmt: skip
    assert receipt["contract_address"][:2] == "41"
    assert tron.balance_of(HOLDER) == 1_235


def test_the_token_returns_false_on_success_as_the_real_one_does(tron, payer):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    assert int(receipt["contractResult"][0] or "0", 16) == 0
    assert receipt["receipt"]["result"] == "SUCCESS"


def test_a_new_holder_costs_15_thousand_energy_more(tron, payer):
    known = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]["energy_usage_total"]
    new = tron.send_mined(tron.transfer_token(payer, base58_of(b"\x11" * 20), 5))["receipt"]["energy_usage_total"]
    assert new - known == 15_000


def test_a_token_receipt_does_not_activate_an_account(tron, payer):
    nobody = base58_of(b"\x11" * 20)
    tron.send_mined(tron.transfer_token(payer, nobody, 5))
    assert tron.balance_of(nobody) == 5
    assert tron.ask("wallet/getaccount", address=nobody, visible=True) == {}


def test_staked_energy_pays_first_and_the_balance_for_the_rest(tron, payer):
    needed = energy_of_transfer(tron, payer)
    freeze(tron, payer, 1_000)  # some 9,473 energy
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]
    staked = int(1_000 * (180_000_000_000 / 19_000_001_000))
    assert receipt["energy_usage"] == staked
    assert receipt["energy_fee"] == (needed - staked) * PRICE
    assert receipt["energy_usage_total"] == needed


def test_enough_staked_energy_pays_all(tron, payer):
    needed = energy_of_transfer(tron, payer)
    freeze(tron, payer, 50_000)
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    assert receipt["receipt"]["energy_usage"] == needed
    assert "energy_fee" not in receipt["receipt"]
    shown = tron.ask("wallet/getaccountresource", address=base58_of(payer.address), visible=True)
    assert shown["EnergyUsed"] in (needed - 1, needed), "it begins to come back with the next block"


def test_a_fee_limit_caps_staked_energy_too(tron, payer):
    freeze(tron, payer, 50_000)
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5, fee_limit=5_000 * PRICE))
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["receipt"]["energy_usage"] == 5_000


def test_running_out_burns_all_of_the_limit_and_moves_nothing(tron, payer):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5, fee_limit=2_000 * PRICE))
    assert receipt["result"] == "FAILED"
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["receipt"]["energy_fee"] == 2_000 * PRICE
    assert bytes.fromhex(receipt["resMessage"]).startswith(b"Not enough energy for '")
    assert "log" not in receipt
    assert tron.balance_of(HOLDER) == 1
    shown = tron.ask("wallet/gettransactionbyid", value=receipt["id"])
    assert shown["ret"] == [{"contractRet": "OUT_OF_ENERGY"}]


def test_a_revert_pays_for_what_it_used(tron, payer):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 10**15))
    assert receipt["receipt"]["result"] == "REVERT"
    assert bytes.fromhex(receipt["resMessage"]) == b"REVERT opcode executed"
    assert 0 < receipt["receipt"]["energy_usage_total"] < 10_000
    assert receipt["fee"] == receipt["receipt"]["energy_fee"]
    assert tron.balance_of(HOLDER) == 1


def test_an_illegal_operation_burns_all(tron, payer):
    _, receipt = deploy(tron, payer, percent=100, trx_limit=1, bytecode=b"\xfe")
    assert receipt["receipt"]["result"] in {"ILLEGAL_OPERATION", "REVERT"}
    assert receipt["result"] == "FAILED"


def test_a_deployment_that_fails_leaves_neither_contract_nor_account(tron, payer):
    address, receipt = deploy(tron, payer, percent=100, trx_limit=1)
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["fee"] >= TRX
    assert tron.ask("wallet/getcontract", value=address, visible=True) == {}
    assert tron.ask("wallet/getaccount", address=address, visible=True) == {}


def test_the_dynamic_factor_raises_cost_and_estimate_alike(tron, payer):
    base = energy_of_transfer(tron, payer)
    tron.control("energy_factor", contract=tron.token, factor=34_000)
    raised = energy_of_transfer(tron, payer)
    assert base * 4.3 < raised <= base * 4.4 + 10
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]
    assert receipt["energy_usage_total"] == raised
    assert receipt["energy_penalty_total"] == raised - base
    shown = tron.ask("wallet/getcontractinfo", value=tron.token, visible=True)
    assert shown["contract_state"]["energy_factor"] == 34_000


def test_a_contracts_maker_pays_the_share_that_it_offers_out_of_its_stake(tron, payer):
    maker = tron.new_key(trx=200_000)
    freeze(tron, maker, 100_000)
    token, deployed = deploy(tron, maker, percent=30)
    assert deployed["receipt"]["result"] == "SUCCESS"
    tron.mine(seconds=86_400)
    tron.send_mined(tron.call(maker, "issue(uint256)", 1_000, contract=token))
    tron.mine(seconds=86_400)
    give = tron.call(maker, "transfer(address,uint256)", base58_of(payer.address), 500, contract=token)
    tron.send_mined(give)
    tron.mine(seconds=86_400)
    receipt = tron.send_mined(tron.call(payer, "transfer(address,uint256)", HOLDER, 5, contract=token))["receipt"]
    used = receipt["energy_usage_total"]
    assert receipt["origin_energy_usage"] == used * 70 // 100
    assert receipt["energy_fee"] == (used - used * 70 // 100) * PRICE


def test_a_makers_share_ends_at_the_limit_that_it_set(tron, payer):
    maker = tron.new_key(trx=200_000)
    freeze(tron, maker, 100_000)
    token, _ = deploy(tron, maker, percent=0, origin_energy_limit=100)
    tron.mine(seconds=86_400)  # the deployment took all that the stake gives a day
    receipt = tron.send_mined(tron.call(payer, "balanceOf(address)", HOLDER, contract=token))["receipt"]
    assert receipt["origin_energy_usage"] == 100


def test_a_call_of_what_is_no_contract(tron, payer):
    answer = tron.send(tron.call(payer, "transfer(address,uint256)", HOLDER, 5, contract=HOLDER))
    assert answer["message"] == "Contract validate error : No contract or not a smart contract"


def test_a_fee_limit_above_the_networks_highest(tron, payer):
    answer = tron.send(tron.transfer_token(payer, HOLDER, 5, fee_limit=15_000 * TRX + 1))
    assert answer["message"] == "Contract validate error : feeLimit must be >= 0 and <= 15000000000"


def test_trx_cannot_be_transferred_to_a_contract(tron, payer):
    answer = tron.send(tron.transfer(payer, tron.token, 5))
    assert answer["message"] == "Contract validate error : Cannot transfer TRX to a smartContract."


def test_a_higher_energy_price_holds_at_once(tron, payer):
    tron.control("parameters", getEnergyFee=210)
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]
    assert receipt["energy_fee"] == receipt["energy_usage_total"] * 210
    assert tron.ask("wallet/getenergyprices")["prices"].endswith(":210")


def test_a_blacklisted_sender_cannot_pay_but_can_be_paid(tron, payer):
    tron.control("blacklist", address=base58_of(payer.address))
    assert tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]["result"] == "REVERT"
    tron.mint(base58_of(payer.address), 7)
    assert tron.balance_of(base58_of(payer.address)) == 10**9 + 7
    tron.control("blacklist", address=base58_of(payer.address), off=True)
    assert tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]["result"] == "SUCCESS"


def test_a_paused_token_moves_nothing(tron, payer):
    tron.control("pause_token")
    assert tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]["result"] == "REVERT"
    tron.control("pause_token", off=True)
    assert tron.send_mined(tron.transfer_token(payer, HOLDER, 5))["receipt"]["result"] == "SUCCESS"


def test_a_token_with_a_fee_credits_less_than_was_sent(tron, payer):
    tron.control("token_fee", basis_points=10, maximum=1_000_000)
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 100_000))
    values = sorted(int(log["data"], 16) for log in receipt["log"] if log["topics"][0] == TRANSFER)
    assert values == [100, 99_900]
    assert tron.balance_of(HOLDER) == 1 + 99_900


def test_any_other_function_of_the_owner_can_be_called(tron, payer):
    receipt = tron.receipt(tron.control("owner_call", signature="redeem(uint256)", values=[0])["txids"][0])
    assert receipt["receipt"]["result"] == "SUCCESS"


def test_a_solid_constant_call_sees_the_solid_state(tron, payer):
    tron.mine(18)
    tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    question = {
        "owner_address": HOLDER, "contract_address": tron.token, "function_selector": "balanceOf(address)",
        "parameter": "a614f803b6fd780986a42c78ec9c7f77e6ded13c".zfill(64), "visible": True,
    }  # fmt: skip
    assert int(tron.ask("wallet/triggerconstantcontract", **question)["constant_result"][0], 16) == 6
    assert int(tron.ask("walletsolidity/triggerconstantcontract", **question)["constant_result"][0], 16) == 1


def test_a_constant_call_changes_nothing(tron, payer):
    before = tron.balance_of(HOLDER)
    energy_of_transfer(tron, payer)
    assert tron.balance_of(HOLDER) == before


def test_constant_calls_that_cannot_be_made(tron, payer):
    question = {"owner_address": HOLDER, "contract_address": HOLDER, "function_selector": "x()", "visible": True}
    answer = tron.ask("wallet/triggerconstantcontract", **question)
    assert answer["result"] == {"code": "CONTRACT_VALIDATE_ERROR", "message": "Smart contract is not exist."}
    answer = tron.ask("wallet/triggerconstantcontract", contract_address=tron.token, visible=True)
    assert answer["result"]["code"] == "OTHER_ERROR"
    assert answer["result"]["message"] == "class java.security.InvalidParameterException : owner_address isn't set."


def test_a_view_function_is_run_at_once_where_a_transaction_was_asked_for(tron, payer):
    answer = tron.ask(
        "wallet/triggersmartcontract",
        owner_address=base58_of(payer.address), contract_address=tron.token, function_selector="decimals()",
        visible=True,
    )  # fmt: skip
    assert int(answer["constant_result"][0], 16) == 6


def test_an_estimate_of_what_reverts_has_no_figure(tron, payer):
    answer = tron.ask(
        "wallet/estimateenergy",
        owner_address=base58_of(payer.address), contract_address=tron.token, visible=True,
        function_selector="transfer(address,uint256)", parameter=parsed(HOLDER).hex().zfill(64) + "ff" * 8 + "00" * 24,
    )  # fmt: skip
    assert answer == {"result": {"result": True, "message": "REVERT opcode executed"}}


def test_one_transaction_can_hold_several_transfers_also_to_one_address(tron, payer):
    multisend = tron.deploy(payer, "Multisend")
    tron.send_mined(tron.call(payer, "approve(address,uint256)", multisend, 10**9))
    recipients = ["0x" + parsed(HOLDER).hex(), "0x" + "11" * 20, "0x" + parsed(HOLDER).hex()]
    arguments = encode(
        ["address", "address[]", "uint256[]"], ["0x" + parsed(tron.token).hex(), recipients, [10, 20, 30]]
    )
    call = protocol.CONTRACTS["TriggerSmartContract"](
        owner_address=on_wire(payer.address),
        contract_address=on_wire(parsed(multisend)),
        data=keccak256(b"send(address,address[],uint256[])")[:4] + arguments,
    )
    receipt = tron.send_mined(tron.sign(tron.build("TriggerSmartContract", call, fee_limit=100 * TRX), payer))
    assert receipt["receipt"]["result"] == "SUCCESS"
    assert [int(log["data"], 16) for log in receipt["log"]] == [10, 20, 30]
    assert receipt["contract_address"] == "41" + parsed(multisend).hex()
    assert {log["address"] for log in receipt["log"]} == {parsed(tron.token).hex()}
    assert len(receipt["internal_transactions"]) == 3
    assert bytes.fromhex(receipt["internal_transactions"][0]["note"]) == b"call"
    assert tron.balance_of(HOLDER) == 41


def test_what_the_node_builds_is_what_was_asked_for(tron, payer):
    answer = tron.ask(
        "wallet/triggersmartcontract",
        owner_address=base58_of(payer.address),
        contract_address=tron.token,
        function_selector="transfer(address,uint256)",
        parameter="a614f803b6fd780986a42c78ec9c7f77e6ded13c".zfill(64) + "5".zfill(64),
        fee_limit=20 * TRX,
        visible=True,
    )
    made = answer["transaction"]
    assert made["raw_data"]["fee_limit"] == 20 * TRX
    raw = bytes.fromhex(made["raw_data_hex"])
    assert made["txID"] == sha256(raw).hex()
    signed = protocol.Transaction()
    signed.raw_data.ParseFromString(raw)
    receipt = tron.send_mined(tron.sign(signed, payer))
    assert receipt["id"] == made["txID"]
    assert int(receipt["log"][0]["data"], 16) == 5


def test_events_are_listed_in_pages_newest_first(tron, payer):
    for amount in (1, 2, 3):
        tron.send_mined(tron.transfer_token(payer, HOLDER, amount))
    path = f"v1/accounts/{HOLDER}/transactions/trc20"
    page = tron.ask(path, limit=2, only_to="true")
    assert [each["value"] for each in page["data"]] == ["3", "2"]
    assert page["data"][0]["token_info"]["address"] == tron.token
    assert page["data"][0]["token_info"]["decimals"] == 6
    rest = tron.ask(path, limit=2, only_to="true", fingerprint=page["meta"]["fingerprint"])
    assert [each["value"] for each in rest["data"]] == ["1", "1"]
    assert "fingerprint" not in rest["meta"]
    assert tron.ask(path, only_confirmed="true")["data"] == []
    tron.mine(18)
    assert len(tron.ask(path, only_confirmed="true", order_by="block_timestamp,asc")["data"]) == 4
    late = page["data"][0]["block_timestamp"]
    assert [each["value"] for each in tron.ask(path, min_timestamp=late)["data"]] == ["3"]
    assert tron.ask(path, only_from="true")["data"] == []


def test_a_contracts_events_are_decoded(tron, payer):
    tron.send_mined(tron.transfer_token(payer, HOLDER, 7))
    page = tron.ask(f"v1/contracts/{tron.token}/events", event_name="Transfer", limit=1)
    (event,) = page["data"]
    assert event["result"]["value"] == event["result"]["2"] == "7"
    assert event["result"]["to"] == "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c"
    assert event["event"] == "Transfer(address indexed from, address indexed to, uint256 value)"
    assert json.dumps(tron.ask(f"v1/transactions/{event['transaction_id']}/events")["data"]) == json.dumps([event])


def test_an_account_in_the_grid_lists_its_tokens(tron, payer):
    (shown,) = tron.ask(f"v1/accounts/{base58_of(payer.address)}")["data"]
    assert shown["trc20"] == [{tron.token: str(10**9)}]
    assert tron.ask(f"v1/accounts/{HOLDER}")["data"] == []
