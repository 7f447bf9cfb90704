"""Several real processes that post to the ledger at the same moment, each on its own connection, with real commits.

Run as a program it is the crowd: it forks its members once, and then has them work through one plan after another, each
on the database that the plan names.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
DONE = "done"

Op = Sequence[Sequence[Any]]  # the postings of one `post`: each (key, debit, credit, amount)


class Crowd:
    """The test's side. `work` gives each member its list of operations and returns what became of each."""

    database = ""

    def __init__(self, *, size: int, env: Mapping[str, str]) -> None:
        self.size = size
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.treasury.ledger.crowd", str(size)],
            cwd=ROOT, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def work(self, plans: Sequence[Sequence[Op]]) -> list[list[str]]:
        """Outcomes of each member's operations: "done", or the name of the error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        padded = [*plans, *([[]] * (self.size - len(plans)))]
        self.process.stdin.write(json.dumps([self.database, padded]) + "\n")
        self.process.stdin.flush()
        outcomes: list[list[str]] = json.loads(self.process.stdout.readline())
        return outcomes[: len(plans)]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


def _outcome(operation: Op) -> str:
    from treasury.ledger import LedgerError, Posting, post

    try:
        post(*[Posting(key, debit, credit, amount, "test") for key, debit, credit, amount in operation])
    except LedgerError as refused:
        return type(refused).__name__
    return DONE


def _use(database: str) -> None:
    from django.db import connection

    if connection.settings_dict["NAME"] != database:
        connection.close()  # the one before may be gone already
        connection.settings_dict["NAME"] = database
    connection.ensure_connection()


def _member(pipe: Connection, start: Barrier) -> None:
    while (task := pipe.recv()) is not None:
        database, plan = task
        _use(database)
        start.wait()
        pipe.send([_outcome(operation) for operation in plan])


def main(size: int) -> None:
    import django

    django.setup()
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(size)
    pipes = []
    for _ in range(size):
        ours, theirs = fork.Pipe()
        fork.Process(target=_member, args=(theirs, start), daemon=True).start()
        pipes.append(ours)
    for line in sys.stdin:
        database, plans = json.loads(line)
        for pipe, plan in zip(pipes, plans, strict=True):
            pipe.send((database, plan))
        print(json.dumps([pipe.recv() for pipe in pipes]), flush=True)  # noqa: T201  # the protocol
    for pipe in pipes:
        pipe.send(None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
