"""Pages: the approval queue does not slow down as it grows, and the customers' first page stays near a bare view."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import psycopg

from benchmarks.support import Bench, Database
from devnet import networks
from devnet.anvil import CHAINS, free_port
from devnet.places import ROOT
from devnet.processes import wait_until

SMALL, LARGE = 10_000, 1_000_000
CUSTOMERS = 5_000
WARM_UP, REQUESTS = 10, 60
QUEUE = "/admin/payouts/withdrawalrequest/"
# What a staff member opens: the work, everything, one customer's, a page deep inside, and what needs a second person.
PAGES = {
    "queue": QUEUE,
    "queue_all": f"{QUEUE}?tab=all",
    "queue_second": f"{QUEUE}?tab=second",
    "queue_deep": f"{QUEUE}?tab=all&after={SMALL // 2}",
    "queue_filtered": f"{QUEUE}?tab=all&network=bsc&state=paid",
}

FILL = """
SET session_replication_role = replica;
INSERT INTO payouts_withdrawalrequest
    (public_id, customer_id, idempotency_key, network, address, amount_micro, fee_micro, state, revision,
     approvals_required, requested_at, confirm_by, confirmed_at, closed_at, claimed_by_id, claimed_until,
     reason_for_customer, tx_hash)
SELECT gen_random_uuid(), customers.ids[1 + n %% cardinality(customers.ids)], 'fill-' || n,
       CASE n %% 2 WHEN 0 THEN 'arbitrum' ELSE 'bsc' END,
       '0x' || encode(sha256(('a' || n %% 40000)::bytea), 'hex')::char(40), (2 + n %% 3000) * 1000000::numeric,
       1000000, state, 1, CASE WHEN n %% 3000 >= 998 THEN 2 ELSE 1 END,
       at, at + interval '1 hour', at, CASE WHEN state = 'paid' THEN at + interval '1 hour' END, NULL, NULL, '',
       CASE WHEN state IN ('paid', 'sent') THEN '0x' || encode(sha256(n::text::bytea), 'hex') ELSE '' END
  FROM generate_series(%(first)s::int, %(last)s) AS n,
       LATERAL (SELECT CASE WHEN n %% 100 < 2 THEN 'in_review' WHEN n %% 200 = 5 THEN 'on_hold'
                            WHEN n %% 200 = 7 THEN 'sent' WHEN n %% 1000 = 9 THEN 'approved'
                            WHEN n %% 20 = 11 THEN 'cancelled' WHEN n %% 50 = 13 THEN 'rejected'
                            ELSE 'paid' END AS state,
                       now() - (%(total)s - n) * interval '7 seconds' AS at) AS made,
       (SELECT array_agg(id) AS ids FROM accounts_user WHERE email LIKE 'fill%%') AS customers;
INSERT INTO payouts_withdrawalapproval (withdrawal_id, revision, approver_id, approved_at, reason, digest)
SELECT w.id, 1, (SELECT min(id) FROM accounts_user WHERE email LIKE 'fill%%'), w.requested_at, '', repeat('0', 64)
  FROM payouts_withdrawalrequest w
 WHERE w.idempotency_key LIKE 'fill-%%' AND w.state IN ('paid', 'sent', 'in_review') AND w.id %% 2 = 0
   AND NOT EXISTS (SELECT FROM payouts_withdrawalapproval a WHERE a.withdrawal_id = w.id);
"""
FILL_CUSTOMERS = """
SET session_replication_role = replica;
INSERT INTO accounts_user (password, is_superuser, email, full_name, is_active, is_staff, date_joined)
SELECT '!', false, 'fill' || n || '@example.com', '', true, false, now() FROM generate_series(1, %(count)s::int) n;
INSERT INTO accounts_userprofile (user_id, language, withdrawals_frozen_reason, thaw_reason)
SELECT id, 'ru', '', '' FROM accounts_user WHERE email LIKE 'fill%%';
"""


def run(bench: Bench) -> None:
    large_rows = bench.rows or LARGE
    small = bench.database("pages_small", migrate=())
    environment = _environment(bench, small)
    people = _people(environment)
    _sql(small, FILL_CUSTOMERS, count=CUSTOMERS)
    _fill(small, 1, SMALL, SMALL)
    small.server.clone_database("pages_large", template="pages_small")
    large = Database("pages_large", small.server, small.roles)
    _fill(large, SMALL + 1, large_rows, large_rows)
    with _Web(environment) as near, _Web(_environment(bench, large)) as far:
        bench.note(f"{SMALL} rows against {large_rows}; {REQUESTS} requests a round, median milliseconds")
        for name, address in PAGES.items():
            times = bench.alternate(
                small=_median(near, address, people["support"]), large=_median(far, address, people["support"])
            )
            bench.compare(
                f"pages_{name}",
                vs=f"{SMALL}_rows",
                ours=times["large"],
                baseline=times["small"],
                unit="ms",
                at_most=1.2,
            )
        times = bench.alternate(
            bare=_median(near, "/bare/", people["customer"]),
            bare_signed_in=_median(near, "/bare-signed-in/", people["customer"]),
            dashboard=_median(near, "/dashboard/", people["customer"]),
        )
        bench.compare(
            "pages_dashboard",
            vs="bare_view",
            ours=times["dashboard"],
            baseline=times["bare"],
            unit="ms",
            at_most=8,
        )
        bench.compare(
            "pages_dashboard",
            vs="bare_signed_in_view",
            ours=times["dashboard"],
            baseline=times["bare_signed_in"],
            unit="ms",
            at_most=8,
        )


def _environment(bench: Bench, database: Database) -> dict[str, str]:
    file = bench.folder / "networks.toml"
    networks.write(
        file, {code: networks.network(chain, rpc_urls=["http://127.0.0.1:1"]) for code, chain in CHAINS.items()}
    )
    return database.environment | {
        "DJANGO_SETTINGS_MODULE": "benchmarks._pages_settings",
        "PYTHONPATH": str(ROOT),
        "NETWORKS_FILE": str(file),
    }


def _people(environment: Mapping[str, str]) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._pages_people"],
        env=dict(environment), cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    cookies: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return cookies


def _sql(database: Database, text: str, **values: Any) -> None:
    server = database.server
    address = server.url(user="postgres", password=server.password, database=database.name)
    with psycopg.connect(address, cursor_factory=psycopg.ClientCursor) as session:
        session.execute(text, values)


def _fill(database: Database, first: int, last: int, total: int) -> None:
    _sql(database, FILL, first=first, last=last, total=total)
    server = database.server
    address = server.url(user="postgres", password=server.password, database=database.name)
    with psycopg.connect(address, autocommit=True) as session:
        session.execute("VACUUM ANALYZE")


class _Web:
    """One gunicorn worker, as production runs it, on a port of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        command = [
            sys.executable, "-m", "gunicorn", "portal.wsgi:application", "--bind", f"127.0.0.1:{self.port}",
            "--workers", "1", "--threads", "2", "--log-level", "error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env=dict(environment), cwd=ROOT)

    def __enter__(self) -> Self:
        wait_until(self._answers, what="the web server")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            self.get("/bare/", "")
        except OSError:
            return False
        return True

    def get(self, address: str, cookie: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", address, headers={"Cookie": cookie, "Host": "localhost"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{address} answered {answer.status}")
        finally:
            connection.close()


def _median(web: _Web, address: str, cookie: str) -> Callable[[], float]:
    def measure() -> float:
        for _ in range(WARM_UP):
            web.get(address, cookie)
        times = []
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            web.get(address, cookie)
            times.append((time.perf_counter() - begun) * 1000)
        return statistics.median(times)

    return measure
