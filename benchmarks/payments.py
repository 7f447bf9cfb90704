"""500 withdrawals from one hot wallet: approved, to accepted by the node.

Ours goes the product's whole way: engine, orders with evidence, nonces, the signer's process with its checks and caps,
bytes stored durably before they are sent; a real worker, a real signer, a real broker. The peers store nothing: web3.py
in a plain loop, and bytes that were signed beforehand, sent one after the other. The goal is the smaller of twice the
first and 0.8 of the second.
"""

from __future__ import annotations

import itertools
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks._payments_client import APPROVER
from benchmarks.support import Bench, Database
from devnet import networks, node
from devnet.anvil import ARBITRUM, Anvil, free_port
from devnet.contracts.deploy import Deployer
from devnet.processes import Child, wait_until
from devnet.valkey import ValkeyServer
from treasury.keys.keystore import KeystoreFile

PAYMENTS = 500
PASSPHRASE = "only for the benchmarks"
WORKER = (
    "-m", "celery", "-A", "portal.celery", "worker", "--pool", "threads", "--without-gossip", "--without-mingle",
    "--without-heartbeat", "--loglevel", "INFO",
)  # fmt: skip
_runs = itertools.count(1)


def next_run() -> str:
    """A label of its own for each run."""
    return f"run{next(_runs)}"


def run(bench: Bench) -> None:
    with_product = Paying(bench)
    try:
        with_product.start()
        rates = bench.alternate(
            product=with_product.product, web3_loop=with_product.web3_loop, raw_sends=with_product.raw_sends
        )
    finally:
        with_product.stop()
    goal = min(2 * rates["web3_loop"], 0.8 * rates["raw_sends"])
    bench.note(f"2 x web3_loop = {2 * rates['web3_loop']:.0f}, 0.8 x raw_sends = {0.8 * rates['raw_sends']:.0f}")
    bench.compare(
        "payments",
        vs="min(2x_web3_loop,0.8x_raw_sends)",
        ours=rates["product"],
        baseline=goal,
        unit="payments/s",
        at_least=1,
    )


@dataclass
class Paying:
    """The product's processes on a durable database, and a local chain that mines each second."""

    bench: Bench
    name = "payments"

    @cached_property
    def database(self) -> Database:
        return self.bench.database(self.name, migrate=())

    def start_chain(self) -> dict[str, dict[str, Any]]:
        """Starts the node; returns the settings of its network."""
        node.install()
        self.chain = Anvil(ARBITRUM, port=free_port(), log=self.bench.folder / "anvil.log", block_seconds=1)
        self.chain.start()
        self.token = Deployer(self.chain.url).deploy("TetherLike")
        return {"arbitrum": networks.network(ARBITRUM, rpc_urls=[self.chain.url], token=self.token)}

    def stop_chain(self) -> None:
        self.chain.stop()

    def start(self) -> None:
        folder = self.bench.folder / self.name
        folder.mkdir()
        self.valkey = ValkeyServer(state=folder, durable=True)
        self.valkey.spawn()
        self.valkey.wait()
        networks.write(folder / "networks.toml", self.start_chain())
        keystore = KeystoreFile(folder / "signer" / "keystore.json")
        keystore.create(PASSPHRASE)
        self.environment = self.database.environment | {
            "REDIS_URL": self.valkey.cache_url(0),
            "CELERY_BROKER_URL": self.valkey.broker_url(1),
            "NETWORKS_FILE": str(folder / "networks.toml"),
            "ADDRESS_POOL_PUBLIC_KEY": keystore.pool_public_key(),
        }
        signer = self.environment | {
            "DJANGO_SETTINGS_MODULE": "portal.settings.signer",
            "SIGNER_DATABASE_URL": self.database.url("signer"),
            "SIGNER_KEYSTORE_FILE": str(keystore.path),
            "SIGNER_PASSPHRASE": PASSPHRASE,
            "SIGNER_DAILY_CAP_MICRO": str(10**15),
        }
        self._manage("prepare_signer", signer)
        self.bench.clients(self.client("fund"), count=1, env=self.environment)
        self._manage("trust_approver", signer, APPROVER, "--without-asking")
        self.children = [
            self._spawn("signer", *WORKER, "-c", "1", "-Q", "signer", "-n", "signer@bench", env=signer),
            self._spawn("worker", *WORKER, "-c", "4", "-Q", "default", "-n", "worker@bench", env=self.environment),
        ]
        for child in self.children:
            wait_until(lambda child=child: " ready." in child.last_words(200), what=child.name, child=child, seconds=60)

    def stop(self) -> None:
        for child in [*getattr(self, "children", []), self.valkey.child]:
            if child is not None:
                child.kill()
        self.stop_chain()

    # --- contestants ------------------------------------------------------------------------------------------------

    def product(self) -> float:
        """From the wish of the engine's task, as approving sends it, to the last transaction in the node's pool."""
        return self.bench.rate(self.client("pay"), count=1, env=self.environment)

    def web3_loop(self) -> float:
        """web3.py: build, sign, send, one after the other; nothing is stored."""
        return self._peer("loop")

    def raw_sends(self) -> float:
        """eth_sendRawTransaction of bytes signed before, one request each over one connection."""
        return self._peer("raw")

    def _peer(self, how: str) -> float:
        here = Path(__file__).parent / "_payments_peers.py"
        command = [sys.executable, str(here), how, self.chain.url, self.token, str(PAYMENTS), os.urandom(32).hex()]
        return self.bench.rate(command, count=1, env=self.environment | {"PYTHONPATH": str(here.parent.parent)})

    # --- processes --------------------------------------------------------------------------------------------------

    def client(self, what: str) -> list[str]:
        return [sys.executable, "-m", "benchmarks._payments_client", what, str(PAYMENTS), next_run()]

    def _manage(self, command: str, environment: dict[str, str], *arguments: str) -> None:
        child = self._spawn(command, "manage.py", command, *arguments, env=environment)
        wait_until(lambda: not child.running(), what=command, seconds=60)

    def _spawn(self, name: str, *command: str, env: dict[str, str]) -> Child:
        child = Child(
            name=name, command=[sys.executable, *command], log=self.bench.folder / self.name / f"{name}.log", env=env,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        child.spawn()
        return child
