"""The services of one `make run`: PostgreSQL, Valkey and the two local chains, started as far as possible at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from devnet import networks, node
from devnet.anvil import CHAINS, Anvil
from devnet.postgres import PostgresServer
from devnet.processes import remembered
from devnet.state import Secrets, State
from devnet.supervisor import Supervisor
from devnet.valkey import ValkeyServer

BLOCK_SECONDS = 1.0


class Services:
    """Made from a locked state. `chains_outlive`: the chains go on when we end, and are taken over by the next run."""

    def __init__(self, state: State, secrets: Secrets, supervisor: Supervisor, *, chains_outlive: bool) -> None:
        self.state = state
        self.supervisor = supervisor
        self.chains_outlive = chains_outlive
        self.postgres = PostgresServer(state=state.folder, password=secrets.superuser)
        self.valkey = ValkeyServer(state=state.folder)
        self.chains: dict[str, Anvil] = {}
        self.adopted = self._living_chains() if chains_outlive else set()
        (state.folder / "chains").mkdir(exist_ok=True)

    def _living_chains(self) -> set[str]:
        """Codes of the chains of an earlier run that still answer at their ports."""
        known = self.state.known_ports()
        return {
            code
            for code, chain in CHAINS.items()
            if code in known
            and remembered(self.state.pid_file(f"anvil-{code}"))
            and Anvil(chain, port=known[code], log=self.state.logs / f"anvil-{code}.log").answers()
        }

    def use_ports(self, ports: dict[str, int]) -> None:
        """Settles where the chains listen, and writes the networks file."""
        for code, chain in CHAINS.items():
            self.chains[code] = Anvil(
                chain,
                port=ports[code],
                log=self.state.logs / f"anvil-{code}.log",
                block_seconds=BLOCK_SECONDS,
                state_file=self.state.folder / "chains" / f"{code}.json",
                history_blocks=32,  # such a chain may run for weeks
            )
        made = {code: networks.network(anvil.chain, rpc_urls=[anvil.url]) for code, anvil in self.chains.items()}
        networks.write(self.state.networks_file, made)

    def start(self, env: dict[str, str]) -> None:
        """Returns once all of them answer. Preparation runs in threads; processes are started from this thread only."""
        with ThreadPoolExecutor() as pool:
            cluster = pool.submit(self.postgres.prepare)
            programs = pool.submit(node.install)
            self.valkey.spawn(env=env, pid_file=self.state.pid_file("valkey"))
            cluster.result()
            self.postgres.spawn(env=env, pid_file=self.state.pid_file("postgres"))
            programs.result()
        self._watch(self.postgres, self._restart_postgres)
        self._watch(self.valkey, self.valkey.spawn)
        self._start_chains(env)
        self.valkey.wait()
        self.postgres.wait()
        for anvil in self.chains.values():
            anvil.wait()
            _deploy_token(anvil)

    def _start_chains(self, env: dict[str, str]) -> None:
        for code, anvil in self.chains.items():
            if code in self.adopted:
                continue
            anvil.spawn(env=env, pid_file=self.state.pid_file(f"anvil-{code}"), outlives=self.chains_outlive)
            if not self.chains_outlive:
                self._watch(anvil, anvil.spawn)

    def _watch(self, service: PostgresServer | ValkeyServer | Anvil, restart: Callable[[], None]) -> None:
        if service.child:
            self.supervisor.add(service.child, restart)

    def _restart_postgres(self) -> None:
        self.postgres.spawn()
        self.postgres.wait()


def _deploy_token(anvil: Anvil) -> None:
    """The token, with the deployer's first transaction; it is there already when the chain has a past."""
    from devnet.contracts.deploy import Deployer  # imports web3, which takes longer than the chain's start

    if anvil.call("eth_getCode", networks.TOKEN_ADDRESS, "latest") != "0x":
        return
    made = Deployer(anvil.url).deploy(anvil.chain.token)
    if made.lower() != networks.TOKEN_ADDRESS.lower():
        raise RuntimeError(f"{anvil.chain.name}: the token stands at {made}, the networks file says otherwise")


def chains_outlive() -> bool:
    """Whether the local chains go on when the supervisor ends: for tests that kill everything but the chains."""
    return os.environ.get("EXCHEQUER_CHAINS_OUTLIVE") == "1"
