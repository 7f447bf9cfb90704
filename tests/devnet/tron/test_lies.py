"""Lies: each changes the answer as it says, only that, and the same with the same seed; the chain stays honest."""

from pathlib import Path

import pytest

from devnet.tron import lies, parsing, protocol
from devnet.tron.addresses import base58_of, sha256
from tests.support.tron import TRX

HOLDER = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
HOLDER_HEX = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
CALL = "a9059cbb" + HOLDER_HEX[2:].zfill(64) + "5".zfill(64)


@pytest.fixture
def payer(tron):
    tron.mint(HOLDER, 1)
    return tron.new_key(trx=10_000, tokens=10**9)


@pytest.fixture
def lie(tron):
    """Switches lies on."""

    def switch(*names, **given):
        return tron.control("lie", names=list(names), **given)

    return switch


def offered(tron, payer, kind):
    """What the node offers to be signed: a TRX transfer or a token transfer."""
    if kind == "trx":
        return tron.ask(
            "wallet/createtransaction",
            owner_address=base58_of(payer.address),
            to_address=HOLDER,
            amount=5,
            visible=True,
        )
    return tron.ask(
        "wallet/triggersmartcontract",
        owner_address=base58_of(payer.address),
        contract_address=tron.token,
        function_selector="transfer(address,uint256)",
        parameter=CALL[8:],
        fee_limit=20 * TRX,
        visible=True,
    )["transaction"]


def facts(made):
    """Everything that a signer has to compare, out of the bytes that would be signed."""
    raw = protocol.RawData.FromString(bytes.fromhex(made["raw_data_hex"]))
    contract = raw.contract[0]
    held = protocol.unpack(contract)
    found = {
        "type": protocol.contract_type_name(contract.type), "contracts": len(raw.contract), "memo": raw.data,
        "permission": contract.Permission_id, "fee_limit": raw.fee_limit, "reference": raw.ref_block_hash,
        "lives": raw.expiration, "owner": held.owner_address,
    }  # fmt: skip
    for name in ("to_address", "amount", "contract_address"):
        found[name] = getattr(held, name, None)
    data = bytes(getattr(held, "data", b""))
    return found | {"selector": data[:4], "recipient": data[4:36], "value": data[36:68]}


CHANGES = [
    ("tx_type", "token", {"type", "to_address", "amount", "contract_address", "selector", "recipient", "value"}),
    ("tx_owner", "trx", {"owner"}),
    ("tx_owner", "token", {"owner"}),
    ("tx_contract", "token", {"contract_address"}),
    ("tx_selector", "token", {"selector"}),
    ("tx_recipient", "trx", {"to_address"}),
    ("tx_recipient", "token", {"recipient"}),
    ("tx_amount", "trx", {"amount"}),
    ("tx_amount", "token", {"value"}),
    ("tx_fee_limit", "token", {"fee_limit"}),
    ("tx_expiration", "trx", {"lives"}),
    ("tx_reference_block", "trx", {"reference"}),
    ("tx_permission", "token", {"permission"}),
    ("tx_memo", "trx", {"memo"}),
    ("tx_extra_contract", "token", {"contracts"}),
]


@pytest.mark.parametrize(("name", "kind", "changed"), CHANGES)
def test_an_offered_transaction_differs_in_what_the_lie_is_about(tron, payer, lie, name, kind, changed):
    honest = facts(offered(tron, payer, kind))
    lie(name, seed=7)
    made = offered(tron, payer, kind)
    told = facts(made)
    assert {field for field in honest if honest[field] != told[field]} == changed
    assert made["txID"] == sha256(bytes.fromhex(made["raw_data_hex"])).hex()
    shown = parsing.transaction(made, visible=True)
    assert shown.raw_data.SerializeToString().hex() == made["raw_data_hex"], "fields and bytes tell the same lie"
    lie(name, seed=7)
    assert facts(offered(tron, payer, kind)) == told, "the same seed invents the same"


def test_another_seed_invents_something_else(tron, payer, lie):
    lie("tx_recipient", seed=1)
    first = facts(offered(tron, payer, "trx"))["to_address"]
    lie("tx_recipient", seed=2)
    assert facts(offered(tron, payer, "trx"))["to_address"] != first


