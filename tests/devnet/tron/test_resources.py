"""Bandwidth, activation, memos, stake and its lending: what each costs, to the sun and the byte."""

import pytest

from devnet.tron import protocol
from devnet.tron.accounts import WINDOW, WINDOW_PRECISION, Usage, increased, increased_simply, recovered
from devnet.tron.addresses import base58_of, on_wire
from tests.support.tron import TRX

SOMEBODY = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.fixture
def payer(tron):
    tron.fund(SOMEBODY, TRX)
    return tron.new_key(trx=100_000)


def system(tron, key, kind, **fields):
    """A signed contract of the system, with the owner filled in."""
    parameter = protocol.CONTRACTS[kind](owner_address=on_wire(key.address), **fields)
    return tron.sign(tron.build(kind, parameter), key)


def resources(tron, key):
    return tron.ask("wallet/getaccountresource", address=base58_of(key.address), visible=True)


def test_a_transfer_uses_265_free_bytes_and_its_receipt_says_so(tron, payer):
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    assert receipt["receipt"] == {"net_usage": 265}
    assert "fee" not in receipt
    assert resources(tron, payer)["freeNetUsed"] == 265


def test_free_bandwidth_is_never_split_the_third_transfer_burns_for_all_its_bytes(tron, payer):
    for _ in range(2):
        tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    before = tron.trx_of(base58_of(payer.address))
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    assert receipt["receipt"] == {"net_fee": 265_000}
    assert receipt["fee"] == 265_000
    assert tron.trx_of(base58_of(payer.address)) == before - 265_005


def test_free_bandwidth_comes_back_within_a_day(tron, payer):
    tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    tron.mine(seconds=43_200)
    assert 130 <= resources(tron, payer)["freeNetUsed"] <= 134
    tron.mine(seconds=43_200)
    assert "freeNetUsed" not in resources(tron, payer)


def test_opening_an_account_costs_1_and_a_tenth_trx(tron, payer):
    nobody = base58_of(tron.new_key().address)
    before = tron.trx_of(base58_of(payer.address))
    receipt = tron.send_mined(tron.transfer(payer, nobody, 5))
    assert receipt["fee"] == 1_100_000
    assert receipt["receipt"] == {"net_fee": 100_000}
    assert tron.trx_of(base58_of(payer.address)) == before - 1_100_005
    assert tron.trx_of(nobody) == 5


def test_staked_bandwidth_opens_accounts_without_the_tenth(tron, payer):
    tron.send_mined(system(tron, payer, "FreezeBalanceV2Contract", frozen_balance=10_000 * TRX))
    receipt = tron.send_mined(tron.transfer(payer, base58_of(tron.new_key().address), 5))
    assert receipt["fee"] == 1_000_000
    assert receipt["receipt"]["net_usage"] == 265


def test_prices_hold_from_the_moment_that_they_are_set(tron, payer):
    tron.control("parameters", getTransactionFee=10, getFreeNetLimit=0, getCreateNewAccountFeeInSystemContract=7)
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5))
    assert receipt["receipt"] == {"net_fee": 2_650}
    receipt = tron.send_mined(tron.transfer(payer, base58_of(tron.new_key().address), 5))
    assert receipt["fee"] == 100_007
    found = {row["key"]: row.get("value") for row in tron.ask("wallet/getchainparameters")["chainParameter"]}
    assert found["getTransactionFee"] == 10
    assert found["getFreeNetLimit"] is None, "a zero has no value"
    assert tron.ask("wallet/getbandwidthprices")["prices"].endswith(":10")


def test_a_memo_costs_a_trx_more(tron, payer):
    receipt = tron.send_mined(tron.transfer(payer, SOMEBODY, 5, data=b"thanks"))
    assert receipt["fee"] == 1_000_000


