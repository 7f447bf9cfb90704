"""What the audit costs a withdrawal request, with one client and with eight.

Every client asks for withdrawals by the product's own operation, each committed durably; in turns of half a second, all
clients together, with the audit and without it (its functions are taken out in the clients; the product has no such
switch). The linker works in the turns with the audit, every two seconds, more often than the beat would have it. A
request's time is the mean without the slowest twentieth, which other work of the machine makes slow.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from pathlib import Path

from benchmarks.support import Bench, Database
from devnet import networks
from devnet.anvil import CHAINS
from devnet.places import ROOT
from devnet.valkey import ValkeyServer

CLIENTS = (1, 8)
_runs = itertools.count(1)


def run(bench: Bench) -> None:
    folder = bench.folder / "audit"
    folder.mkdir()
    valkey = ValkeyServer(state=folder, durable=False)
    valkey.spawn()
    valkey.wait()
    try:
        _measure(bench, _environment(bench.database("audit", migrate=()), valkey, folder))
    finally:
        if valkey.child is not None:
            valkey.child.kill()


def _measure(bench: Bench, environment: dict[str, str]) -> None:
    turns = 4 * max(1, round(bench.seconds / 2))
    bench.clients(_command("people", max(CLIENTS), turns), count=1, env=environment)
    for count in CLIENTS:
        times: dict[str, list[float]] = {"with_audit": [], "without": []}
        linked = 0.0
        for _ in range(bench.rounds):
            reports = bench.clients(_command("ask", count, turns), count=count + 1, env=environment)
            linked += sum(report.get("linked", 0) for report in reports)
            for name, measured in times.items():
                measured.append(statistics.mean(report[name] for report in reports if name in report))
        for name, measured in times.items():
            bench.note(f"{count} clients, {name}: {', '.join(f'{value:.2f}' for value in measured)} ms a request")
        bench.note(f"{linked:.0f} entries were linked meanwhile")
        bench.compare(
            f"audit_clients_{count}",
            vs="without_audit",
            ours=statistics.median(times["with_audit"]),
            baseline=statistics.median(times["without"]),
            unit="ms",
            at_most=1.15,
        )


def _command(what: str, clients: int, turns: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks._audit_client", what, str(clients), str(turns), f"run{next(_runs)}"]


def _environment(database: Database, valkey: ValkeyServer, folder: Path) -> dict[str, str]:
    file = folder / "networks.toml"
    networks.write(
        file, {code: networks.network(chain, rpc_urls=["http://127.0.0.1:1"]) for code, chain in CHAINS.items()}
    )
    return database.environment | {
        "DJANGO_SETTINGS_MODULE": "benchmarks._audit_settings",
        "PYTHONPATH": str(ROOT),
        "NETWORKS_FILE": str(file),
        "REDIS_URL": valkey.cache_url(0),
        "CELERY_BROKER_URL": valkey.broker_url(1),
    }
