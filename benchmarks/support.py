"""What every figure needs: a durable PostgreSQL, the product's environment, peers, clients, and the line to print."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from types import TracebackType
from typing import Self

from devnet.places import ROOT
from devnet.postgres import PostgresServer, Roles

PEERS = Path(__file__).parent / "peers"
PEER_ENVIRONMENTS = ROOT / ".cache" / "benchmarks"
# More memory than the demo's server, as a small production machine would give; durability as it comes, that is on.
SERVER_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}


@dataclass(frozen=True)
class Database:
    """A database of the durable server. `environment` is what a process of the product is started with."""

    name: str
    server: PostgresServer
    roles: Roles

    def url(self, role: str = "app") -> str:
        """Address for `app`, `owner` or `signer`."""
        return self.server.url(user=f"exchequer_{role}", password=getattr(self.roles, role), database=self.name)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **_plain_environment(),
            "DJANGO_SETTINGS_MODULE": "portal.settings.base",
            "SECRET_KEY": "only for the benchmarks",
            "SECOND_FACTOR_KEYS": "b25seSBmb3IgdGhlIHRlc3RzLCAzMiBieXRlcyBsbmc=",
            "DATABASE_URL": self.url("app"),
            "REDIS_URL": "unix:///nowhere",
            "CELERY_BROKER_URL": "redis+socket:///nowhere",
            "NETWORKS_FILE": "",
        }

    def migrate(self, *apps: str) -> None:
        """Runs the migrations of these apps and what they need, or all of them."""
        environment = self.environment | {
            "DJANGO_SETTINGS_MODULE": "portal.settings.migrate",
            "MIGRATION_DATABASE_URL": self.url("owner"),
        }
        for app in apps or ("",):
            command = [
                sys.executable,
                "manage.py",
                "migrate",
                "--no-input",
                "--verbosity",
                "0",
                *([app] if app else []),
            ]
            _run(command, env=environment)

    def pgbench(self, script: str, *, clients: int, seconds: float, options: Sequence[str] = ()) -> float:
        """Transactions per second that pgbench makes of `script`, as the application's role, statements prepared.

        The program comes with the PostgreSQL that is measured: the wheel's, else the system's.
        """
        program = self.server.programs.bin / "pgbench"
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [
                str(program), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
                "-T", str(max(1, round(seconds))), "-f", file.name, *options,
                "-h", str(self.server.sockets), "-U", "exchequer_app", self.name,
            ]  # fmt: skip
            output = _run(command, env=_plain_environment() | {"PGPASSWORD": self.roles.app})
        found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
        if not found or "number of failed transactions: 0 " not in output:
            raise RuntimeError(f"pgbench failed:\n{output}")
        return float(found[1])


class Bench:
    """One run of the benchmarks. `seconds`, `rounds`, `rows` are the command line's; services start when asked for."""

    def __init__(self, *, seconds: float = 5.0, rounds: int = 3, rows: int = 0) -> None:
        self.seconds = seconds
        self.rounds = rounds
        self.rows = rows
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    # --- output -----------------------------------------------------------------------------------------------------

    def compare(
        self,
        figure: str,
        *,
        vs: str,
        ours: float,
        baseline: float,
        unit: str,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Prints one comparison; the goal is that ours / baseline is `at_least` or `at_most` that much."""
        ratio = ours / baseline
        goal = at_most if at_least is None else at_least
        if goal is None:
            raise ValueError("a comparison has a goal")
        met = ratio <= goal if at_least is None else ratio >= goal
        print(
            f"bench {figure} vs={vs} ours={_number(ours)} baseline={_number(baseline)} unit={unit} ratio={ratio:.2f} "
            f"goal={goal:g} {'ok' if met else 'short'}",
            flush=True,
        )

    def note(self, text: str) -> None:
        """Prints a remark that is no figure."""
        print(f"# {text}", flush=True)

    def alternate(self, **contestants: Callable[[], float]) -> dict[str, float]:
        """Runs the contestants in turn, `rounds` times, and returns the median of each: noise hits all alike."""
        measured: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(self.rounds):
            for name, run in contestants.items():
                measured[name].append(run())
        for name, values in measured.items():
            self.note(f"{name}: {', '.join(_number(value) for value in values)}")
        return {name: statistics.median(values) for name, values in measured.items()}

    # --- services ---------------------------------------------------------------------------------------------------

    @cached_property
    def folder(self) -> Path:
        """A private folder on disk for this run; removed at its end."""
        # Not /tmp, which may be memory: what is measured includes the disk.
        folder = Path(tempfile.mkdtemp(prefix="exchequer-bench-", dir="/var/tmp"))
        folder.chmod(0o711)  # PostgreSQL may run as somebody else and has to get to its folder inside
        self._exits.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def postgres(self) -> PostgresServer:
        """A server of this run's own, durable: fsync on, commits waited for."""
        server = PostgresServer(
            state=self.folder, password=token_urlsafe(18), durable=True, name="pg", settings=SERVER_SETTINGS
        )
        self._exits.callback(server.stop)
        server.start()
        return server

    @cached_property
    def roles(self) -> Roles:
        return Roles.generate()

    def database(self, name: str, *, migrate: Sequence[str] | None = None) -> Database:
        """A new database with the product's roles. `migrate`: apps to migrate, () for all, None for an empty schema."""
        self.postgres.drop_database(name)
        self.postgres.create_database(name, self.roles)
        database = Database(name, self.postgres, self.roles)
        if migrate is not None:
            database.migrate(*migrate)
        return database

    # --- contestants ------------------------------------------------------------------------------------------------

    def peer_python(self, name: str) -> Path:
        """The interpreter of the environment that `peers/<name>.txt` describes, installed when it is not yet."""
        requirements = PEERS / f"{name}.txt"
        digest = sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
        environment = PEER_ENVIRONMENTS / f"{name}-{digest}"
        python = environment / "bin" / "python"
        PEER_ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
        with (PEER_ENVIRONMENTS / f"{name}.lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not (environment / "complete").exists():
                self.note(f"installing the peer {name}")
                shutil.rmtree(environment, ignore_errors=True)
                _install(environment, requirements)
                (environment / "complete").touch()
        return python

    def clients(self, command: Sequence[str], *, count: int, env: Mapping[str, str]) -> list[dict[str, float]]:
        """Starts `count` processes of `command` + their number, lets them begin together, returns what each reports.

        The protocol: a client prints `ready`, waits for a line, works, prints one JSON object as its last line.
        """
        started = [
            subprocess.Popen(
                [*command, str(number)],
                env=dict(env),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        try:
            for client in started:
                assert client.stdout is not None
                if client.stdout.readline().strip() != "ready":
                    raise RuntimeError(f"{' '.join(command)} did not get ready")
            for client in started:
                assert client.stdin is not None
                client.stdin.write("go\n")
                client.stdin.flush()
            reports = []
            for client in started:
                output = client.communicate()[0]
                if client.returncode:
                    raise RuntimeError(f"{' '.join(command)} failed")
                reports.append(json.loads(output.strip().splitlines()[-1]))
            return reports
        finally:
            for client in started:
                if client.poll() is None:
                    client.kill()
                    client.wait()

    def rate(self, command: Sequence[str], *, count: int, env: Mapping[str, str]) -> float:
        """Operations per second of `count` clients together; each reports `done` and `seconds`."""
        reports = self.clients(command, count=count, env=env)
        return sum(report["done"] for report in reports) / max(report["seconds"] for report in reports)


def _plain_environment() -> dict[str, str]:
    """This process's environment without the settings of an installation of the product."""
    ours = ("DATABASE_URL", "DJANGO", "EMAIL", "FAULTS", "NETWORKS", "PG", "REDIS", "SECRET", "SIGNER")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


def _install(environment: Path, requirements: Path) -> None:
    plain = _plain_environment()
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if Path(uv).exists():
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], env=plain)
        python = str(environment / "bin" / "python")
        _run([uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements)], env=plain)
    else:
        _run([sys.executable, "-m", "venv", str(environment)], env=plain)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        _run(pip, env=plain)


def _run(command: Sequence[str], *, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        list(command), cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:6])} ... failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
