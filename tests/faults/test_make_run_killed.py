"""kill -9 of the running product, as `make run` runs it: of everything but the chains, and of the chains too."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import psutil
import psycopg
import pytest

from devnet import networks
from devnet.anvil import rpc
from devnet.places import ROOT
from devnet.processes import remembered, wait_until
from devnet.services import process_name
from devnet.state import State
from tests.journeys.demo import Demo, fresh_address, until

pytestmark = [pytest.mark.faults, pytest.mark.demo, pytest.mark.timeout(900)]
FIRST_MICRO = 2_000_000
PAYMENTS = 8


class Victim:
    """The demo, whose processes are killed."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.run = State(folder=demo.state)

    def act(self, command: str, *arguments: str) -> Any:
        """One of tests/support/demo_actions.py, in a process with the web's environment."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.demo_actions", command, *arguments], cwd=ROOT, check=False,
            env=self.demo.facts["environment"], capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def height(self, code: str) -> int:
        return int(rpc(self.demo.facts["rpc_urls"][code], "eth_blockNumber"), 16)

    def states(self, recipients: Sequence[str]) -> set[str]:
        """In which states the withdrawals to those addresses are."""
        with psycopg.connect(self.demo.facts["database_url"]) as connection:
            found = connection.execute(
                "SELECT state FROM payouts_withdrawalrequest WHERE address = ANY(%s)", [list(recipients)]
            ).fetchall()
        assert len(found) == len(recipients)
        return {state for (state,) in found}

    def kill_product(self) -> None:
        """SIGKILL to the supervisor and to every process of its that is not a chain, all at once."""
        chains = {process_name(code) for code in networks.CODES}
        names = [path.stem for path in self.run.pid_files() if path.stem not in chains]
        self._kill(*names)
        assert {"web", "worker", "signer", "beat", "postgres", "valkey"} <= set(names)

    def kill_everything(self) -> None:
        self._kill(*(path.stem for path in self.run.pid_files()))

    def _kill(self, *names: str) -> None:
        found = [process for name in names if (process := remembered(self.run.pid_file(name)))]
        for pid in [self.demo.child.pid, *(process.pid for process in found)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.demo.child.running(), what="the supervisor's death")
        psutil.wait_procs(found, timeout=10)


@pytest.fixture
def victim(demo: Demo) -> Victim:
    demo.spoilt = True
    return Victim(demo)


def test_killed_in_the_middle_of_payments_each_is_made_once_even_when_a_chain_forgets_one(victim: Victim) -> None:
    recipients = [fresh_address() for _ in range(PAYMENTS)]
    victim.act("withdraw", "arbitrum", str(FIRST_MICRO), *recipients)
    until(lambda: victim.states(recipients) & {"sent", "paid"}, what="the first payment on its way", seconds=180)
    chain = remembered(victim.run.pid_file("anvil-arbitrum"))
    victim.kill_product()
    assert chain is not None
    assert chain.is_running()
    assert victim.run.run_file.exists(), "nobody was asked to end"

    victim.demo.start()
    assert remembered(victim.run.pid_file("anvil-arbitrum")) == chain, "the chain that lived on was taken over"
    everybody_was_paid_once(victim, recipients)

    # The whole tree at once, with a chain that comes back without its last blocks: one more payment was in them.
    file = victim.demo.state / "chains" / "arbitrum.json"
    height = victim.height("arbitrum")
    until(lambda: saved_height(victim, "arbitrum") > height, what="the payments' blocks on disk")
    shutil.copy(file, file.with_suffix(".past"))
    forgotten = fresh_address()
    victim.act("withdraw", "arbitrum", str(FIRST_MICRO), forgotten)
    until(lambda: victim.states([forgotten]) == {"paid"}, what="the last payment", seconds=180)
    victim.kill_everything()
    shutil.copy(file.with_suffix(".past"), file)

    victim.demo.start()
    until(lambda: bool(victim.act("alarms")), what="an alarm", seconds=180)
    everybody_was_paid_once(victim, recipients)
    assert victim.demo.token_balance_raw("arbitrum", forgotten) in {0, FIRST_MICRO}


def everybody_was_paid_once(victim: Victim, recipients: list[str]) -> None:
    until(lambda: victim.states(recipients) == {"paid"}, what="all payments", seconds=240)
    paid = [victim.demo.token_balance_raw("arbitrum", each) for each in recipients]
    assert paid == [FIRST_MICRO + number for number in range(PAYMENTS)]
    assert victim.act("check_ledger") == "clean"


def saved_height(victim: Victim, code: str) -> int:
    """The chain's height in the state file, 0 while there is none or it is being written."""
    try:
        return int(json.loads((victim.demo.state / "chains" / f"{code}.json").read_bytes())["best_block_number"])
    except (FileNotFoundError, ValueError):
        return 0