def test_honest_fields_can_hide_other_bytes(tron, payer, lie):
    lie("tx_hidden")
    made = offered(tron, payer, "trx")
    assert made["raw_data"]["contract"][0]["parameter"]["value"]["to_address"] == HOLDER
    assert facts(made)["to_address"].hex() != HOLDER_HEX
    assert made["txID"] == sha256(bytes.fromhex(made["raw_data_hex"])).hex()


def test_tronpys_way_of_asking_for_the_id_can_be_lied_to(tron, payer, lie):
    made = offered(tron, payer, "trx")
    assert tron.ask("wallet/getsignweight", **made)["transaction"]["transaction"]["txID"] == made["txID"]
    lie("sign_weight_txid")
    assert tron.ask("wallet/getsignweight", **made)["transaction"]["transaction"]["txID"] != made["txID"]


@pytest.mark.parametrize("name", ["head_older", "head_newer", "head_other_hash", "head_other_timestamp"])
def test_the_head_can_be_another_one(tron, lie, name):
    tron.mine(30)
    honest = tron.ask("wallet/getnowblock")
    lie(name)
    told = tron.ask("wallet/getnowblock")
    before, after = honest["block_header"]["raw_data"], told["block_header"]["raw_data"]
    assert told["blockID"] != honest["blockID"]
    assert int(told["blockID"][:16], 16) == after["number"]
    compared = {"head_older": after["number"] < before["number"], "head_newer": after["number"] > before["number"] + 19}
    compared |= {"head_other_hash": after["parentHash"] != before["parentHash"]}
    compared |= {"head_other_timestamp": after["timestamp"] >= before["timestamp"] + 86_400_000}
    assert compared[name]
    assert tron.ask("wallet/getblockbynum", num=before["number"]) == honest, "asked by number it is honest"


@pytest.mark.parametrize(
    ("name", "parameter", "holds"),
    [
        ("price_energy_up", "getEnergyFee", lambda price: price >= 500),
        ("price_energy_down", "getEnergyFee", lambda price: price == 1),
        ("price_bandwidth_up", "getTransactionFee", lambda price: price >= 5_000),
        ("price_activation_up", "getCreateNewAccountFeeInSystemContract", lambda price: price == 100_000_000),
        ("price_activation_down", "getCreateNewAccountFeeInSystemContract", lambda price: price == 0),
    ],
)
def test_one_price_can_be_another(tron, lie, name, parameter, holds):
    def prices():
        return {row["key"]: row.get("value", 0) for row in tron.ask("wallet/getchainparameters")["chainParameter"]}

    honest = prices()
    lie(name)
    told = prices()
    assert {key for key in honest if honest[key] != told[key]} == {parameter}
    assert holds(told[parameter])


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("estimate_zero", lambda told, honest: told == 0),
        ("estimate_low", lambda told, honest: told == honest // 2),
        ("estimate_huge", lambda told, honest: told >= 10**8),
    ],
)
def test_estimates_can_be_wrong(tron, payer, lie, name, holds):
    question = {
        "owner_address": base58_of(payer.address), "contract_address": tron.token, "visible": True,
        "function_selector": "transfer(address,uint256)", "parameter": CALL[8:],
    }  # fmt: skip
    honest = tron.ask("wallet/triggerconstantcontract", **question)["energy_used"]
    assert tron.ask("wallet/estimateenergy", **question)["energy_required"] == honest
    lie(name)
    assert holds(tron.ask("wallet/triggerconstantcontract", **question)["energy_used"], honest)
    assert holds(tron.ask("wallet/estimateenergy", **question)["energy_required"], honest)


@pytest.mark.parametrize("name", ["balance_more", "balance_zero"])
def test_balances_can_be_wrong(tron, payer, lie, name):
    address = base58_of(payer.address)
    trx, tokens = tron.trx_of(address), tron.balance_of(address)
    lie(name)
    told = tron.trx_of(address), tron.balance_of(address)
    assert told == (0, 0) if name == "balance_zero" else (told[0] > trx and told[1] > tokens)


