"""What customers are told about their deposits, each once, in the commit of the fact."""

from __future__ import annotations

from accounts.mail import render
from accounts.models import OutgoingMail
from tests.support.chains import LocalChain
from tests.support.watching import Depositor, follow, only_deposit, raw_transaction, settle
from treasury import halts
from treasury.models import Deposit


def told(template: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(template=template).order_by("id"))


def text_of(row: OutgoingMail) -> str:
    row.language = "en"
    return str(render(row).body)


def test_a_deposit_below_the_minimum_is_told_once_with_both_amounts(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 350_000)
    settle(arbitrum)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.BELOW_MINIMUM
    (row,) = told("deposit_below_minimum")
    assert row.user_id == anna.user.pk
    text = text_of(row)
    assert "0.35 USDT arrived on Arbitrum One, less than the smallest deposit of 1.00 USDT" in text
    assert tx_hash in text
    assert not told("deposit_credited")


def test_dust_that_strangers_send_to_be_noticed_is_not_told(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 9_999)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.BELOW_MINIMUM
    assert not told("deposit_below_minimum")


def test_a_credited_deposit_that_the_chain_takes_back_is_told_with_what_is_owed(
    arbitrum: LocalChain, anna: Depositor
) -> None:
    follow()
    raw = raw_transaction(arbitrum, arbitrum.transfer(anna.address, 10_000_000))
    settle(arbitrum)
    anna.spend(4_000_000)
    arbitrum.reorg(7)
    settle(arbitrum)
    (row,) = told("deposit_reversed")
    text = text_of(row)
    assert "A deposit was taken back by the network: 10.00 USDT" in text
    assert "4.00 USDT are owed" in text
    assert "Your withdrawals are stopped" in text

    assert halts.resume_network("arbitrum", actor_label="operator@example.com")
    arbitrum.call("eth_sendRawTransaction", raw)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.CREDITED
    assert len(told("deposit_credited")) == 2  # the second one for its second inclusion
    assert len(told("deposit_reversed")) == 1


def test_nothing_is_owed_where_nothing_was_spent(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    settle(arbitrum)
    arbitrum.reorg(7)
    settle(arbitrum)
    (row,) = told("deposit_reversed")
    assert row.facts["owed_micro"] == 0
    assert "owed" not in text_of(row)


def test_a_deposit_of_nobody_that_is_taken_back_is_told_to_nobody(
    arbitrum: LocalChain, anna: Depositor, pool: object
) -> None:
    (nobody,) = pool.add()  # type: ignore[attr-defined]  # tests.support.watching.Pool
    follow()
    arbitrum.transfer(nobody, 10_000_000)
    settle(arbitrum)
    arbitrum.reorg(7)
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.REVERSED
    assert not told("deposit_reversed")
