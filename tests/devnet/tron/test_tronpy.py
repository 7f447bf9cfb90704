"""tronpy's own client, unmodified, against the local node."""

import json
from decimal import Decimal

import pytest
from tronpy import Contract, Tron
from tronpy.exceptions import (
    AddressNotFound,
    BadSignature,
    TransactionError,
    TransactionNotFound,
    TvmError,
    UnknownError,
    ValidationError,
)
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

from devnet.tron.addresses import base58_of
from devnet.tron.genesis import token_artifact
from tests.support.tron import TRX

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.fixture
def client(tron):
    client = Tron(HTTPProvider(tron.url), conf={"fee_limit": 100 * TRX})
    yield client
    client.provider.sess.close()


@pytest.fixture
def key(tron):
    """A tronpy key with TRX and tokens."""
    return PrivateKey(tron.new_key(trx=10_000, tokens=1_000_000).secret)


def address(key):
    return key.public_key.to_base58check_address()


def sent(tron, transaction, key):
    """Signs, sends, mines, and gives the receipt as tronpy waits for it."""
    answer = transaction.build().sign(key).broadcast()
    tron.mine()
    return answer.wait(timeout=5)


def test_it_sends_trx_and_reads_the_balance(tron, client, key):
    receipt = sent(tron, client.trx.transfer(address(key), SOMEBODY, 5 * TRX), key)
    assert receipt["receipt"] == {"net_fee": 100_000}
    assert client.get_account_balance(SOMEBODY) == Decimal(5)
    assert client.get_transaction(receipt["id"])["ret"] == [{"contractRet": "SUCCESS"}]


def test_it_reads_blocks_the_node_and_the_chains_parameters(tron, client):
    tron.mine(20)
    assert client.get_latest_block_number() == tron.height
    assert client.get_latest_solid_block_number() == tron.height - 18
    assert client.get_latest_solid_block_id() == client.get_block(tron.height - 18)["blockID"]
    assert {"key": "getEnergyFee", "value": 100} in client.get_chain_parameters()
    assert len(client.list_witnesses()) == 27


def test_an_account_that_is_not_there_is_not_found(client):
    with pytest.raises(AddressNotFound):
        client.get_account(SOMEBODY)
    with pytest.raises(TransactionNotFound):
        client.get_transaction("00" * 32)


def test_it_deploys_a_token_and_calls_it(tron, client, key):
    made = token_artifact()
    contract = Contract(
        name="T", bytecode=made["bytecode"].removeprefix("0x"), abi=made["abi"], origin_energy_limit=10_000_000
    )
    deployed = sent(tron, client.trx.deploy_contract(address(key), contract).fee_limit(5_000 * TRX), key)
    assert deployed["receipt"]["result"] == "SUCCESS"
    token = client.get_contract(deployed["contract_address"])
    assert token.functions.decimals() == 6
    assert token.functions.symbol() == "USDT"
    assert client.get_contract_info(deployed["contract_address"])["contract_state"]["update_cycle"] > 0


def test_it_transfers_tokens_and_reads_the_log(tron, client, key):
    token = client.get_contract(tron.token)
    receipt = sent(tron, token.functions.transfer(SOMEBODY, 1_234).with_owner(address(key)), key)
    assert receipt["receipt"]["result"] == "SUCCESS"
    assert receipt["log"][0]["address"] == tron.token
    assert int(receipt["log"][0]["data"], 16) == 1_234
    (event,) = token.events.Transfer.process_receipt(receipt)
    assert event["args"]["value"] == 1_234
    assert token.functions.balanceOf(SOMEBODY) == 1_234


def test_it_estimates_energy(tron, client, key):
    parameter = "00" * 12 + "11" * 20 + (5).to_bytes(32).hex()
    estimate = client.get_estimated_energy(address(key), tron.token, "transfer(address,uint256)", parameter)
    token = client.get_contract(tron.token)
    receipt = sent(tron, token.functions.transfer(base58_of(b"\x11" * 20), 5).with_owner(address(key)), key)
    assert receipt["receipt"]["energy_usage_total"] == estimate


