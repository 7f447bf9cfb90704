"""Local EVM chains: one anvil process per network, with that network's fee behaviour and a local chain id."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devnet import node
from devnet.processes import Child, ServiceError, wait_until


@dataclass(frozen=True)
class Chain:
    """What makes a local node behave like a network. `base_fee_wei` is the first block's."""

    code: str
    name: str
    chain_id: int
    native_symbol: str
    base_fee_wei: int
    token: str  # name of the contract artefact
    token_decimals: int

    def fee_arguments(self) -> list[str]:
        if self.base_fee_wei == 0:  # BNB Smart Chain: no base fee at all, the tip alone pays
            return ["--block-base-fee-per-gas", "0", "--disable-min-priority-fee", "--gas-limit", "140000000"]
        return ["--block-base-fee-per-gas", str(self.base_fee_wei)]


# Chain ids of nobody, so that a signature for a local chain is worth nothing on a real one.
ARBITRUM = Chain("arbitrum", "Arbitrum One", 421337, "ETH", 10_000_000, "TetherLike", 6)
BSC = Chain("bsc", "BNB Smart Chain", 561337, "BNB", 0, "BinancePegLike", 18)
CHAINS = {chain.code: chain for chain in (ARBITRUM, BSC)}


class Anvil:
    """One node. `block_seconds=None` mines each transaction at once, otherwise a block each so many seconds.

    With `state_file` the chain outlives the process: it is written every `state_interval` seconds and when it ends.
    `history_blocks` limits how far back a reorg or a question about an earlier state may go. A state that is kept grows
    with the chain's height: with all of them kept (as by --preserve-historical-states) a day of blocks takes gigabytes.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        port: int,
        log: Path,
        block_seconds: float | None = None,
        state_file: Path | None = None,
        state_interval: int = 5,
        history_blocks: int = 128,
    ) -> None:
        self.chain = chain
        self.port = port
        self.log = log
        self.block_seconds = block_seconds
        self.state_file = state_file
        self.state_interval = state_interval
        self.history_blocks = history_blocks
        self.child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        command = [
            str(node.anvil_program()), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id",
            str(self.chain.chain_id), "--hardfork", "cancun", "--slots-in-an-epoch", "1", "--accounts", "10",
            "--prune-history", str(self.history_blocks), "--quiet", *self.chain.fee_arguments(),
        ]  # fmt: skip
        if self.block_seconds is not None:
            command += ["--block-time", f"{self.block_seconds:g}"]
        if self.state_file is not None:
            command += ["--state", str(self.state_file), "--state-interval", str(self.state_interval)]
        return command

    def spawn(
        self, *, env: Mapping[str, str] | None = None, pid_file: Path | None = None, outlives: bool = False
    ) -> None:
        """Starts the node without waiting for it. Main thread only. `outlives`: it goes on when we are gone."""
        self._check_state_file()
        self.child = self.child or self._child(env, pid_file, outlives=outlives)
        self.child.spawn()

    def _child(self, env: Mapping[str, str] | None, pid_file: Path | None, *, outlives: bool) -> Child:
        return Child(
            name=f"anvil-{self.chain.code}",
            command=self.command(),
            log=self.log,
            env=env,
            pid_file=pid_file,
            stop_signal=signal.SIGINT,
            orphan_signal=None if outlives else signal.SIGINT,  # it writes its state on the way out
        )

    def _check_state_file(self) -> None:
        """Puts a state file aside that a kill cut short; anvil would refuse to start with it."""
        if self.state_file is None or not self.state_file.exists():
            return
        try:
            json.loads(self.state_file.read_bytes())
        except ValueError:
            self.state_file.replace(self.state_file.with_suffix(".broken"))

    def wait(self, *, seconds: float = 30.0) -> None:
        wait_until(self.answers, what=f"{self.chain.name}'s local node", child=self.child, seconds=seconds)

    def start(self) -> None:
        self.spawn()
        self.wait()

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def answers(self) -> bool:
        """Whether this very chain answers at the port."""
        try:
            return int(self.call("eth_chainId"), 16) == self.chain.chain_id
        except (OSError, ServiceError, ValueError):
            return False

    def call(self, method: str, *params: Any, seconds: float = 10.0) -> Any:
        """One JSON-RPC call; raises `ServiceError` for the node's error and OSError when it cannot be reached."""
        return rpc(self.url, method, *params, seconds=seconds)

    def mine(self, blocks: int = 1) -> None:
        self.call("anvil_mine", hex(blocks), seconds=60)

    @property
    def height(self) -> int:
        return int(self.call("eth_blockNumber"), 16)


def rpc(url: str, method: str, *params: Any, seconds: float = 10.0) -> Any:
    """One JSON-RPC call to a local node."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=seconds) as response:
        answer = json.load(response)
    if "error" in answer:
        raise ServiceError(f"{method}: {answer['error']}")
    return answer["result"]


PORTS = range(16_000, 32_768)
"""Below those that Linux gives to outgoing connections: one of them could take the port before its server is there."""
PORTS_VARIABLE = "EXCHEQUER_PORTS"
"""Names a part of them, as in "16000-17999": processes that start at once and use parts of their own never clash."""
_given: set[int] = set()
_dice = random.SystemRandom()  # a seed would give the same ports to each process


def ports_to_give() -> range:
    """All of PORTS, or the part of them that the environment names."""
    first, _, last = os.environ.get(PORTS_VARIABLE, "").partition("-")
    return range(int(first), int(last) + 1) if last else PORTS


def free_port(preferred: int | None = None, *, among: range | None = None) -> int:
    """A TCP port of this machine that nobody listens on, never twice the same: `preferred` if it is free, else any."""
    among = among or ports_to_give()
    candidates = [*([] if preferred is None else [preferred]), *_dice.sample(among, min(100, len(among)))]
    for port in candidates:
        if port in _given and port != preferred:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise ServiceError("no free port")
