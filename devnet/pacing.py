"""Slows an idle local chain down, so that a demo left running for weeks does not grow a block each second."""

from __future__ import annotations

import threading
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from devnet.anvil import rpc
from devnet.processes import ServiceError

BUSY_SECONDS = 1
IDLE_SECONDS = 15
IDLE_AFTER_SECONDS = 60.0
LOOK_SECONDS = 0.5


@dataclass
class Pace:
    """How fast one chain makes blocks now, and why."""

    url: str
    seconds: int | None = None
    seen_block: int = 0
    busy_at: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Speeds the chain up while transactions wait or were mined lately, slows it down afterwards."""
        if self._is_used():
            self.busy_at = time.monotonic()
        wanted = BUSY_SECONDS if time.monotonic() - self.busy_at < IDLE_AFTER_SECONDS else IDLE_SECONDS
        if wanted != self.seconds:
            rpc(self.url, "evm_setIntervalMining", wanted)
            self.seconds = wanted

    def _is_used(self) -> bool:
        pool = rpc(self.url, "txpool_status")
        if int(pool["pending"], 16) or int(pool["queued"], 16):
            return True
        block = rpc(self.url, "eth_getBlockByNumber", "latest", False)
        number, before = int(block["number"], 16), self.seen_block
        self.seen_block = number
        if number > before + 1 and before:
            return True  # somebody mines by hand
        return number != before and bool(block["transactions"])


def keep(networks_file: Path) -> None:
    """Looks after every chain of the networks file, for ever."""
    paces: dict[str, Pace] = {}
    while True:
        for code, facts in tomllib.loads(networks_file.read_text(encoding="utf-8")).items():
            if facts["family"] != "evm":
                continue
            pace = paces.setdefault(code, Pace(facts["rpc_urls"][0]))
            try:
                pace.look()
            except (OSError, ServiceError, ValueError):
                pace.seconds = None  # it is away; once it is back it has to be told again
        time.sleep(LOOK_SECONDS)


def start(networks_file: Path) -> None:
    threading.Thread(target=keep, args=[networks_file], daemon=True, name="pacing").start()
