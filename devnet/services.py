"""The services of one `make run`: PostgreSQL, Valkey and the three local chains, started as far as possible at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from devnet import networks, node
from devnet.anvil import CHAINS, Anvil
from devnet.postgres import PostgresServer
from devnet.processes import remembered
from devnet.state import TRON_CONTROL, Secrets, State
from devnet.supervisor import Supervisor
from devnet.tron.server import TronNode
from devnet.valkey import ValkeyServer

BLOCK_SECONDS = 1.0
USDT_ENERGY_FACTOR = 34_000  # a transfer of real USDT costs 4.4 times its base: fees look as they do in earnest
TRON_BLOCK_MS = 500  # instead of 3 s: nobody waits a minute for what is solid 18 blocks later


class Services:
    """Made from a locked state. `chains_outlive`: the chains go on when we end, and are taken over by the next run."""

    def __init__(self, state: State, secrets: Secrets, supervisor: Supervisor, *, chains_outlive: bool) -> None:
        self.state = state
        self.supervisor = supervisor
        self.chains_outlive = chains_outlive
        self.postgres = PostgresServer(state=state.folder, password=secrets.superuser)
        self.valkey = ValkeyServer(state=state.folder)
        self.chains: dict[str, Anvil | TronNode] = {}
        self.adopted = self._living_chains() if chains_outlive else set()
        (state.folder / "chains").mkdir(exist_ok=True)

    def _living_chains(self) -> set[str]:
        """Codes of the chains of an earlier run that still answer at their ports."""
        known = self.state.known_ports()
        return {
            code
            for code in networks.CODES
            if code in known
            and remembered(self.state.pid_file(process_name(code)))
            and self._node(code, known).answers()
        }

    def use_ports(self, ports: dict[str, int]) -> None:
        """Settles where the chains listen, and writes the networks file."""
        self.chains = {code: self._node(code, ports) for code in networks.CODES}
        made = {code: networks.of(code, rpc_urls=[node.url]) for code, node in self.chains.items()}
        networks.write(self.state.networks_file, made)

    def _node(self, code: str, ports: Mapping[str, int]) -> Anvil | TronNode:
        log = self.state.logs / f"{process_name(code)}.log"
        if code == networks.TRON:
            return TronNode(
                port=ports[code],
                control_port=ports[TRON_CONTROL],
                log=log,
                block_ms=TRON_BLOCK_MS,
                state=self.state.folder / "chains" / code,
            )
        return Anvil(
            CHAINS[code],
            port=ports[code],
            log=log,
            block_seconds=BLOCK_SECONDS,
            state_file=self.state.folder / "chains" / f"{code}.json",
            history_blocks=32,  # such a chain may run for weeks
        )

    @property
    def tron(self) -> TronNode:
        """TRON's node, for its control port."""
        found = self.chains[networks.TRON]
        if not isinstance(found, TronNode):
            raise TypeError("not a TRON node")
        return found

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
        for chain in self.chains.values():
            chain.wait()
            if isinstance(chain, Anvil):
                _deploy_token(chain)
            else:
                chain.control("energy_factor", contract=networks.TRON_TOKEN, factor=USDT_ENERGY_FACTOR)

    def _start_chains(self, env: dict[str, str]) -> None:
        for code, chain in self.chains.items():
            if code in self.adopted:
                continue
            chain.spawn(env=env, pid_file=self.state.pid_file(process_name(code)), outlives=self.chains_outlive)
            if not self.chains_outlive:
                self._watch(chain, chain.spawn)

    def _watch(self, service: PostgresServer | ValkeyServer | Anvil | TronNode, restart: Callable[[], None]) -> None:
        if service.child:
            self.supervisor.add(service.child, restart)

    def _restart_postgres(self) -> None:
        self.postgres.spawn()
        self.postgres.wait()


def process_name(code: str) -> str:
    """What the process of a chain is called, in its log's and its pid file's name."""
    return f"anvil-{code}" if code in CHAINS else code


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
