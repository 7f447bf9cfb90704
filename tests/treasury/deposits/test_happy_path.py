"""A transfer on a chain becomes a balance."""

from __future__ import annotations

from accounts.models import ActivityLog, OutgoingMail
from tests.support.chains import LocalChain
from tests.support.watching import Depositor, alarms, finalize, follow, only_deposit
from treasury import deposits, ledger
from treasury.models import Deposit


def test_a_transfer_is_seen_then_confirmed_then_credited(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    tx_hash = arbitrum.transfer(anna.address, 100_000_000)
    follow()
    seen = only_deposit()
    assert (seen.state, seen.tx_hash, seen.amount_micro) == (Deposit.State.SEEN, tx_hash, 100_000_000)
    assert anna.available == 0

    finalize(arbitrum)
    follow()

    assert only_deposit().state == Deposit.State.CREDITED
    assert anna.available == 100_000_000
    assert ledger.balance("asset:arbitrum:deposit") == 100_000_000
    assert OutgoingMail.objects.get().template == "deposit_credited"
    assert ActivityLog.objects.filter(action="deposit.credited", target_id=str(seen.pk)).count() == 1


def test_following_again_credits_nothing_more(arbitrum: LocalChain, anna: Depositor) -> None:
    arbitrum.transfer(anna.address, 100_000_000)
    for _ in range(4):
        finalize(arbitrum)
        follow()
    assert anna.available == 100_000_000
    assert Deposit.objects.count() == 1


def test_on_bnb_smart_chain_18_decimals_become_micros_and_dust(bsc: LocalChain, anna: Depositor) -> None:
    follow("bsc")
    bsc.transfer(anna.address, 5_000_000_123_456_789_012)  # 5.000000123456789012 USDT
    finalize(bsc)
    follow("bsc")
    deposit = only_deposit()
    assert (deposit.amount_micro, deposit.dust_raw) == (5_000_000, 123_456_789_012)
    assert anna.available == 5_000_000
    assert ledger.balance("asset:bsc:deposit:dust") == ledger.balance("dust:bsc") == 123_456_789_012


def test_a_deposit_that_the_ledger_refuses_holds_up_no_other(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    first = arbitrum.transfer(anna.address, 10_000_000)
    second = arbitrum.transfer(anna.address, 20_000_000)
    finalize(arbitrum)
    deposits.scan_deposits("arbitrum")
    deposits.confirm_deposits("arbitrum")
    poisoned = Deposit.objects.get(tx_hash=first)
    taken = ledger.Posting(f"deposit:{poisoned.pk}:1", "asset:arbitrum:hot", "equity:opening", 1, "test")
    ledger.post(taken)
    follow()
    assert anna.available == 20_000_000
    assert Deposit.objects.get(tx_hash=second).state == Deposit.State.CREDITED
    assert Deposit.objects.get(tx_hash=first).state == Deposit.State.CONFIRMED
    assert alarms() == {"deposit_refused"}
