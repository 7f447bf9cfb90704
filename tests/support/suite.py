"""What one run of the suite shares: PostgreSQL, Valkey, the addresses of both, and each worker's own share of them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from devnet import networks
from devnet.anvil import PORTS, PORTS_VARIABLE, free_port
from devnet.postgres import PostgresServer, Roles
from devnet.valkey import ValkeyServer
from tests.support import cluster

VARIABLE = "EXCHEQUER_TEST_SERVICES"
FIRST_PORT, PORTS_PER_WORKER = 10_000, 300  # each worker's own: they are free for long, until a test needs them
WORKER_DATABASES = 4  # numbered Valkey databases per worker: cache, publish/subscribe, broker, spare


@dataclass(frozen=True)
class Services:
    """The run's servers, as a worker knows them."""

    folder: str
    superuser_password: str
    owner_password: str
    app_password: str
    signer_password: str

    @property
    def state(self) -> Path:
        return Path(self.folder)

    @property
    def roles(self) -> Roles:
        return Roles(owner=self.owner_password, app=self.app_password, signer=self.signer_password)

    def postgres(self) -> PostgresServer:
        """A handle on the running server, to connect to it and to make databases."""
        return PostgresServer(state=self.state, password=self.superuser_password, durable=False)

    def valkey(self) -> ValkeyServer:
        return ValkeyServer(state=self.state, durable=False)


class Suite:
    """The controller's side: starts the servers, ends them, and removes every trace."""

    def __init__(self) -> None:
        self.folder = cluster.new_run_folder()
        self.postgres: PostgresServer | None = None
        self.valkey: ValkeyServer | None = None

    def start(self) -> Services:
        self.valkey = ValkeyServer(state=self.folder, durable=False)
        self.valkey.spawn()
        self.postgres, secrets = cluster.start_copy(self.folder)
        self.valkey.wait()
        return Services(
            folder=str(self.folder),
            superuser_password=secrets.superuser,
            owner_password=secrets.roles.owner,
            app_password=secrets.roles.app,
            signer_password=secrets.roles.signer,
        )

    def stop(self) -> None:
        for server in (self.valkey, self.postgres):
            if server is not None and server.child is not None:
                server.child.kill()  # nothing in it is worth an orderly end
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Share:
    """One worker's part of the services: its database, its numbers in Valkey, its ports."""

    services: Services
    worker: str
    ports: dict[str, int]

    @property
    def database(self) -> str:
        return f"test_{self.worker}"

    @property
    def folder(self) -> Path:
        """The worker's own folder, removed with the run."""
        path = self.services.state / self.worker
        path.mkdir(exist_ok=True)
        return path

    def database_url(self, role: str, database: str | None = None) -> str:
        """`role`: owner, app or signer."""
        passwords = self.services.roles
        return self.services.postgres().url(
            user=f"exchequer_{role}", password=getattr(passwords, role), database=database or self.database
        )

    def valkey_databases(self) -> range:
        """This worker's numbered databases in Valkey."""
        first = int("".join(filter(str.isdigit, self.worker)) or 0) * WORKER_DATABASES
        return range(first, first + WORKER_DATABASES)

    @property
    def ports_to_give(self) -> str:
        """An eighth of all, for what this worker and its processes start."""
        size = len(PORTS) // 8
        first = PORTS.start + size * (self.valkey_databases().start // WORKER_DATABASES % 8)
        return f"{first}-{first + size - 1}"

    def environment(self, database: str | None = None) -> dict[str, str]:
        """What the settings read: `database` instead of the worker's own one, if given."""
        number = self.valkey_databases().start
        valkey = self.services.valkey()
        return {
            "SECRET_KEY": "only for the tests",
            "SECOND_FACTOR_KEYS": "b25seSBmb3IgdGhlIHRlc3RzLCAzMiBieXRlcyBsbmc=",
            "DATABASE_URL": self.database_url("app", database),
            "MIGRATION_DATABASE_URL": self.database_url("owner", database),
            "SIGNER_DATABASE_URL": self.database_url("signer", database),
            "REDIS_URL": valkey.cache_url(number),
            "REDIS_URL_FOR_PUBSUB": valkey.cache_url(number + 1),
            "CELERY_BROKER_URL": valkey.broker_url(number + 2),
            "NETWORKS_FILE": str(self.folder / "networks.toml"),
            "SITE_URL": "http://localhost:8000",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.ports["smtp"]),
            "STATIC_ROOT": str(self.folder / "static"),
            "MEDIA_ROOT": str(self.folder / "media"),
            "EXCHEQUER_FAILPOINTS_ALLOWED": "1",
            PORTS_VARIABLE: self.ports_to_give,
        }


def publish(services: Services) -> None:
    """Hands the services to the workers, which inherit the environment."""
    os.environ[VARIABLE] = json.dumps(asdict(services))


def published() -> Services | None:
    return Services(**json.loads(os.environ[VARIABLE])) if VARIABLE in os.environ else None


def take_share(services: Services, worker: str) -> Share:
    """The share of `worker`, with the environment and the networks file that the settings will read."""
    number = int("".join(filter(str.isdigit, worker)) or 0)
    own = range(FIRST_PORT + PORTS_PER_WORKER * number, FIRST_PORT + PORTS_PER_WORKER * (number + 1))
    ports = {name: free_port(among=own) for name in ("smtp", *networks.CODES)}
    share = Share(services=services, worker=worker, ports=ports)
    networks.write(
        share.folder / "networks.toml",
        {code: networks.of(code, rpc_urls=[f"http://127.0.0.1:{ports[code]}"]) for code in networks.CODES},
    )
    (share.folder / "static").mkdir(exist_ok=True)
    os.environ.update(share.environment())
    return share
