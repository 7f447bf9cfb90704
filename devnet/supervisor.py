"""Keeps the processes of one `make run` alive, and ends them together."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from devnet.processes import Child, ServiceError, end_session

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 20.0  # who ran this long starts again without a pause
LOOK_SECONDS = 0.25


@dataclass
class Watched:
    """A child, how to start it again, and how long to wait before the next try."""

    child: Child
    restart: Callable[[], None]
    started_at: float
    pause: float
    due_at: float | None = None


class Stop(Exception):
    """Somebody asked us to end."""


class Supervisor:
    """Watches children in the order in which they were added; ends them in the reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.watched: list[Watched] = []
        self._asked = 0

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Ctrl-C, SIGTERM and a closed terminal end the run in good order; a second one at once."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1
        if self._asked == 1:
            raise Stop
        for each in self.watched:
            if each.child.process is not None:
                each.child.kill()

    def add(self, child: Child, restart: Callable[[], None] | None = None) -> None:
        """Watches a started child. `restart` starts it again; by default it is simply spawned."""
        now = time.monotonic()
        self.watched.append(
            Watched(child=child, restart=restart or child.spawn, started_at=now, pause=FIRST_PAUSE_SECONDS)
        )

    def pids(self) -> dict[str, int]:
        return {each.child.name: each.child.pid for each in self.watched}

    def watch(self, on_change: Callable[[], None]) -> None:
        """Until `Stop`: starts again whatever ended, after a pause that grows while it keeps ending."""
        while True:
            if self.look():
                on_change()
            time.sleep(LOOK_SECONDS)

    def look(self) -> bool:
        """One look at every child; True when one was started again."""
        started = [each for each in self.watched if self._look_after(each)]
        return bool(started)

    def _look_after(self, each: Watched) -> bool:
        """True when the child was started again."""
        if each.child.running():
            return False
        now = time.monotonic()
        if each.due_at is None:
            steady = now - each.started_at > STEADY_SECONDS
            each.pause = FIRST_PAUSE_SECONDS if steady else min(each.pause * 2, LONGEST_PAUSE_SECONDS)
            each.due_at = now + (0 if steady else each.pause)
            self.say(f"{each.child.name} ended ({describe(each.child)}); starting it again, log: {each.child.log}")
        if now < each.due_at:
            return False
        end_session(each.child.pid)  # what it started itself may still hold its port or its socket
        each.due_at = None
        each.started_at = now
        try:
            each.restart()
        except ServiceError as error:
            self.say(f"{each.child.name} does not come up: {error}")
        return True

    def stop(self) -> None:
        """Ends every child: the product's processes side by side, then what they depend on, one by one."""
        product = [each.child for each in self.watched if each.child.name.startswith(PRODUCT)]
        for child in product:
            child.ask_to_stop()
        for child in product:
            child.stop(seconds=8)
        for each in reversed(self.watched):
            if each.child not in product:
                each.child.stop(seconds=15)


PRODUCT = ("web", "worker", "signer", "beat", "devnet")


def describe(child: Child) -> str:
    """How a child ended, in words."""
    code = child.process.returncode if child.process else None
    if code is None:
        return "not started"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
