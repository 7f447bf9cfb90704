"""What the node says to a transaction: each refusal with java-tron's code and text, in both ways of sending."""

import pytest

from devnet.tron import protocol
from devnet.tron.addresses import base58_of, on_wire, sha256
from devnet.tron.printing import printed_transaction
from tests.support.tron import TRX

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def refusal(answer):
    assert answer["result"] is False
    return answer["code"], answer["message"]


def as_json(tron, signed, **changes):
    """The answer to `broadcasttransaction`, which takes the fields instead of the bytes."""
    message = protocol.Transaction.FromString(bytes.fromhex(signed))
    return tron.ask("wallet/broadcasttransaction", **(printed_transaction(message) | changes))


@pytest.fixture
def payer(tron):
    return tron.new_key(trx=100)


def test_a_good_one_is_pooled_seen_at_once_and_mined_with_the_next_block(tron, payer):
    tron.fund(SOMEBODY, TRX)
    answer = tron.send(tron.transfer(payer, SOMEBODY, 5))
    assert (answer["result"], answer["code"], answer["message"]) == (True, "SUCCESS", "")
    assert tron.ask("wallet/gettransactionbyid", value=answer["txid"])["ret"] == [{"contractRet": "SUCCESS"}]
    assert tron.trx_of(SOMEBODY) == TRX + 5
    assert tron.receipt(answer["txid"]) == {}
    tron.mine()
    receipt = tron.receipt(answer["txid"])
    assert receipt["blockNumber"] == tron.height
    assert receipt["contractResult"] == [""]
    assert "result" not in receipt["receipt"], "a TRX transfer's receipt has no result"
    assert tron.ask("walletsolidity/gettransactionbyid", value=answer["txid"]) == {}
    tron.mine(18)
    assert tron.receipt(answer["txid"], solid=True) == receipt


def test_as_json_a_good_one_has_but_a_result_and_its_id(tron, payer):
    signed = tron.transfer(payer, SOMEBODY, 5)
    answer = as_json(tron, signed)
    assert answer == {"result": True, "txid": tron.ask("wallet/gettransactionlistfrompending")["txId"][0]}


def test_as_json_a_refusals_message_is_hex_unless_visible(tron, payer):
    signed = tron.transfer(payer, SOMEBODY, 10**12)
    answer = as_json(tron, signed)
    text = "Contract validate error : Validate TransferContract error, balance is not sufficient."
    assert answer == {"code": "CONTRACT_VALIDATE_ERROR", "txid": answer["txid"], "message": text.encode().hex()}
    message = protocol.Transaction.FromString(bytes.fromhex(signed))
    shown = printed_transaction(message, visible=True) | {"visible": True}
    assert tron.ask("wallet/broadcasttransaction", **shown)["message"] == text


def test_the_same_one_again_is_a_duplicate_in_the_pool_and_in_a_block(tron, payer):
    signed = tron.transfer(payer, SOMEBODY, 5)
    assert tron.send(signed)["result"] is True
    assert refusal(tron.send(signed)) == ("DUP_TRANSACTION_ERROR", "Dup transaction.")
    tron.mine()
    assert refusal(tron.send(signed)) == ("DUP_TRANSACTION_ERROR", "Dup transaction.")


def test_a_node_that_remembers_ids_refuses_even_what_failed_before(tron):
    tron.reset(remembers_ids=True)
    payer = tron.new_key(trx=1)
    signed = tron.transfer(payer, SOMEBODY, 10**12)
    assert refusal(tron.send(signed))[0] == "CONTRACT_VALIDATE_ERROR"
    assert refusal(tron.send(signed)) == ("DUP_TRANSACTION_ERROR", "Transaction already exists.")


def test_another_ones_signature(tron, payer):
    stranger = tron.new_key()
    message = protocol.Transaction.FromString(bytes.fromhex(tron.transfer(payer, SOMEBODY, 5)))
    del message.signature[:]
    txid = sha256(message.raw_data.SerializeToString()).hex()
    signer = base58_of(stranger.address)
    assert refusal(tron.send(tron.sign(message, stranger))) == (
        "SIGERROR",
        f"Validate signature error: {txid} is signed by {signer} but it is not contained of permission.",
    )


@pytest.mark.parametrize(
    ("signatures", "text"),
    [
        ([], "miss sig or contract"),
        ([b"short"], "Signature size is 5"),
        ([b"\xff" * 64 + b"\0"], "Could not recover public key from signature"),
        ([b"\x01" * 64 + b"\x05"] * 6, "too many signatures"),
        ([b"\x01" * 64 + b"\x00"] * 2, "Signature count is 2 more than key counts of permission : 1"),
    ],
)
def test_signatures_that_are_none(tron, payer, signatures, text):
    message = protocol.Transaction.FromString(bytes.fromhex(tron.transfer(payer, SOMEBODY, 5)))
    del message.signature[:]
    message.signature.extend(signatures)
    answer = tron.send(message.SerializeToString().hex())
    assert refusal(answer) == ("SIGERROR", f"Validate signature error: {text}")


