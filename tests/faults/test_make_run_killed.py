"""kill -9 of the running product, as `make run` runs it: of everything but the chains, and of the chains too."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import psutil
import psycopg
import pytest

from devnet.anvil import rpc
from devnet.environment import DATABASE
from devnet.places import ROOT
from devnet.processes import remembered
from devnet.run import digest_of_migrations
from devnet.state import State, write_private
from tests.journeys.demo import Demo, fresh_address, until
from tests.support.cluster import TEMPLATE, kept_secrets, start_copy

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(480)]
FIRST_MICRO = 2_000_000
PAYMENTS = 8


class Killed(Demo):
    """A demo without history, whose processes can be killed. Its database is migrated already, to save time."""

    def __init__(self) -> None:
        super().__init__(seed="people", chains_outlive=True)
        self.run = State(folder=self.state)
        self.run.lock()
        secrets = replace(self.run.secrets(), superuser=kept_secrets().superuser)
        write_private(self.run.folder / "secrets.json", json.dumps(asdict(secrets)))
        server, _ = start_copy(self.run.folder)
        with server.connect() as connection:
            connection.execute(f"ALTER DATABASE {TEMPLATE} RENAME TO {DATABASE}")
        server.stop()
        self.run.mark_done("migrated", digest_of_migrations())
        self.run.unlock()

    def start(self) -> None:
        self.run.run_file.unlink(missing_ok=True)  # a killed run leaves its own behind
        super().start()

    def act(self, command: str, *arguments: str) -> Any:
        """One of tests/support/demo_actions.py, in a process with the web's environment."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.demo_actions", command, *arguments], cwd=ROOT, check=False,
            env=self.facts["environment"], capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def height(self, code: str) -> int:
        return int(rpc(self.facts["rpc_urls"][code], "eth_blockNumber"), 16)

    def states(self) -> dict[str, str]:
        with psycopg.connect(self.facts["database_url"]) as connection:
            return dict(connection.execute("SELECT address, state FROM payouts_withdrawalrequest").fetchall())

    def kill_product(self) -> None:
        """SIGKILL to the supervisor and to every process of its that is not a chain, all at once."""
        names = [path.stem for path in self.run.pid_files() if not path.stem.startswith("anvil-")]
        self._kill(*names)
        assert {"web", "worker", "signer", "beat", "postgres", "valkey"} <= set(names)

    def kill_everything(self) -> None:
        self._kill(*(path.stem for path in self.run.pid_files()))

    def _kill(self, *names: str) -> None:
        found = [process for name in names if (process := remembered(self.run.pid_file(name)))]
        assert self.process is not None
        for pid in [self.process.pid, *(process.pid for process in found)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        psutil.wait_procs(found, timeout=10)


@pytest.fixture
def demo() -> Iterator[Killed]:
    demo = Killed()
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()


def test_killed_in_the_middle_of_payments_each_is_made_once_even_when_a_chain_forgets_one(demo: Killed) -> None:
    demo.act("fund", "arbitrum", "1000")
    recipients = [fresh_address() for _ in range(PAYMENTS)]
    demo.act("withdraw", "arbitrum", str(FIRST_MICRO), *recipients)
    until(lambda: "sent" in demo.states().values(), what="the first payment on its way", seconds=60)
    chain = remembered(demo.run.pid_file("anvil-arbitrum"))
    demo.kill_product()
    assert chain is not None
    assert chain.is_running()
    assert demo.run.run_file.exists(), "nobody was asked to end"

    demo.start()
    assert remembered(demo.run.pid_file("anvil-arbitrum")) == chain, "the chain that lived on was taken over"
    everybody_was_paid_once(demo, recipients)

    # The whole tree at once, with a chain that comes back without its last blocks: one more payment was in them.
    file = demo.state / "chains" / "arbitrum.json"
    height = demo.height("arbitrum")
    until(lambda: saved_height(demo, "arbitrum") > height, what="the payments' blocks on disk")
    shutil.copy(file, file.with_suffix(".past"))
    forgotten = fresh_address()
    demo.act("withdraw", "arbitrum", str(FIRST_MICRO), forgotten)
    until(lambda: demo.states()[forgotten] == "paid", what="the last payment", seconds=90)
    demo.kill_everything()
    shutil.copy(file.with_suffix(".past"), file)

    demo.start()
    until(lambda: bool(demo.act("alarms")), what="an alarm", seconds=90)
    everybody_was_paid_once(demo, recipients)
    assert demo.token_balance_raw("arbitrum", forgotten) in {0, FIRST_MICRO}


def everybody_was_paid_once(demo: Killed, recipients: list[str]) -> None:
    until(lambda: set(demo.states().values()) == {"paid"}, what="all payments", seconds=120)
    paid = [demo.token_balance_raw("arbitrum", each) for each in recipients]
    assert paid == [FIRST_MICRO + number for number in range(PAYMENTS)]
    assert demo.act("check_ledger") == "clean"


def saved_height(demo: Killed, code: str) -> int:
    """The chain's height in the state file, 0 while there is none or it is being written."""
    try:
        return int(json.loads((demo.state / "chains" / f"{code}.json").read_bytes())["best_block_number"])
    except (FileNotFoundError, ValueError):
        return 0
