"""The environment of each of the product's processes: what it needs, and nothing that is another's."""

from __future__ import annotations

import os
from dataclasses import dataclass

from devnet.postgres import PostgresServer
from devnet.state import TRON_CONTROL, Secrets, State
from devnet.valkey import ValkeyServer

DATABASE = "exchequer"
# What takes a day in earnest takes as long here as somebody who tries it waits.
SHORT_HOLDS = {"ADDRESS_HOLD_SECONDS": "5", "WITHDRAWAL_HOLD_SECONDS": "20"}
DEV = "portal.settings.dev"
SIGNER = "portal.settings.signer"
MIGRATE = "portal.settings.migrate"
KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "DEBUG", "LOG_LEVEL",
)  # fmt: skip
# Settings that a developer (or a test of the whole product) may set from outside, for every process.
PASSED_ON = (
    "FAULTS", "EXCHEQUER_FAILPOINTS_ALLOWED", "BROADCAST_STUCK_SECONDS", "WITHDRAWAL_FOUR_EYES_FROM_MICRO",
    "GEOIP_FILE",
)  # fmt: skip


@dataclass(frozen=True)
class Environments:
    """Makes the environment of a process from its settings module."""

    state: State
    secrets: Secrets
    ports: dict[str, int]
    postgres: PostgresServer
    valkey: ValkeyServer

    @property
    def site_url(self) -> str:
        return f"http://localhost:{self.ports['web']}"

    @property
    def devnet_url(self) -> str:
        return f"http://localhost:{self.ports['devnet']}"

    def database_url(self, role: str) -> str:
        password = getattr(self.secrets.roles, role)
        return self.postgres.url(user=f"exchequer_{role}", password=password, database=DATABASE)

    def common(self) -> dict[str, str]:
        """What every process of this checkout has; EXCHEQUER_STATE also marks it as ours for the next run."""
        kept = {key: os.environ[key] for key in (*KEPT, *PASSED_ON) if key in os.environ}
        return kept | {
            "EXCHEQUER_STATE": str(self.state.folder),
            "EXCHEQUER_TRON_CONTROL": f"http://127.0.0.1:{self.ports[TRON_CONTROL]}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def product(self, settings: str) -> dict[str, str]:
        """A process of the product. Only the signer is told where the keystore is and how to open it; each one gets
        its own database role and no other."""
        role = {DEV: "app", SIGNER: "signer", MIGRATE: "owner"}[settings]
        url = self.database_url(role)
        env = self.common() | {
            "DJANGO_SETTINGS_MODULE": settings,
            "SECRET_KEY": self.secrets.secret_key,
            "DATABASE_URL": url,
            "REDIS_URL": self.valkey.cache_url(1),
            "REDIS_URL_FOR_PUBSUB": self.valkey.cache_url(2),
            "CELERY_BROKER_URL": self.valkey.broker_url(0),
            "NETWORKS_FILE": str(self.state.networks_file),
            "SITE_URL": self.site_url,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.ports["smtp"]),
            "DEMO_MAIL_URL": f"{self.devnet_url}/mail/",
            "DEMO_FAUCET_URL": f"{self.devnet_url}/faucet/",
            "STATIC_ROOT": str(self.state.folder / "static"),
            "MEDIA_ROOT": str(self.state.folder / "media"),
        }
        env |= {name: os.environ.get(name, short) for name, short in SHORT_HOLDS.items()}
        public_key = self.state.folder / "address-pool.pub"
        if public_key.exists():
            env["ADDRESS_POOL_PUBLIC_KEY"] = public_key.read_text(encoding="utf-8").strip()
        if settings in (DEV, SIGNER):
            env["SECOND_FACTOR_KEYS"] = self.secrets.second_factor_key
        if settings == MIGRATE:
            env["MIGRATION_DATABASE_URL"] = url
        if settings == SIGNER:
            env |= {
                "SIGNER_DATABASE_URL": url,
                "SIGNER_KEYSTORE_FILE": str(self.state.keystore),
                "SIGNER_PASSPHRASE_FILE": str(self.state.passphrase_file),
            }
        return env