def test_a_failure_can_be_called_a_success(tron, payer, lie):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 10**15))
    lie("receipt_success")
    told = tron.receipt(receipt["id"])
    assert told["receipt"]["result"] == "SUCCESS"
    assert "result" not in told
    assert "log" not in told


def test_a_success_can_be_called_a_failure(tron, payer, lie):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    lie("receipt_failed")
    told = tron.receipt(receipt["id"])
    assert (told["result"], told["receipt"]["result"]) == ("FAILED", "REVERT")
    assert "log" not in told


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("receipt_fabricated_transfer", {"log"}),
        ("receipt_other_recipient", {"log"}),
        ("receipt_other_amount", {"log"}),
        ("receipt_other_block", {"blockNumber"}),
        ("receipt_other_txid", {"id"}),
    ],
)
def test_a_receipt_can_be_forged_in_one_field_alone_and_in_its_block(tron, payer, lie, name, changed):
    tron.mine(40)
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    lie(name)
    for told in (
        tron.receipt(receipt["id"]),
        tron.ask("wallet/gettransactioninfobyblocknum", num=receipt["blockNumber"])[0],
    ):
        assert {field for field in receipt if receipt[field] != told[field]} == changed
    log = told["log"][-1]
    seen = {
        "receipt_fabricated_transfer": len(told["log"]) == 2 and int(log["data"], 16) == 10,
        "receipt_other_recipient": log["topics"][2] != receipt["log"][0]["topics"][2],
        "receipt_other_amount": int(log["data"], 16) > 5,
        "receipt_other_block": told["blockNumber"] <= receipt["blockNumber"] - 20,
        "receipt_other_txid": len(told["id"]) == 64,
    }
    assert seen[name]


def test_receipts_and_transactions_can_be_missing(tron, payer, lie):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    lie("receipt_missing", "transaction_missing")
    assert tron.receipt(receipt["id"]) == {}
    assert tron.ask("wallet/gettransactioninfobyblocknum", num=receipt["blockNumber"]) == []
    assert tron.ask("wallet/gettransactionbyid", value=receipt["id"]) == {}


def test_what_is_not_solid_can_be_called_solid(tron, payer, lie):
    receipt = tron.send_mined(tron.transfer_token(payer, HOLDER, 5))
    assert tron.receipt(receipt["id"], solid=True) == {}
    lie("solid_ahead")
    assert tron.receipt(receipt["id"], solid=True) == receipt


def test_a_transaction_can_be_swallowed(tron, payer, lie):
    signed = tron.transfer_token(payer, HOLDER, 5)
    lie("broadcast_swallowed")
    answer = tron.send(signed)
    assert answer["result"] is True
    assert tron.ask("wallet/getpendingsize") == {"pendingSize": 0}
    lie("broadcast_swallowed", off=True)
    assert tron.send(signed)["txid"] == answer["txid"]
    assert tron.ask("wallet/getpendingsize") == {"pendingSize": 1}


def test_a_transaction_can_be_taken_and_called_refused(tron, payer, lie):
    lie("broadcast_refused")
    answer = tron.send(tron.transfer_token(payer, HOLDER, 5))
    assert (answer["result"], answer["code"]) == (False, "CONTRACT_VALIDATE_ERROR")
    tron.mine()
    assert tron.receipt(answer["txid"])["receipt"]["result"] == "SUCCESS"


def test_a_broadcast_can_be_answered_with_another_id(tron, payer, lie):
    signed = tron.transfer_token(payer, HOLDER, 5)
    lie("broadcast_other_txid")
    answer = tron.send(signed)
    assert answer["result"] is True
    assert tron.ask("wallet/gettransactionlistfrompending")["txId"] != [answer["txid"]]


def test_lies_are_listed_and_end_all_at_once(tron, lie):
    shown = tron.control("lies")
    assert set(shown["lies"]) == set(lies.LIES)
    assert shown["told"] == []
    assert lie("tx_owner", "head_older") == {"told": ["head_older", "tx_owner"]}
    assert tron.control("lie", off=True) == {"told": []}


def test_every_lie_is_tested_here():
    """By the text of this file, since tests run in any order."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in lies.LIES if f'"{name}"' not in text] == []
