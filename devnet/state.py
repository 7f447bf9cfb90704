"""What a checkout remembers between runs: ports, secrets, pids. One git-ignored folder holds it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import socket
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from devnet.anvil import free_port
from devnet.networks import CODES
from devnet.places import outside_folders, state_folder
from devnet.postgres import Roles

FIRST_WEB_PORT = 8000
WEB_PORTS_TRIED = 100
TRON_CONTROL = "tron-control"
WORDS = "amber birch cedar delta ember fjord grove hazel ivory jade karst lotus maple north ocean pearl quill river"


class AlreadyRunning(RuntimeError):
    """Another `make run` holds this state folder."""


class PortTaken(RuntimeError):
    """The port that was asked for belongs to another program."""


@dataclass(frozen=True)
class Secrets:
    """Generated once per state folder; only the demo's password is ever shown."""

    secret_key: str
    second_factor_key: str
    superuser: str
    roles: Roles
    passphrase: str
    demo_password: str

    @classmethod
    def generate(cls) -> Secrets:
        words = WORDS.split()
        return cls(
            secret_key=secrets.token_urlsafe(50),
            second_factor_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            superuser=secrets.token_urlsafe(24),
            roles=Roles.generate(),
            passphrase=secrets.token_urlsafe(32),
            demo_password=f"{secrets.choice(words)}-{secrets.choice(words)}-{secrets.randbelow(9000) + 1000}",
        )


@dataclass
class State:
    """The state folder. `lock` first; the rest reads and writes files in it."""

    folder: Path = field(default_factory=state_folder)
    _lock: IO[str] | None = field(default=None, repr=False)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def networks_file(self) -> Path:
        return self.folder / "networks.toml"

    @property
    def run_file(self) -> Path:
        """Written once everything is up: addresses, sign-ins and pids, as JSON."""
        return self.folder / "run.json"

    @property
    def keystore(self) -> Path:
        return self.folder / "signer" / "keystore.json"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "signer" / "passphrase"

    def pid_file(self, name: str) -> Path:
        return self.folder / "pids" / f"{name}.json"

    def pid_files(self) -> list[Path]:
        return sorted((self.folder / "pids").glob("*.json"))

    def lock(self) -> None:
        """Makes the folder and takes it for this process. Raises `AlreadyRunning`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # secrets have modes of their own; PostgreSQL's account must get through as `nobody`
        handle = (self.folder / "lock").open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise AlreadyRunning(
                f"`make run` is already running in this checkout (its state is {self.folder}); stop it first"
            ) from None
        self._lock = handle
        for name in ("logs", "pids", "signer", "media", "static"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "signer").chmod(0o700)
        self.run_file.unlink(missing_ok=True)

    def unlock(self) -> None:
        """Lets another process take the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def secrets(self) -> Secrets:
        path = self.folder / "secrets.json"
        if not path.exists():
            made = Secrets.generate()
            write_private(self.passphrase_file, made.passphrase)
            write_private(path, json.dumps(asdict(made), indent=1))
        facts = json.loads(path.read_text(encoding="utf-8"))
        if missing := {f.name for f in fields(Secrets)} - facts.keys():  # a state of an older version
            fresh = asdict(Secrets.generate())
            facts |= {name: fresh[name] for name in missing}
            write_private(path, json.dumps(facts, indent=1))
        return Secrets(**facts | {"roles": Roles(**facts["roles"])})

    def ports(self, *, web: int | None, held: set[int]) -> dict[str, int]:
        """The ports of this state, remembered from the first run.

        `web` is the port asked for, if any; one that another program has taken since is replaced. `held` are ports
        that belong to processes of this state which go on running.
        """
        known = self.known_ports()
        for name in (*CODES, TRON_CONTROL, "smtp", "devnet"):
            if known.get(name) not in held:
                known[name] = free_port(known.get(name))
        others = {port for name, port in known.items() if name != "web"}
        known["web"] = choose_web_port(asked=web, last=known.get("web"), avoid=others)
        (self.folder / "ports.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
        return known

    def known_ports(self) -> dict[str, int]:
        """The ports of the last run, empty before the first."""
        path = self.folder / "ports.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def done(self, what: str) -> str:
        """What `mark_done` noted, "" if it never did."""
        path = self.folder / "done" / what
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def mark_done(self, what: str, note: str = "yes") -> None:
        """Remembers that a step need not be made again."""
        (self.folder / "done").mkdir(exist_ok=True)
        (self.folder / "done" / what).write_text(note, encoding="utf-8")

    def write_run_file(self, facts: dict[str, Any]) -> None:
        write_private(self.run_file, json.dumps(facts, indent=1))

    def remove(self) -> None:
        """Everything, including what had to live outside of the folder. The caller ended the processes."""
        for folder in (*outside_folders(self.folder), self.folder):
            shutil.rmtree(folder, ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only we can read, as a whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def choose_web_port(*, asked: int | None, last: int | None, avoid: set[int]) -> int:
    """The web's port: the one asked for or nothing; else the last one, else the first free one from 8000 on."""
    if asked is not None:
        if not port_is_free(asked):
            raise PortTaken(f"PORT={asked} is taken by another program; choose another, or leave PORT away")
        return asked
    first = [last] if last is not None else []
    for port in [*first, *range(FIRST_WEB_PORT, FIRST_WEB_PORT + WEB_PORTS_TRIED)]:
        if port not in avoid and port_is_free(port):
            return port
    raise PortTaken(f"no free port from {FIRST_WEB_PORT} on; give one with PORT")


def port_is_free(port: int) -> bool:
    """Whether nobody listens on `port` of `localhost`, by either family: browsers try IPv6 first."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(0.5)
                if probe.connect_ex((host, port)) == 0:
                    return False
        except OSError:
            continue  # this family is switched off here
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