def test_a_transaction_that_opens_an_account_may_have_a_thousand_bytes(tron, payer):
    nobody = base58_of(tron.new_key().address)
    answer = tron.send(tron.transfer(payer, nobody, 5, data=b"x" * 900))
    assert answer["code"] == "TOO_BIG_TRANSACTION_ERROR"
    assert answer["message"].endswith("maxTxSize 1000")
    assert tron.send(tron.transfer(payer, SOMEBODY, 5, data=b"x" * 900))["result"] is True


def test_staking_gives_energy_and_unstaking_waits_for_14_days(tron, payer):
    address = base58_of(payer.address)
    tron.send_mined(system(tron, payer, "FreezeBalanceV2Contract", frozen_balance=1_000 * TRX, resource=1))
    found = resources(tron, payer)
    assert found["EnergyLimit"] == int(1_000 * (180_000_000_000 / 19_000_001_000))
    assert found["tronPowerLimit"] == 1_000
    tron.send_mined(system(tron, payer, "UnfreezeBalanceV2Contract", unfreeze_balance=400 * TRX, resource=1))
    account = tron.ask("wallet/getaccount", address=address, visible=True)
    assert account["frozenV2"][1] == {"type": "ENERGY", "amount": 600 * TRX}
    assert account["unfrozenV2"][0]["unfreeze_amount"] == 400 * TRX
    early = tron.send(system(tron, payer, "WithdrawExpireUnfreezeContract"))
    assert early["message"] == "Contract validate error : no unFreeze balance to withdraw "
    tron.mine(seconds=14 * 86_400)
    receipt = tron.send_mined(system(tron, payer, "WithdrawExpireUnfreezeContract"))
    assert receipt["withdraw_expire_amount"] == 400 * TRX


def test_unstaking_can_be_called_off(tron, payer):
    tron.send_mined(system(tron, payer, "FreezeBalanceV2Contract", frozen_balance=10 * TRX))
    tron.send_mined(system(tron, payer, "UnfreezeBalanceV2Contract", unfreeze_balance=4 * TRX))
    receipt = tron.send_mined(system(tron, payer, "CancelAllUnfreezeV2Contract"))
    amounts = {each["key"]: each["value"] for each in receipt["cancel_unfreezeV2_amount"]}
    assert amounts["BANDWIDTH"] == 4 * TRX
    account = tron.ask("wallet/getaccount", address=base58_of(payer.address), visible=True)
    assert account["frozenV2"][0] == {"amount": 10 * TRX}


def test_lent_energy_is_the_borrowers_until_it_is_taken_back(tron, payer):
    borrower = tron.new_key(trx=10)
    to = on_wire(borrower.address)
    tron.send_mined(system(tron, payer, "FreezeBalanceV2Contract", frozen_balance=1_000 * TRX, resource=1))
    most = tron.ask("wallet/getcandelegatedmaxsize", owner_address=base58_of(payer.address), type=1, visible=True)
    assert most == {"max_size": 1_000 * TRX}
    lend = {"receiver_address": to, "balance": 600 * TRX, "resource": 1}
    tron.send_mined(system(tron, payer, "DelegateResourceContract", **lend))
    assert resources(tron, borrower)["EnergyLimit"] == int(600 * (180_000_000_000 / 19_000_001_000))
    pair = {"fromAddress": base58_of(payer.address), "toAddress": base58_of(borrower.address), "visible": True}
    assert tron.ask("wallet/getdelegatedresourcev2", **pair)["delegatedResource"] == [
        {"from": pair["fromAddress"], "to": pair["toAddress"], "frozen_balance_for_energy": 600 * TRX}
    ]
    index = tron.ask("wallet/getdelegatedresourceaccountindexv2", value=pair["fromAddress"], visible=True)
    assert index == {"account": pair["fromAddress"], "toAccounts": [pair["toAddress"]]}
    tron.send_mined(system(tron, payer, "UnDelegateResourceContract", **lend))
    assert "EnergyLimit" not in resources(tron, borrower)
    assert tron.ask("wallet/getdelegatedresourcev2", **pair) == {}


