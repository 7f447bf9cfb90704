"""`make run`: the whole product on this machine, from nothing.

Starts PostgreSQL, Valkey and three local chains, migrates, starts web, worker, signer, beat and the faucet with its
mail catcher, seeds demo people and money, prints one table, and keeps everything running until Ctrl-C. State lies in
`.exchequer`; after a crash the next run finds what is left of this checkout and goes on.

Environment: `PORT` (the web's port), `EXCHEQUER_STATE` (another state folder), `EXCHEQUER_SEED=people` (no demo
history), `EXCHEQUER_CHAINS_OUTLIVE=1` (the local chains go on when this process ends; the next run takes them over).
Once everything is up, `run.json` in the state folder says where and as whom.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from devnet import codes, networks, report
from devnet.environment import DATABASE, DEV, MIGRATE, SIGNER, Environments
from devnet.places import ROOT
from devnet.processes import Child, ServiceError, carries, end_leftovers
from devnet.services import Services, chains_outlive, process_name
from devnet.state import FIRST_WEB_PORT, TRON_CONTROL, AlreadyRunning, PortTaken, State
from devnet.supervisor import Stop, Supervisor
from treasury.keys.keystore import KeystoreFile

READY_SECONDS = 120.0
CELERY = ("-m", "celery", "-A", "portal.celery")
WORKER = ("worker", "--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "INFO")


class Run:
    """One `make run`, from the lock to the table."""

    def __init__(self, state: State) -> None:
        self.began = time.monotonic()
        self.state = state
        self.supervisor = Supervisor(self.note)

    def say(self, text: str) -> None:
        """A line of progress, with the seconds since the start."""
        print(f"[{time.monotonic() - self.began:5.1f} s] {text}", flush=True)

    def note(self, text: str) -> None:
        """What the supervisor did: to the terminal and to its log."""
        self.say(text)
        with (self.state.logs / "supervisor.log").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")

    def prepare(self, *, web_port: int | None) -> None:
        """Before the first start: leftovers of an earlier run, ports, secrets, the signer's keystore."""
        self.secrets = self.state.secrets()
        self.services = Services(self.state, self.secrets, self.supervisor, chains_outlive=chains_outlive())
        living = {process_name(code) for code in self.services.adopted}
        for name in sorted(living):
            self.say(f"{name} lived on and is taken over")
        leftovers = [path for path in self.state.pid_files() if path.stem not in living]
        if found := end_leftovers(leftovers, belongs=carries("EXCHEQUER_STATE", str(self.state.folder))):
            self.say(f"Ended what an earlier run left behind: {', '.join(found)}")
        known = self.state.known_ports()
        held = {known[code] for code in self.services.adopted}
        if networks.TRON in self.services.adopted:
            held.add(known[TRON_CONTROL])
        self.ports = self.state.ports(web=web_port, held=held)
        if web_port is None and self.ports["web"] != FIRST_WEB_PORT:
            self.say(
                f"Port {FIRST_WEB_PORT} is not free: the portal goes to {self.ports['web']} (PORT=... chooses another)"
            )
        self.services.use_ports(self.ports)
        self.environments = Environments(
            self.state, self.secrets, self.ports, self.services.postgres, self.services.valkey
        )
        keystore = KeystoreFile(self.state.keystore)
        if not self.state.keystore.exists():
            self.say("Creating the signer's keystore")
            keystore.create(self.secrets.passphrase)
        (self.state.folder / "address-pool.pub").write_text(keystore.pool_public_key(), encoding="utf-8")

    def start(self) -> None:
        self.say("Starting PostgreSQL, Valkey and three local chains")
        self.services.start(self.environments.common())
        self.services.postgres.create_database(DATABASE, self.secrets.roles)
        schema = digest_of_migrations()
        if self.state.done("migrated") != schema:
            self.say("Migrating the database")
            self._manage("migrate", "--no-input", "--verbosity", "0", settings=MIGRATE)
            self.state.mark_done("migrated", schema)
        self.say("Starting web, worker, signer, beat, faucet and mail")
        self._start_product()
        self.seed("people")
        self._wait_until_ready()

    @staticmethod
    def _approvers() -> list[str]:
        from devnet.seed import PEOPLE

        return [person.email for person in PEOPLE if person.role in ("admin", "support")]

    def _manage(self, *arguments: str, settings: str = DEV) -> None:
        self._python("manage.py", *arguments, settings=settings)

    def _python(self, *arguments: str, settings: str = DEV) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environments.product(settings), check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise ServiceError(f"{' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-8000:]}")
        return done.stdout

    def _start_product(self) -> None:
        ports = self.ports
        self._spawn(
            "devnet", "-m", "devnet.web", "--http", str(ports["devnet"]), "--smtp", str(ports["smtp"]),
            "--networks", str(self.state.networks_file), "--mail", str(self.state.folder / "mail"),
            "--site", self.environments.site_url,
            env=self.environments.common() | {codes.KEY_VARIABLE: self.secrets.demo_password},
        )  # fmt: skip
        self._spawn(
            "web", "-m", "gunicorn", "portal.wsgi:application", "--bind", f"127.0.0.1:{ports['web']}",
            "--workers", "2", "--threads", "4", "--preload", "--graceful-timeout", "5",
        )  # fmt: skip
        self._spawn(
            "signer", *CELERY, *WORKER, "--concurrency", "1", "-Q", "signer", "-n", "signer@%h", settings=SIGNER
        )
        self._spawn("worker", *CELERY, *WORKER, "--concurrency", "4", "-Q", "default", "-n", "worker@%h")
        self._spawn(
            "beat", *CELERY, "beat", "--schedule", str(self.state.folder / "beat-schedule"), "--pidfile", "",
            "--loglevel", "INFO",
        )  # fmt: skip

    def _spawn(self, name: str, *command: str, settings: str = DEV, env: Mapping[str, str] | None = None) -> None:
        child = Child(
            name=name,
            command=[sys.executable, *command],
            log=self.state.logs / f"{name}.log",
            env=env or self.environments.product(settings),
            cwd=ROOT,
            pid_file=self.state.pid_file(name),
        )
        child.spawn()
        self.supervisor.add(child)

    def seed(self, what: str) -> None:
        """Demo data, by the product's own operations; running it again changes nothing. A demo without it is a demo."""
        if self.state.done(f"seeded-{what}"):
            return
        self.say({"people": "Making the demo's people", "money": "Bringing in the demo's money"}[what])
        try:
            self._python("-m", "devnet.seed", what)
            if what == "people":  # as an operator would, with each of them beside the signer's machine
                self._manage("trust_approver", *self._approvers(), "--without-asking", settings=SIGNER)
            self.state.mark_done(f"seeded-{what}")
        except ServiceError as error:
            self.note(f"The demo data is not complete: {str(error).splitlines()[-1]}")

    def _wait_until_ready(self) -> None:
        """Returns when /readyz is well, or when waiting will not make it so: a halted chain needs a person."""
        self.say("Waiting for everything to answer")
        deadline = time.monotonic() + READY_SECONDS
        while failing := self.failing():
            self.supervisor.look()
            if all("halted" in detail for detail in failing.values()):
                break
            if time.monotonic() > deadline:
                if "web" in failing:
                    raise ServiceError(f"the portal does not answer; see {self.state.logs / 'web.log'}")
                break
            time.sleep(0.25)
        if failing:
            self.note(f"Not ready: {'; '.join(f'{name}: {detail}' for name, detail in failing.items())}")
        else:
            self.say("Ready")

    def failing(self) -> dict[str, str]:
        """What /readyz finds wrong, and why; just `web` when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['web']}/readyz", timeout=10) as answer:
                body: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return {"web": f"answers {error.code}"}
            body = json.load(error)
        except (OSError, ValueError):
            return {"web": "no answer"}
        return {name: str(body["checks"][name]["detail"]) for name in body["failing"]}

    def publish(self) -> None:
        """Writes `run.json`."""
        from devnet.seed import PEOPLE

        password = self.secrets.demo_password
        self.state.write_run_file(
            {
                "pid": os.getpid(),
                "site_url": self.environments.site_url,
                "admin_url": f"{self.environments.site_url}/admin/",
                "cms_url": f"{self.environments.site_url}/cms/",
                "faucet_url": f"{self.environments.devnet_url}/faucet/",
                "faucet_api": f"{self.environments.devnet_url}/api/faucet",
                "codes_url": f"{self.environments.devnet_url}/codes/",
                "codes_api": f"{self.environments.devnet_url}/api/codes",
                "mail_url": f"{self.environments.devnet_url}/mail/",
                "mail_api": f"{self.environments.devnet_url}/api/messages",
                "networks_file": str(self.state.networks_file),
                "rpc_urls": {code: chain.url for code, chain in self.services.chains.items()},
                "people": [{"email": each.email, "password": password, "what": each.what} for each in PEOPLE],
                "processes": self.supervisor.pids(),
                "database_url": self.environments.database_url("app"),
                # of the web and the worker, for manage.py: everything but the signer's and the migrations' secrets
                "environment": self.environments.product(DEV),
                "tron_control": self.services.tron.control_url,
                "logs": str(self.state.logs),
            }
        )

    def table(self) -> str:
        from devnet.seed import PEOPLE

        site, devnet = self.environments.site_url, self.environments.devnet_url
        addresses = [
            ("Portal", site),
            ("Staff", f"{site}/admin/"),
            ("Content", f"{site}/cms/"),
            ("Faucet", f"{devnet}/faucet/"),
            ("Mail", f"{devnet}/mail/"),
            ("Codes for the second step", f"{devnet}/codes/"),
            *((f"{networks.NAMES[code]}, local", chain.url) for code, chain in self.services.chains.items()),
            ("Logs", str(self.state.logs)),
        ]
        people = [report.Person(each.email, self.secrets.demo_password, each.what) for each in PEOPLE]
        return report.table(addresses, people)


def digest_of_migrations() -> str:
    """Changes whenever `migrate` may have something to do."""
    digest = hashlib.sha256((ROOT / "requirements" / "base.txt").read_bytes())
    for app in ("accounts", "treasury", "payouts", "portal"):
        for pattern in ("**/migrations/**/*.py", "**/*.sql", "**/apps.py", "**/roles.py"):
            for path in sorted((ROOT / app).glob(pattern)):
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def wanted_port() -> int | None:
    text = os.environ.get("PORT", "").strip()
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise PortTaken(f"PORT={text} is not a port number")
    return int(text)


def carry_out(run: Run) -> None:
    """From the first line to the table, then until somebody ends it (`Stop`)."""
    run.prepare(web_port=wanted_port())
    run.start()
    if os.environ.get("EXCHEQUER_SEED") != "people":
        run.seed("money")
    run.publish()
    print(f"\n{run.table()}\n\nCtrl-C ends it; `make run` goes on from here; `make clean` forgets it.", flush=True)
    run.supervisor.watch(run.publish)


def main() -> int:
    run = Run(State())
    try:
        run.state.lock()
        with run.supervisor.signals():
            try:
                carry_out(run)
            finally:
                run.state.run_file.unlink(missing_ok=True)
                run.supervisor.stop()
    except Stop:
        print("\nEnded; the state is kept.", flush=True)
    except (AlreadyRunning, PortTaken, ServiceError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
