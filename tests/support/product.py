"""The product's own processes on a committed database: manage.py, workers, signer, beat, web."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from devnet.anvil import free_port
from devnet.places import ROOT
from devnet.processes import Child, wait_until
from tests.support.databases import CommittedDatabase
from tests.support.socket_guard import MARK
from tests.support.suite import Share
from treasury.keys.keystore import KeystoreFile

TEST = "portal.settings.test"
SIGNER = "portal.settings.signer"
MIGRATE = "portal.settings.migrate"
SITE = ROOT / "tests" / "support" / "site"  # its sitecustomize keeps sockets out of transactions
_numbers = itertools.count(1)


class Product:
    """Starts real processes with the environment that each of them would have. All of them end with the test.

    `changes` are environment variables for every process; `FAULTS` there arms failpoints.
    """

    def __init__(self, share: Share, database: CommittedDatabase, folder: Path) -> None:
        self.share = share
        self.database = database
        self.folder = folder
        self.web_port = free_port()
        self.site_url = f"http://localhost:{self.web_port}"
        self.changes: dict[str, str] = {}
        self.signer_environment = {
            "SIGNER_KEYSTORE_FILE": str(folder / "keystore.json"),
            "SIGNER_PASSPHRASE": "correct horse battery staple",
        }
        self.children: list[Child] = []

    def environment(self, settings: str = TEST, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a process with these settings gets: the key material and its database role only if it is the signer."""
        made = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_", "EXCHEQUER_TEST"))
        }
        made |= self.share.environment(self.database.name)
        made |= {"DJANGO_SETTINGS_MODULE": settings, "SITE_URL": self.site_url, "PYTHONUNBUFFERED": "1"}
        made["PYTHONPATH"] = f"{SITE}{os.pathsep}{ROOT}"
        if settings == MIGRATE:
            made["DATABASE_URL"] = made["MIGRATION_DATABASE_URL"]
        else:
            del made["MIGRATION_DATABASE_URL"]
        if settings == SIGNER:
            made |= self.signer_environment | {"DATABASE_URL": made["SIGNER_DATABASE_URL"]}
        else:
            del made["SIGNER_DATABASE_URL"]
        return made | self.changes | dict(env or {})

    def manage(
        self,
        *arguments: str,
        settings: str = TEST,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        text: str | None = None,
        seconds: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `manage.py` to its end; `text` goes to its standard input. With `check` a failure fails the test."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment(settings, env), input=text or "",
            capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done

    def start(self, name: str, *command: str, settings: str = TEST, env: Mapping[str, str] | None = None) -> Child:
        """Starts `python <command>` and returns at once; its output goes to `child.log`."""
        child = Child(
            name=name,
            command=[sys.executable, *command],
            log=self.folder / f"{name}-{next(_numbers)}.log",
            env=self.environment(settings, env),
            cwd=ROOT,
        )
        self.children.append(child)
        child.spawn()
        return child

    def worker(
        self,
        *,
        concurrency: int = 2,
        settings: str = TEST,
        queue: str = "default",
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """A Celery worker, ready to work."""
        child = self.start(
            queue, "-m", "celery", "-A", "portal.celery", "worker", "--pool", "threads", "--concurrency",
            str(concurrency), "-Q", queue, "-n", f"{queue}-{next(_numbers)}@%h", "--without-gossip", "--without-mingle",
            "--without-heartbeat", "--loglevel", "INFO", settings=settings, env=env,
        )  # fmt: skip
        wait_until(lambda: " ready." in child.last_words(200), what=f"the worker of {queue}", child=child, seconds=120)
        return child

    def signer_worker(self, *, env: Mapping[str, str] | None = None) -> Child:
        """The signer's worker: its own settings, role and queue. Needs a keystore (see `create_keystore`)."""
        return self.worker(concurrency=1, settings=SIGNER, queue="signer", env=env)

    def beat(self, *, env: Mapping[str, str] | None = None) -> Child:
        """The schedule's clock."""
        return self.start(
            "beat", "-m", "celery", "-A", "portal.celery", "beat", "--schedule", str(self.folder / "beat-schedule"),
            "--pidfile", "", "--loglevel", "INFO", env=env,
        )  # fmt: skip

    def web(self, *, env: Mapping[str, str] | None = None) -> str:
        """The web server; returns its address once it answers."""
        child = self.start(
            "web", "-m", "gunicorn", "portal.wsgi:application", "--bind", f"127.0.0.1:{self.web_port}",
            "--workers", "1", "--threads", "4", env=env,
        )  # fmt: skip
        wait_until(lambda: "Listening at" in child.last_words(200), what="the web server", child=child, seconds=120)
        return self.site_url

    def web_later(self, by: timedelta) -> None:
        """The web server begins anew, at the same address, on a clock that is ahead: as if so much time had passed.

        The database's own clock stays; whoever signs in there needs codes and cookies of that time.
        """
        for child in self.children:
            if child.name == "web":
                child.kill()
        self.web(env={"CLOCK_AHEAD_SECONDS": str(by.total_seconds())})

    def create_keystore(self, *, phrase: str | None = None) -> str:
        """A new keystore for the signer; returns, and hands to every later process, the pool's public key.

        `phrase`: where somebody else has signed with the same seed (`approvers.PHRASE`).

        Its passphrase is stretched less than in production, or each test would wait for that.
        """
        keystore = KeystoreFile(self.signer_environment["SIGNER_KEYSTORE_FILE"])
        public_key = (
            keystore.create(self.signer_environment["SIGNER_PASSPHRASE"], phrase=phrase, scrypt_n=2**12)
            .pool_public_key()
            .hex()
        )
        self.changes["ADDRESS_POOL_PUBLIC_KEY"] = public_key
        return public_key

    def stop(self) -> None:
        for child in self.children:
            child.kill()

    def socket_violations(self) -> list[str]:
        """Logs of started processes in which a socket was used inside a transaction."""
        logs = sorted({child.log for child in self.children})
        return [text for log in logs if MARK in (text := log.read_text(encoding="utf-8", errors="replace"))]


def forget_queues(share: Share) -> None:
    """Empties the queues and the cache of this worker's share."""
    valkey = share.services.valkey()
    for database in share.valkey_databases():
        with valkey.client(database) as client:
            client.flushdb()


@contextmanager
def processes_on(share: Share, database: CommittedDatabase, folder: Path) -> Iterator[Product]:
    """The product's processes on that database, within the block. Sockets must have stayed out of transactions."""
    running = Product(share, database, folder)
    try:
        yield running
    finally:
        running.stop()
    if found := running.socket_violations():
        pytest.fail("\n\n".join(found), pytrace=False)


@pytest.fixture
def product(share: Share, committed_db: CommittedDatabase, tmp_path: Path) -> Iterator[Product]:
    """The product's processes on this test's own database, with empty queues and an empty cache."""
    forget_queues(share)
    with processes_on(share, committed_db, tmp_path) as running:
        yield running