def test_locked_lending_cannot_be_taken_back_before_its_time(tron, payer):
    to = on_wire(tron.new_key(trx=10).address)
    tron.send_mined(system(tron, payer, "FreezeBalanceV2Contract", frozen_balance=100 * TRX, resource=1))
    lend = {"receiver_address": to, "balance": 60 * TRX, "resource": 1}
    tron.send_mined(system(tron, payer, "DelegateResourceContract", lock=True, lock_period=1_200, **lend))
    answer = tron.send(system(tron, payer, "UnDelegateResourceContract", **lend))
    assert answer["message"] == (
        "Contract validate error : insufficient delegateFrozenBalance(Energy), request=60000000, unlock_balance=0"
    )
    shorter = tron.send(
        system(tron, payer, "DelegateResourceContract", lock=True, lock_period=1, **lend | {"balance": TRX})
    )
    assert "cannot be less than the remaining time" in shorter["message"]
    tron.mine(seconds=3_601)
    assert tron.send(system(tron, payer, "UnDelegateResourceContract", **lend))["result"] is True


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("FreezeBalanceV2Contract", {"frozen_balance": 0}, "frozenBalance must be positive"),
        ("FreezeBalanceV2Contract", {"frozen_balance": 5}, "frozenBalance must be more than 1TRX"),
        ("FreezeBalanceV2Contract", {"frozen_balance": 10**15}, "frozenBalance must be less than accountBalance"),
        ("FreezeBalanceV2Contract", {"frozen_balance": TRX, "resource": 2}, "ResourceCode error"),
        ("UnfreezeBalanceV2Contract", {"unfreeze_balance": 5}, "no frozenBalance(BANDWIDTH)"),
        ("DelegateResourceContract", {"balance": 5}, "delegateBalance must be more than 1TRX"),
        (
            "DelegateResourceContract",
            {"balance": TRX, "resource": 1},
            "delegateBalance must be less than available FreezeEnergyV2 balance",
        ),
        (
            "UnDelegateResourceContract",
            {"receiver_address": b"\x41" + b"\x33" * 20},
            "delegated Resource does not exist",
        ),
        ("CancelAllUnfreezeV2Contract", {}, "No unfreezeV2 list to cancel"),
    ],
)
def test_what_may_not_be_staked_or_lent(tron, payer, kind, fields, text):
    answer = tron.send(system(tron, payer, kind, **fields))
    assert answer["code"] == "CONTRACT_VALIDATE_ERROR"
    assert answer["message"].startswith(f"Contract validate error : {text}")


def test_an_account_can_be_opened_by_name(tron, payer):
    to = tron.new_key().address
    receipt = tron.send_mined(system(tron, payer, "AccountCreateContract", account_address=on_wire(to)))
    assert receipt["fee"] == 1_100_000
    assert tron.ask("wallet/getaccount", address=base58_of(to), visible=True)["address"] == base58_of(to)
    again = tron.send(system(tron, payer, "AccountCreateContract", account_address=on_wire(to)))
    assert again["message"] == "Contract validate error : Account has existed"


def test_usage_decays_in_a_line_over_its_window():
    used = Usage(1_000, 100)
    assert recovered(used, 100) == 1_000
    assert recovered(used, 100 + WINDOW // 2) == 500
    assert recovered(used, 100 + WINDOW) == 0
    assert increased_simply(265, 265, 100, 100) == 530


def test_two_uses_share_a_window_weighted_by_their_size():
    first = increased(Usage(), 10_000, 1_000)
    assert first == Usage(10_000, 1_000, WINDOW * WINDOW_PRECISION)
    second = increased(first, 10_000, 1_000 + WINDOW // 2)
    assert second.used == 15_000
    # 5,000 are left with half a window, 10,000 are new with a whole one
    assert second.window == pytest.approx((5_000 / 2 + 10_000) / 15_000 * WINDOW * WINDOW_PRECISION, rel=1e-4)
