"""The watcher dies by SIGKILL at each named place; afterwards everything goes on by itself, credited once."""

from __future__ import annotations

import pytest

from accounts.models import ActivityLog, OutgoingMail
from tests.support.chains import LocalChain
from tests.support.paying import run_until_killed_or_done
from tests.support.watching import Depositor, follow, only_deposit, raw_transaction, settle
from treasury import failpoints, halts
from treasury.models import Deposit

pytestmark = pytest.mark.faults

IN_REWINDING = ("before_rewind_commit", "after_rewind_commit")


@pytest.mark.parametrize("name", [name for name in failpoints.WATCHER_NAMES if name not in IN_REWINDING])
def test_killed_at_a_failpoint_each_deposit_is_credited_once(arbitrum: LocalChain, anna: Depositor, name: str) -> None:
    follow()
    for _ in range(3):
        arbitrum.transfer(anna.address, 10_000_000)
    arbitrum.mine(6)
    assert run_until_killed_or_done(follow, faults=f"{name}=kill")
    run_until_killed_or_done(follow, faults=f"{name}=kill")  # and again, if there is something left to do there
    settle(arbitrum)
    settle(arbitrum)

    assert anna.available == 30_000_000
    assert list(Deposit.objects.values_list("state", flat=True)) == [Deposit.State.CREDITED] * 3
    assert OutgoingMail.objects.count() == 3
    assert ActivityLog.objects.filter(action="deposit.credited").count() == 3


@pytest.mark.parametrize("name", IN_REWINDING)
def test_killed_while_a_credit_is_taken_back_it_is_taken_back_once(
    arbitrum: LocalChain, anna: Depositor, name: str
) -> None:
    follow()
    raw = raw_transaction(arbitrum, arbitrum.transfer(anna.address, 10_000_000))
    settle(arbitrum)
    anna.spend(4_000_000)
    arbitrum.reorg(7)
    arbitrum.mine(6)
    assert run_until_killed_or_done(follow, faults=f"{name}=kill")
    settle(arbitrum)
    assert only_deposit().state == Deposit.State.REVERSED
    assert (anna.available, anna.owed) == (0, 4_000_000)
    assert ActivityLog.objects.filter(action="deposit.reversed").count() == 1

    arbitrum.call("eth_sendRawTransaction", raw)
    halts.resume_network("arbitrum", actor_label="operator@example.com")
    settle(arbitrum)
    assert (anna.available, anna.owed) == (6_000_000, 0)