def test_a_reference_to_a_block_that_the_chain_does_not_have(tron, payer):
    signed = tron.transfer(payer, SOMEBODY, 5, ref_block_hash=b"12345678")
    assert refusal(tron.send(signed)) == ("TAPOS_ERROR", "Tapos check error.")


@pytest.mark.parametrize("ms", [-1, 0, 86_400_001])
def test_an_expiration_in_the_past_or_more_than_a_day_ahead(tron, payer, ms):
    head = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    signed = tron.transfer(payer, SOMEBODY, 5, expiration=head + ms)
    assert refusal(tron.send(signed)) == ("TRANSACTION_EXPIRATION_ERROR", "Transaction expired")


def test_an_expiration_of_a_day_is_the_longest(tron, payer):
    head = tron.ask("wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    assert tron.send(tron.transfer(payer, SOMEBODY, 5, expiration=head + 86_400_000))["result"] is True


def test_a_memo_of_more_than_half_a_megabyte(tron, payer):
    answer = tron.send(tron.transfer(payer, SOMEBODY, 5, data=b"x" * 512_000))
    code, text = refusal(answer)
    assert code == "TOO_BIG_TRANSACTION_ERROR"
    assert "maxTxSize 512000" in text


def test_an_account_that_nobody_activated_has_no_bandwidth(tron):
    nobody = tron.new_key()
    answer = tron.send(tron.transfer(nobody, SOMEBODY, 5))
    assert refusal(answer) == (
        "CONTRACT_VALIDATE_ERROR",
        f"Contract validate error : account [{base58_of(nobody.address)}] does not exist",
    )


def test_bytes_that_cannot_be_paid_for(tron):
    poor = tron.new_key()
    tron.fund(base58_of(poor.address), 1_000)
    tron.fund(SOMEBODY, TRX)
    for _ in range(2):  # 600 free bytes a day are two transfers
        assert tron.send(tron.transfer(poor, SOMEBODY, 1))["result"] is True
    answer = tron.send(tron.transfer(poor, SOMEBODY, 1))
    assert refusal(answer) == ("BANDWITH_ERROR", "Account resource insufficient error.")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SERVER_BUSY", "Server busy."),
        ("BLOCK_UNSOLIDIFIED", "Block unsolidified."),
        ("NO_CONNECTION", "No connection."),
        ("NOT_ENOUGH_EFFECTIVE_CONNECTION", "Effective connection:0 lt minEffectiveConnection:1."),
        ("OTHER_ERROR", "Error: null"),
    ],
)
def test_a_node_that_is_told_to_refuses_for_reasons_of_its_own(tron, payer, code, text):
    signed = tron.transfer(payer, SOMEBODY, 5)
    tron.control("busy", code=code)
    assert refusal(tron.send(signed)) == (code, text)
    tron.control("busy", off=True)
    assert tron.send(signed)["result"] is True


def test_two_contracts_in_one_transaction(tron, payer):
    message = protocol.Transaction.FromString(bytes.fromhex(tron.transfer(payer, SOMEBODY, 5)))
    del message.signature[:]
    message.raw_data.contract.append(message.raw_data.contract[0])
    code, text = refusal(tron.send(tron.sign(message, payer)))
    assert code == "OTHER_ERROR"
    assert "contract size should be exactly 1" in text


def test_a_contract_that_this_node_does_not_know(tron, payer):
    message = protocol.Transaction.FromString(bytes.fromhex(tron.transfer(payer, SOMEBODY, 5)))
    del message.signature[:]
    message.raw_data.contract[0].type = 4  # VoteWitnessContract
    answer = tron.send(tron.sign(message, payer))
    assert answer["result"] is False


def test_what_is_no_transaction_is_an_error_with_status_200(tron):
    assert tron.send("ff") == {
        "Error": "class com.google.protobuf.InvalidProtocolBufferException : "
        "Protocol message contained an invalid tag (zero)."
    }


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"to_address": b"\x41" + bytes(10)}, "Invalid toAddress!"),
        ({"amount": 0}, "Amount must be greater than 0."),
        ({"amount": -5}, "Amount must be greater than 0."),
        ({"amount": 10**15}, "Validate TransferContract error, balance is not sufficient."),
    ],
)
def test_transfers_that_make_no_sense(tron, payer, change, text):
    fields = {"owner_address": on_wire(payer.address), "to_address": on_wire(b"\x11" * 20), "amount": 5} | change
    parameter = protocol.CONTRACTS["TransferContract"](**fields)
    answer = tron.send(tron.sign(tron.build("TransferContract", parameter), payer))
    assert refusal(answer) == ("CONTRACT_VALIDATE_ERROR", f"Contract validate error : {text}")


def test_a_transfer_to_oneself(tron, payer):
    answer = tron.send(tron.transfer(payer, base58_of(payer.address), 5))
    assert refusal(answer)[1] == "Contract validate error : Cannot transfer TRX to yourself."
