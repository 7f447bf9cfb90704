"""The local TRON node as a child process: start, stop, ask, and drive it by its control port."""

from __future__ import annotations

import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devnet.places import ROOT
from devnet.processes import Child, ServiceError, wait_until


class TronNode:
    """One node. `block_ms` 0 makes blocks only on demand; with `state` the chain outlives the process."""

    def __init__(
        self,
        *,
        port: int,
        control_port: int,
        log: Path,
        block_ms: int = 3_000,
        solid_lag: int = 18,
        state: Path | None = None,
        seed: str | None = None,
        name: str = "exchequer-local",
    ) -> None:
        self.port = port
        self.control_port = control_port
        self.log = log
        self.block_ms = block_ms
        self.solid_lag = solid_lag
        self.state = state
        self.seed = seed
        self.name = name
        self.child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def honest_url(self) -> str:
        """The same chain, told without the faults and lies that are switched on."""
        return f"{self.url}/honest"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    def command(self) -> list[str]:
        command = [
            sys.executable, "-m", "devnet.tron", "--port", str(self.port), "--control-port", str(self.control_port),
            "--block-ms", str(self.block_ms), "--solid-lag", str(self.solid_lag), "--name", self.name,
        ]  # fmt: skip
        if self.state is not None:
            command += ["--state", str(self.state)]
        if self.seed is not None:
            command += ["--seed", self.seed]
        return command

    def spawn(
        self, *, env: Mapping[str, str] | None = None, pid_file: Path | None = None, outlives: bool = False
    ) -> None:
        """Starts the node without waiting for it. Main thread only. `outlives`: it goes on when we are gone."""
        self.child = self.child or Child(
            name="tron",
            command=self.command(),
            log=self.log,
            env=env,
            cwd=ROOT,
            pid_file=pid_file,
            stop_signal=signal.SIGTERM,
            orphan_signal=None if outlives else signal.SIGTERM,
        )
        self.child.spawn()

    def wait(self, *, seconds: float = 30.0) -> None:
        wait_until(self.answers, what="TRON's local node", child=self.child, seconds=seconds)

    def start(self) -> None:
        self.spawn()
        self.wait()

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def answers(self) -> bool:
        """Whether this very network answers at the port."""
        try:
            return bool(self.control("status")["name"] == self.name)
        except (OSError, ServiceError, ValueError, KeyError):
            return False

    def ask(self, path: str, *, timeout: float = 10.0, **params: Any) -> Any:
        """One question to the API, as clients ask it: `ask("wallet/getnowblock")`."""
        return ask_node(f"{self.url}/{path.lstrip('/')}", params, seconds=timeout)

    def control(self, command: str, *, timeout: float = 60.0, **given: Any) -> Any:
        """One control command; raises `ServiceError` with what the node says is wrong."""
        return ask_node(f"{self.control_url}/{command}", given, seconds=timeout)

    @property
    def height(self) -> int:
        return int(self.control("status")["height"])

    @property
    def token(self) -> str:
        """The token's address, base58."""
        return str(self.control("status")["token"])

    def mine(self, blocks: int = 1, *, seconds: float | None = None) -> int:
        """Makes blocks, each `seconds` after the last one if that is given; returns the height."""
        given = {"blocks": blocks} | ({"seconds": seconds} if seconds is not None else {})
        return int(self.control("mine", **given)["height"])

    def fund(self, address: str, amount_sun: int, *, mine: bool = True) -> str:
        """TRX for an address; returns the transaction's id."""
        return str(self.control("fund", address=address, amount=amount_sun, mine=mine)["txids"][-1])

    def mint(self, address: str, amount_units: int, *, mine: bool = True) -> str:
        """New tokens for an address, in the smallest unit; returns the id of the transfer."""
        return str(self.control("mint", address=address, amount=amount_units, mine=mine)["txids"][-1])

    def reorg(self, depth: int, *, then: str = "pool", **given: Any) -> Sequence[str]:
        """Replaces the newest blocks; `then`: pool, drop or shuffle what was in them. Returns those ids."""
        return list(self.control("reorg", depth=depth, then=then, **given)["txids"])


def ask_node(url: str, given: Mapping[str, Any], *, seconds: float = 30.0) -> Any:
    """One POST with a JSON answer. Raises ServiceError with what the node says is wrong, OSError without an answer."""
    body = json.dumps(given).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise ServiceError(f"{url}: {error.code} {error.read().decode(errors='replace')}") from error
