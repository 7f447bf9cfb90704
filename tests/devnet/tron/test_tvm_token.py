"""The local chain's token on TRON's machine: what it costs, and the ways in which it is like USDT and like no other."""

import pytest
from eth_hash.auto import keccak

from tests.support.tvm import CALLER, CONTRACT, NOBODY, OTHER, Machine, Token

OWNER = CALLER
HOLDER, FRIEND = b"\x31" * 20, b"\x32" * 20
NEXT_TOKEN = b"\x77" * 20
TRANSFER = keccak(b"Transfer(address,address,uint256)")


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.state.put("code", CONTRACT, None)
    return made


@pytest.fixture
def token(machine) -> Token:
    """HOLDER and FRIEND have a thousand units each."""
    made = Token(machine)
    made.transfer(HOLDER, 1_000)
    made.transfer(FRIEND, 1_000)
    return made


def transfers(outcome) -> list[tuple[bytes, bytes, int]]:
    """From, to, units, in the order of the logs."""
    return [
        (log.topics[1][12:], log.topics[2][12:], int.from_bytes(log.data))
        for log in outcome.logs
        if log.topics[0] == TRANSFER
    ]


# --- what it costs: USDT takes 64,285 and 130,285 at a factor of 3.4 ------------------------------------------------


def test_a_transfer_costs_about_what_usdts_costs_without_a_factor(token):
    assert token.transfer(HOLDER, 5).energy_used == pytest.approx(14_610, rel=0.015)


def test_a_transfer_to_a_new_holder_costs_15_000_more(token):
    known, new = (token.transfer(to, 5).energy_used for to in (HOLDER, NOBODY))
    assert new == known + 15_000
    assert new == pytest.approx(29_610, rel=0.015)


def test_with_usdts_factor_transfers_cost_what_usdts_cost(machine, token):
    machine.factors[CONTRACT] = 34_000
    known, new = (token.transfer(to, 5) for to in (HOLDER, NOBODY))
    assert known.energy_used == pytest.approx(64_285, rel=0.02)
    assert new.energy_used == pytest.approx(130_285, rel=0.02)
    assert new.energy_used == known.energy_used + 66_000
    machine.factors.clear()
    assert known.energy_used - known.energy_penalty == token.transfer(HOLDER, 5).energy_used


def test_a_sender_that_gives_all_away_pays_the_same(token):
    part = token.transfer(FRIEND, 400, caller=HOLDER).energy_used
    assert token.transfer(FRIEND, 600, caller=HOLDER).energy_used == part
    assert token.balance_of(HOLDER) == 0


def test_a_holder_that_gave_all_away_is_a_new_holder_again(token):
    token.transfer(FRIEND, 1_000, caller=HOLDER)
    assert token.transfer(HOLDER, 5).energy_used == pytest.approx(29_610, rel=0.015)


# --- its quirks -----------------------------------------------------------------------------------------------------


def test_a_transfer_says_false_although_it_succeeded(token):
    ended = token.transfer(FRIEND, 400, caller=HOLDER)
    assert (ended.fault, int.from_bytes(ended.output), len(ended.output)) == (None, 0, 32)
    assert transfers(ended) == [(HOLDER, FRIEND, 400)]
    assert (token.balance_of(HOLDER), token.balance_of(FRIEND)) == (600, 1_400)


def test_a_transfer_in_anothers_name_says_true(token):
    token.call("approve(address,uint256)", OTHER, 500, caller=HOLDER)
    ended = token.call("transferFrom(address,address,uint256)", HOLDER, FRIEND, 400, caller=OTHER)
    assert int.from_bytes(ended.output) == 1
    assert transfers(ended) == [(HOLDER, FRIEND, 400)]
    assert token.read("allowance(address,address)", HOLDER, OTHER) == 100
    assert token.call("transferFrom(address,address,uint256)", HOLDER, FRIEND, 101, caller=OTHER).fault == "REVERT"


def test_more_than_there_is_cannot_be_sent(token):
    assert token.transfer(FRIEND, 1_001, caller=HOLDER).fault == "REVERT"
    assert token.transfer(bytes(20), 1, caller=HOLDER).fault == "REVERT"
    assert token.balance_of(HOLDER) == 1_000


def test_call_data_cut_short_is_refused(machine, token):
    data = keccak(b"transfer(address,uint256)")[:4] + FRIEND.rjust(32, b"\0") + (5).to_bytes(32)
    assert machine.call(caller=HOLDER, data=data[:-1]).fault == "REVERT"
    assert machine.call(caller=HOLDER, data=data).fault is None


