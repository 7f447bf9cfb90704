"""The token's owner pauses, blacklists, charges or moves: an alarm each, closed when it is over."""

from __future__ import annotations

from tests.support.paying_on_tron import TronDesk
from tests.support.watching import alarms
from treasury.token_watch import watch_token


def test_each_act_of_the_tokens_owner_is_an_alarm_until_it_is_taken_back(tron_desk: TronDesk) -> None:
    chain, wallet = tron_desk.chain, tron_desk.wallet.address
    assert watch_token("tron") == ()
    chain.control("blacklist", address=wallet)
    chain.control("pause_token")
    chain.control("token_fee", basis_points=1, maximum=10**6)
    assert set(watch_token("tron")) == {"blocked", "paused", "fee"}
    assert {"token-blocked", "token-paused", "token-fee"} <= alarms()

    chain.control("blacklist", address=wallet, off=True)
    chain.control("pause_token", off=True)
    chain.control("token_fee", basis_points=0, maximum=0)
    assert watch_token("tron") == ()
    assert not {key for key in alarms() if key.startswith("token-")}


def test_a_token_that_moves_to_another_contract_is_an_alarm(tron_desk: TronDesk) -> None:
    chain = tron_desk.chain
    chain.control("owner_call", signature="deprecate(address)", values=[chain.token])
    assert "deprecated" in watch_token("tron")
    assert "token-deprecated" in alarms()


def test_a_network_with_another_family_of_token_is_left_alone(networks: object, db: None) -> None:
    assert watch_token("bsc") == ()
