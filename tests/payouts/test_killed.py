"""A real SIGKILL at each of the payouts' commits: run again, everything happens once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from payouts import engine
from payouts.errors import WrongState
from payouts.models import WithdrawalApproval, WithdrawalRequest
from tests.payouts.chain_answers import Treasury
from tests.payouts.people import USDT, a_customer, approve, approved, funds, in_review, staff, states_told
from tests.support.databases import CommittedDatabase
from tests.support.sessions import ended_sessions
from treasury import ledger
from treasury.models import PaymentOrder

pytestmark = pytest.mark.faults
PROCESS = """
import django
django.setup()
from django.conf import settings
settings.NETWORKS = {networks!r}
from accounts.models import User
from payouts import engine
from payouts.models import WithdrawalRequest
from tests.payouts.people import approve
{deed}
"""


def killed(deed: str, networks: dict[str, object], failpoint: str) -> None:
    """Run `deed` in a process that is killed at `failpoint`."""
    with ended_sessions():
        done = subprocess.run(
            [sys.executable, "-c", PROCESS.format(networks=networks, deed=deed)],
            env=os.environ | {"FAULTS": f"{failpoint}=kill"},
            timeout=60,
            check=False,
        )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_approval_killed_at_its_commit_counts_once(
    committed_db: CommittedDatabase, networks: dict[str, object], when: str
) -> None:
    row, support = in_review(a_customer(micro=100 * USDT)), staff("support")
    deed = f"approve(WithdrawalRequest.objects.get(pk={row.pk}), User.objects.get(pk={support.pk}))"
    killed(deed, networks, f"{when}_approve_commit")
    if when == "before":
        approve(row, support)
    else:
        with pytest.raises(WrongState):
            approve(row, support)
    assert WithdrawalApproval.objects.count() == 1
    assert engine.start_payouts() == 1


@pytest.mark.parametrize("when", ["before_payout_order", "before_orders", "after_payout_order"])
def test_an_engine_killed_while_ordering_orders_once(
    committed_db: CommittedDatabase, networks: dict[str, object], when: str
) -> None:
    rows = [approved(a_customer(micro=100 * USDT)) for _number in range(3)]
    killed("engine.start_payouts()", networks, f"{when}_commit")
    assert engine.start_payouts() == (0 if when == "after_payout_order" else 3)
    assert PaymentOrder.objects.count() == 3
    assert set(WithdrawalRequest.objects.values_list("state", flat=True)) == {"ordered"}
    assert all(states_told(row).count(("approved", "ordered")) == 1 for row in rows)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_engine_killed_while_settling_books_once(
    committed_db: CommittedDatabase, networks: dict[str, object], when: str
) -> None:
    row = approved(a_customer(micro=100 * USDT))
    engine.start_payouts()
    treasury = Treasury(committed_db)
    treasury.send(row)
    treasury.settle(row)
    killed("engine.settle_payouts()", networks, f"{when}_payout_settle_commit")
    assert engine.settle_payouts() == (1 if when == "before" else 0)
    assert funds(row.customer) == (59 * USDT, 0)
    assert ledger.balance("asset:arbitrum:hot") == -40 * USDT
    assert states_told(row).count(("sent", "paid")) == 1