def test_another_ones_signature_is_a_bad_one(tron, client, key):
    stranger = PrivateKey.random()
    transaction = client.trx.transfer(address(key), SOMEBODY, 5).build()
    transaction.set_signature([stranger.sign_msg_hash(bytes.fromhex(transaction.txid)).hex()])
    with pytest.raises(BadSignature, match="not contained of permission"):
        transaction.broadcast()


def test_an_expired_one_is_refused(tron, client, key):
    transaction = client.trx.transfer(address(key), SOMEBODY, 5).build().sign(key)
    tron.mine(seconds=120)
    with pytest.raises(TransactionError, match="Transaction expired"):
        transaction.broadcast()


def test_a_second_time_is_a_duplicate(tron, client, key):
    transaction = client.trx.transfer(address(key), SOMEBODY, 5).build().sign(key)
    transaction.broadcast()
    with pytest.raises(UnknownError, match="Dup transaction") as caught:
        transaction.broadcast()
    assert "DUP_TRANSACTION_ERROR" in caught.value.args


def test_more_than_there_is_cannot_be_sent(tron, client, key):
    with pytest.raises(ValidationError, match="balance is not sufficient"):
        client.trx.transfer(address(key), SOMEBODY, 10**6 * TRX).build().sign(key).broadcast()


def test_a_low_fee_limit_runs_out_of_energy(tron, client, key):
    token = client.get_contract(tron.token)
    transfer = token.functions.transfer(SOMEBODY, 5).with_owner(address(key)).fee_limit(100_000)
    answer = transfer.build().sign(key).broadcast()
    tron.mine()
    receipt = answer.wait()
    assert receipt["result"] == "FAILED"
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["receipt"]["energy_usage_total"] == 1_000
    with pytest.raises(TvmError, match="Not enough energy"):
        answer.result()


def test_tokens_that_nobody_has_revert(tron, client, key):
    token = client.get_contract(tron.token)
    answer = token.functions.transfer(SOMEBODY, 10**12).with_owner(address(key)).build().sign(key).broadcast()
    tron.mine()
    assert answer.wait()["receipt"]["result"] == "REVERT"
    with pytest.raises(TvmError):
        answer.result()
    with pytest.raises(TvmError):
        client.trigger_constant_contract(
            address(key), tron.token, "transfer(address,uint256)", "00" * 12 + "11" * 20 + "ff" * 8 + "00" * 24
        )


def test_it_stakes_lends_and_takes_back(tron, client, key):
    borrower = base58_of(tron.new_key(trx=10).address)
    sent(tron, client.trx.freeze_balance(address(key), 1_000 * TRX, "ENERGY"), key)
    assert client.get_can_delegated_max_size(address(key))["max_size"] == 1_000 * TRX
    sent(tron, client.trx.delegate_resource(address(key), borrower, 500 * TRX, "ENERGY"), key)
    assert client.get_energy(borrower) > 4_000
    lent = client.get_delegated_resource_v2(address(key), borrower)["delegatedResource"]
    assert lent[0]["frozen_balance_for_energy"] == 500 * TRX
    sent(tron, client.trx.undelegate_resource(address(key), borrower, 500 * TRX, "ENERGY"), key)
    assert client.get_delegated_resource_v2(address(key), borrower) == {}
    sent(tron, client.trx.unfreeze_balance(address(key), "ENERGY", unfreeze_balance=1_000 * TRX), key)
    assert client.get_account(address(key))["unfrozenV2"][0]["unfreeze_amount"] == 1_000 * TRX


def test_a_memo_comes_back_with_the_transaction(tron, client, key):
    transaction = client.trx.transfer(address(key), SOMEBODY, 5).memo("invoice 7").build().sign(key)
    txid = transaction.broadcast().txid
    assert bytes.fromhex(client.get_transaction(txid)["raw_data"]["data"]) == b"invoice 7"
    assert json.loads(str(transaction))["txID"] == txid