def test_a_blacklisted_sender_cannot_send(token):
    token.call("addBlackList(address)", HOLDER)
    assert token.read("isBlackListed(address)", HOLDER) == 1
    assert token.transfer(FRIEND, 1, caller=HOLDER).fault == "REVERT"
    token.call("approve(address,uint256)", OTHER, 500, caller=HOLDER)
    assert token.call("transferFrom(address,address,uint256)", HOLDER, FRIEND, 1, caller=OTHER).fault == "REVERT"
    token.call("removeBlackList(address)", HOLDER)
    assert token.transfer(FRIEND, 1, caller=HOLDER).fault is None


def test_a_blacklisted_recipient_receives(token):
    token.call("addBlackList(address)", HOLDER)
    ended = token.transfer(HOLDER, 5, caller=FRIEND)
    assert transfers(ended) == [(FRIEND, HOLDER, 5)]
    assert token.balance_of(HOLDER) == 1_005


def test_destroyed_funds_leave_without_a_transfer(token):
    assert token.call("destroyBlackFunds(address)", HOLDER).fault == "REVERT"
    token.call("addBlackList(address)", HOLDER)
    supply = token.read("totalSupply()")
    ended = token.call("destroyBlackFunds(address)", HOLDER)
    assert transfers(ended) == []
    assert [log.topics[0] for log in ended.logs] == [keccak(b"DestroyedBlackFunds(address,uint256)")]
    assert (token.balance_of(HOLDER), token.read("totalSupply()")) == (0, supply - 1_000)


def test_a_paused_token_moves_nothing(token):
    token.call("pause()")
    assert token.transfer(FRIEND, 1, caller=HOLDER).fault == "REVERT"
    token.call("unpause()")
    assert token.transfer(FRIEND, 1, caller=HOLDER).fault is None


def test_a_fee_leaves_the_recipient_less_and_a_second_transfer_to_the_owner(token):
    token.call("setParams(uint256,uint256)", 100, 7)  # one percent, 7 units at most
    owners = token.balance_of(OWNER)
    ended = token.transfer(FRIEND, 400, caller=HOLDER)
    assert transfers(ended) == [(HOLDER, FRIEND, 396), (HOLDER, OWNER, 4)]
    assert token.balance_of(OWNER) == owners + 4
    assert transfers(token.transfer(HOLDER, 1_396, caller=FRIEND)) == [(FRIEND, HOLDER, 1_389), (FRIEND, OWNER, 7)]
    assert transfers(token.transfer(FRIEND, 99, caller=HOLDER)) == [(HOLDER, FRIEND, 99)]  # less than a unit of fee


def test_a_deprecated_token_asks_its_successor(machine, token):
    """The successor is one that answers everything with 5."""
    machine.put(NEXT_TOKEN, bytes.fromhex("600560005260206000f3"))
    ended = token.call("deprecate(address)", NEXT_TOKEN)
    assert [log.topics[0] for log in ended.logs] == [keccak(b"Deprecate(address)")]
    assert token.read("deprecated()") == 1
    assert token.read("upgradedAddress()") == int.from_bytes(NEXT_TOKEN)
    assert token.balance_of(HOLDER) == 5
    machine.put(NEXT_TOKEN, bytes.fromhex("600160005260206000f3"))  # and now with 1, which is true
    ended = token.transfer(FRIEND, 1, caller=HOLDER)
    assert (int.from_bytes(ended.output), ended.logs) == (1, ())
    assert [each.to for each in ended.internal_transactions] == [NEXT_TOKEN]


def test_the_owner_issues_and_redeems(token):
    supply = token.read("totalSupply()")
    token.call("issue(uint256)", 500)
    assert token.read("totalSupply()") == supply + 500
    token.call("redeem(uint256)", 200)
    assert token.read("totalSupply()") == supply + 300
    assert (token.read("owner()"), token.read("decimals()")) == (int.from_bytes(OWNER), 6)


@pytest.mark.parametrize(
    ("signature", "values"),
    [
        ("issue(uint256)", [1]), ("redeem(uint256)", [1]), ("setParams(uint256,uint256)", [1, 1]), ("pause()", []),
        ("unpause()", []), ("addBlackList(address)", [FRIEND]), ("removeBlackList(address)", [FRIEND]),
        ("destroyBlackFunds(address)", [FRIEND]), ("deprecate(address)", [FRIEND]),
    ],
)  # fmt: skip
def test_only_the_owner_may_do_what_an_owner_does(token, signature, values):
    assert token.call(signature, *values, caller=HOLDER).fault == "REVERT"
