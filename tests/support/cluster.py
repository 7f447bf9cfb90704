"""The suite's database: a cluster with a migrated template is made once, kept, and copied for each run.

The kept cluster is never started again. A run copies its files (a fraction of a second), starts its own server on the
copy with every durability switched off, and throws it away: runs beside each other share nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_urlsafe

from devnet.places import ROOT
from devnet.postgres import PostgresServer, Roles
from devnet.processes import remember, remembered

TEMPLATE = "exchequer_template"
APPS = ("accounts", "treasury", "payouts", "portal")
KEPT_CLUSTERS = 4
RUN_PREFIX = "exchequer-test-"
MEMORY_WANTED = 4 * 2**30  # bytes free; a run of the whole suite takes about one and a half GB


@dataclass(frozen=True)
class Secrets:
    """Passwords of a kept cluster. They guard a socket in a private folder of a throw-away server."""

    superuser: str
    roles: Roles


def cache_folder() -> Path:
    return Path(os.environ.get("EXCHEQUER_TEST_CACHE") or ROOT / ".cache" / "tests")


def schema_sources() -> dict[str, str]:
    """Digests of what the migrated schema is made of: migrations, SQL, roles, groups, the libraries."""
    sources = [ROOT / "requirements" / "dev.txt", ROOT / "compose" / "postgres" / "roles.sql", Path(__file__)]
    for app in APPS:
        for pattern in ("**/migrations/**/*", "**/*.sql", "**/apps.py", "**/chart.py", "**/roles.py"):
            sources += [path for path in (ROOT / app).glob(pattern) if path.suffix in {".py", ".sql", ".json"}]
    found = {
        str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(set(sources))
    }
    return found | {"python": sys.version.split()[0]}


def digest_of_sources(sources: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:16]


def new_run_folder() -> Path:
    """A private folder for one run of the suite; those of runs that are gone are removed first."""
    parent = _run_parent()
    for old in parent.glob(f"{RUN_PREFIX}*"):
        if old.stat().st_uid == os.geteuid() and (old / "owner.pid").exists() and not remembered(old / "owner.pid"):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=parent))
    folder.chmod(0o711)  # PostgreSQL, as `nobody`, has to get to its own folder inside
    remember(folder / "owner.pid", os.getpid())
    return folder


def _run_parent() -> Path:
    """Memory, where there is enough of it: a copy of the template is some 800 files, made and dropped for each test
    that commits, and a disk's file system takes seven times as long for them."""
    memory = Path("/dev/shm")
    with suppress(OSError):
        facts = os.statvfs(memory)
        if os.access(memory, os.W_OK | os.X_OK) and facts.f_bavail * facts.f_frsize >= MEMORY_WANTED:
            return memory
    parent = Path(tempfile.gettempdir())
    return parent if len(str(parent)) <= 40 else Path("/tmp")  # a socket's path has to fit into 107 bytes


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def kept_cluster() -> Path:
    """The kept cluster of the present schema: `data` and `secrets.json`. Made when it is missing."""
    cache = cache_folder()
    sources = schema_sources()
    kept = cache / f"cluster-{digest_of_sources(sources)}"
    if not (kept / "secrets.json").exists():
        with alone(cache / "lock"):
            if not (kept / "secrets.json").exists():
                _make_cluster(kept, sources, start_from=_predecessor(cache, sources))
                _forget_old_clusters(cache)
    os.utime(kept)
    return kept


def _predecessor(cache: Path, sources: dict[str, str]) -> Path | None:
    """A kept cluster to which only files were added since: it lacks just the newest migrations."""
    for kept in sorted(cache.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True):
        if (kept / "secrets.json").exists() and (kept / "sources.json").exists():
            made_of = json.loads((kept / "sources.json").read_text(encoding="utf-8"))
            if made_of.items() <= sources.items():
                return kept
    return None


def _forget_old_clusters(cache: Path) -> None:
    found = sorted(cache.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in found[KEPT_CLUSTERS:]:
        shutil.rmtree(old, ignore_errors=True)


def _make_cluster(kept: Path, sources: dict[str, str], *, start_from: Path | None) -> None:
    print("Making the test database (once per change of the schema) ...", flush=True)  # noqa: T201  # it takes a while
    shutil.rmtree(kept, ignore_errors=True)
    folder = new_run_folder()
    new = Secrets(superuser=token_urlsafe(18), roles=Roles.generate())
    secrets = _secrets_of(start_from) if start_from else new
    server = PostgresServer(state=folder, password=secrets.superuser, durable=False)
    try:
        if start_from:
            copy_tree(start_from / "data", server.data)
        with tests_compiled_meanwhile():
            server.start()
            server.create_database(TEMPLATE, secrets.roles)
            migrate(server, TEMPLATE, secrets.roles)
        with server.connect(TEMPLATE) as connection:
            connection.execute("VACUUM (ANALYZE, FREEZE)")
        server.stop()
        kept.mkdir(parents=True)
        copy_tree(server.data, kept / "data")
        (kept / "sources.json").write_text(json.dumps(sources), encoding="utf-8")
        draft = kept / "secrets.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(secrets)), encoding="utf-8")
        draft.rename(kept / "secrets.json")  # last: its presence says that the cluster is whole
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def tests_compiled_meanwhile() -> Iterator[None]:
    """Another process collects the tests, and so compiles them and what they import. In a fresh checkout every worker
    would do it at once, each for itself, while the migrations keep only one processor busy."""
    if sys.dont_write_bytecode:
        yield
        return
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    collecting = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        with suppress(subprocess.TimeoutExpired):
            collecting.wait(30)
    finally:
        collecting.kill()
        collecting.wait()


def _secrets_of(kept: Path) -> Secrets:
    facts = json.loads((kept / "secrets.json").read_text(encoding="utf-8"))
    return Secrets(superuser=facts["superuser"], roles=Roles(**facts["roles"]))


def migrate(server: PostgresServer, database: str, roles: Roles) -> None:
    """Runs every migration as the role that owns the schema."""
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.migrate",
        "MIGRATION_DATABASE_URL": server.url(user="exchequer_owner", password=roles.owner, database=database),
        "DATABASE_URL": server.url(user="exchequer_app", password=roles.app, database=database),
        "SECRET_KEY": "only for the tests",
        "REDIS_URL": "unix:///nowhere",
        "CELERY_BROKER_URL": "redis+socket:///nowhere",
        "NETWORKS_FILE": "",
    }
    env.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the migrations failed:\n{done.stdout}{done.stderr}")


def copy_tree(source: Path, target: Path) -> None:
    """Copies with owners kept; as a reflink where the file system can do that."""
    command = ["cp", "-a", *(["--reflink=auto"] if sys.platform == "linux" else []), f"{source}/.", str(target)]
    target.mkdir()
    shutil.copystat(source, target)
    if os.geteuid() == 0:
        owner = source.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
    subprocess.run(command, check=True)


def start_copy(folder: Path) -> tuple[PostgresServer, Secrets]:
    """A running server on a copy of the kept cluster, in `folder`. Main thread only."""
    kept = kept_cluster()
    secrets = _secrets_of(kept)
    server = PostgresServer(state=folder, password=secrets.superuser, durable=False)
    copy_tree(kept / "data", server.data)
    server.start()
    return server, secrets
