"""Unsigned transactions from the node, and its answers to questions that make no sense."""

import json

import pytest

from devnet.tron import protocol
from devnet.tron.addresses import base58_of
from devnet.tron.genesis import token_artifact
from devnet.tron.wallet import ENDPOINTS
from tests.support.tron import TRX

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.fixture
def payer(tron):
    tron.fund(SOMEBODY, TRX)
    return tron.new_key(trx=100_000)


def signed(tron, made, key):
    message = protocol.Transaction()
    message.raw_data.ParseFromString(bytes.fromhex(made["raw_data_hex"]))
    return tron.sign(message, key)


def test_a_transfer_refers_to_the_solid_block_and_lives_for_a_minute(tron, payer):
    tron.mine(30)
    made = tron.ask(
        "wallet/createtransaction", owner_address="41" + payer.address.hex(), to_address=SOMEBODY_HEX, amount=5
    )
    solid = tron.ask("walletsolidity/getnowblock")["blockID"]
    head = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    raw = made["raw_data"]
    assert (raw["ref_block_bytes"], raw["ref_block_hash"]) == (solid[12:16], solid[16:32])
    assert raw["expiration"] == head + 60_000
    assert raw["contract"] == [
        {
            "parameter": {
                "value": {"amount": 5, "owner_address": "41" + payer.address.hex(), "to_address": SOMEBODY_HEX},
                "type_url": "type.googleapis.com/protocol.TransferContract",
            },
            "type": "TransferContract",
        }
    ]
    assert made["visible"] is False
    assert "signature" not in made
    assert tron.send_mined(signed(tron, made, payer))["receipt"] == {"net_usage": 265}


SOMEBODY_HEX = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"


def test_visible_addresses_come_back_visible_and_a_memo_and_a_permission_are_kept(tron, payer):
    made = tron.ask(
        "wallet/createtransaction",
        owner_address=base58_of(payer.address), to_address=SOMEBODY, amount="5", visible=True, extra_data="hi",
        Permission_id=2,
    )  # fmt: skip
    assert made["raw_data"]["contract"][0]["parameter"]["value"]["to_address"] == SOMEBODY
    assert made["raw_data"]["contract"][0]["Permission_id"] == 2
    assert bytes.fromhex(made["raw_data"]["data"]) == b"hi"
    assert made["visible"] is True
    assert tron.send_mined(signed(tron, made, payer))["fee"] == TRX


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": 10**15}, "Validate TransferContract error, balance is not sufficient."),
        ({"owner_address": "41" + "55" * 20}, "Validate TransferContract error, no OwnerAccount."),
        ({"to_address": "41"}, "Invalid toAddress!"),
    ],
)
def test_a_transfer_that_would_fail_is_an_error_with_status_200(tron, payer, change, error):
    fields = {"owner_address": "41" + payer.address.hex(), "to_address": SOMEBODY_HEX, "amount": 5} | change
    answer = tron.ask("wallet/createtransaction", **fields)
    assert answer == {"Error": f"class org.tron.core.exception.ContractValidateException : {error}"}


def test_a_mistyped_address_cannot_be_parsed(tron):
    answer = tron.ask("wallet/createtransaction", owner_address="nonsense", to_address=SOMEBODY, amount=5, visible=True)
    assert answer["Error"].startswith("class org.tron.core.services.http.JsonFormat$ParseException : ")


def test_a_contract_is_deployed_the_nodes_way(tron, payer):
    artifact = token_artifact()
    made = tron.ask(
        "wallet/deploycontract",
        owner_address="41" + payer.address.hex(),
        abi=json.dumps(artifact["abi"]),
        bytecode=artifact["bytecode"].removeprefix("0x"),
        consume_user_resource_percent=50,
        origin_energy_limit=1_000_000,
        fee_limit=5_000 * TRX,
        name="T",
    )
    receipt = tron.send_mined(signed(tron, made, payer))
    assert receipt["contract_address"] == made["contract_address"]
    found = tron.ask("wallet/getcontract", value=made["contract_address"])
    assert (found["name"], found["consume_user_resource_percent"]) == ("T", 50)
    assert found["origin_address"] == "41" + payer.address.hex()
    assert {each.get("name") for each in found["abi"]["entrys"]} >= {"transfer", "Transfer"}
    info = tron.ask("wallet/getcontractinfo", value=made["contract_address"])
    assert len(info["runtimecode"]) > 1_000
    account = tron.ask("wallet/getaccount", address=made["contract_address"])
    assert account["type"] == "Contract"
    assert "owner_permission" not in account


def test_stake_is_moved_the_nodes_way(tron, payer):
    owner = {"owner_address": base58_of(payer.address), "visible": True}
    steps = [
        ("freezebalancev2", {"frozen_balance": 100 * TRX, "resource": "ENERGY"}),
        ("delegateresource", {"balance": 60 * TRX, "resource": "ENERGY", "receiver_address": SOMEBODY}),
        ("undelegateresource", {"balance": 60 * TRX, "resource": "ENERGY", "receiver_address": SOMEBODY}),
        ("unfreezebalancev2", {"unfreeze_balance": 100 * TRX, "resource": "ENERGY"}),
        ("cancelallunfreezev2", {}),
    ]
    for path, fields in steps:
        made = tron.ask(f"wallet/{path}", **owner, **fields)
        assert "Error" not in made, made
        tron.send_mined(signed(tron, made, payer))
    account = tron.ask("wallet/getaccount", address=base58_of(payer.address), visible=True)
    assert account["frozenV2"][1] == {"type": "ENERGY", "amount": 100 * TRX}
    early = tron.ask("wallet/withdrawexpireunfreeze", **owner)
    assert early["Error"].endswith("no unFreeze balance to withdraw ")


def test_a_call_of_no_contract_is_refused_in_the_result(tron, payer):
    answer = tron.ask(
        "wallet/triggersmartcontract",
        owner_address=base58_of(payer.address), contract_address=SOMEBODY, function_selector="x()", visible=True,
    )  # fmt: skip
    assert answer == {
        "result": {"code": "CONTRACT_VALIDATE_ERROR", "message": "No contract or not a smart contract"}
    }  # fmt: skip


def test_signatures_are_weighed(tron, payer):
    made = tron.ask(
        "wallet/createtransaction",
        owner_address=base58_of(payer.address), to_address=SOMEBODY, amount=5, visible=True,
    )  # fmt: skip
    unsigned = tron.ask("wallet/getsignweight", **made)
    assert unsigned["result"] == {"code": "NOT_ENOUGH_PERMISSION"}
    assert unsigned["permission"]["keys"] == [{"address": base58_of(payer.address), "weight": 1}]
    signature = payer.sign(bytes.fromhex(made["txID"])).hex()
    weighed = tron.ask("wallet/getsignweight", **made, signature=[signature])
    assert (weighed["result"], weighed["current_weight"]) == ({}, 1)
    assert weighed["approved_list"] == [base58_of(payer.address)]
    stranger = tron.new_key().sign(bytes.fromhex(made["txID"])).hex()
    assert tron.ask("wallet/getsignweight", **made, signature=[stranger])["result"]["code"] == "PERMISSION_ERROR"


NONSENSE = ({}, {"value": "zz"}, {"address": 5, "value": [], "num": "x", "transaction": {}, "raw_data": 7}, {"num": -1})


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_no_nonsense_breaks_an_answer(tron, name):
    for params in NONSENSE:
        assert isinstance(tron.ask(f"wallet/{name}", **params), (dict, list))
    if ENDPOINTS[name].solidity:
        assert isinstance(tron.ask(f"walletsolidity/{name}", **NONSENSE[2]), (dict, list))
