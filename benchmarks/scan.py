"""50,000 Transfer logs in one answer, one in a hundred to our addresses: JSON bytes to deposits committed.

Against one million deposit addresses, and against ten million (`--rows`). The peers only decode.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import psycopg

from benchmarks._scan_logs import TOKEN, logs
from benchmarks.support import Bench, Database
from devnet import networks
from devnet.anvil import ARBITRUM

LOGS = 50_000
LOGS_FOR_WEB3 = 10_000  # its rate does not depend on the number, and it takes its time
POOL = 1_000_000
LARGE_POOL = 10_000_000
_runs = itertools.count(1)

# Addresses are lower case here but for the first 1,000, whose form decides whether the join finds them.
FILL = """
    INSERT INTO treasury_depositaddress (family, address, derivation_index, signature, created_at)
    SELECT 'evm', '0x' || encode(substr(sha256(('pool' || n)::bytea), 1, 20), 'hex'), n, '\\x', now()
    FROM generate_series(%s::bigint, %s::bigint) AS n
"""


def run(bench: Bench) -> None:
    small = _database(bench, "scan_small", POOL)
    large = _database(bench, "scan_large", bench.rows or LARGE_POOL)
    body, part = bench.folder / "logs.json", bench.folder / "logs_for_web3.json"
    body.write_bytes(logs(LOGS, ours=(), first_block=1, seed="peers"))
    part.write_bytes(logs(LOGS_FOR_WEB3, ours=(), first_block=1, seed="web3"))
    here = Path(__file__).parent
    etl = [str(bench.peer_python("ethereum-etl")), str(here / "peers" / "ethereum_etl" / "client.py"), str(body)]
    web3 = [sys.executable, str(here / "_scan_web3_client.py"), str(part)]
    web3_raw = [*web3, "raw"]
    rates = bench.alternate(
        product=lambda: _product(bench, small),
        product_large_pool=lambda: _product(bench, large),
        ethereum_etl=lambda: bench.rate(etl, count=1, env=small.environment),
        web3=lambda: bench.rate(web3, count=1, env=small.environment),
        web3_undecoded=lambda: bench.rate(web3_raw, count=1, env=small.environment),
    )
    ours = rates["product"]
    bench.compare("scan", vs="ethereum-etl", ours=ours, baseline=rates["ethereum_etl"], unit="logs/s", at_least=4)
    bench.compare("scan", vs="web3.get_logs", ours=ours, baseline=rates["web3"], unit="logs/s", at_least=100)
    bench.note(
        f"web3.py's eth.get_logs, which leaves the Transfers undecoded: {ours / rates['web3_undecoded']:.0f} times"
    )
    bench.compare(
        "scan_large_pool",
        vs="1M_addresses",
        ours=LOGS / rates["product_large_pool"] * 1000,
        baseline=LOGS / ours * 1000,
        unit="ms",
        at_most=1.5,
    )


def _product(bench: Bench, database: Database) -> float:
    command = [sys.executable, "-m", "benchmarks._scan_client", str(LOGS), f"run{next(_runs)}"]
    environment = database.environment | {"NETWORKS_FILE": str(_networks_file(bench))}
    (report,) = bench.clients(command, count=1, env=environment)
    bench.note(
        f"pool {report['pool']:.0f}: {report['seconds'] * 1000:.0f} ms, peak memory {report['peak_mb']:.0f} MB"
        f" (+{report['grew_mb']:.0f} for the answer); the filter was filled in {report['load_seconds']:.1f} s"
    )
    return report["done"] / report["seconds"]


def _networks_file(bench: Bench) -> Path:
    path = bench.folder / "scan_networks.toml"  # not that of the pages: it has the scan's own token
    if not path.exists():
        made = networks.network(ARBITRUM, rpc_urls=["http://127.0.0.1:1"], token=TOKEN)
        networks.write(path, {"arbitrum": made})
    return path


def _database(bench: Bench, name: str, rows: int) -> Database:
    """A migrated database with so many deposit addresses; their indexes are made at the end, which is faster."""
    database = bench.database(name, migrate=("treasury",))
    bench.note(f"filling {name} with {rows} addresses")
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DROP CONSTRAINT deposit_address_once")
        connection.execute("ALTER TABLE treasury_depositaddress DROP CONSTRAINT deposit_address_index_once")
        connection.execute("DROP INDEX deposit_address_free")
        for first in range(1, rows + 1, 1_000_000):
            connection.execute(FILL, [first, min(first + 999_999, rows)])
        _checksum_the_first(connection)
        connection.execute(
            "ALTER TABLE treasury_depositaddress ADD CONSTRAINT deposit_address_once UNIQUE (family, address)"
        )
        connection.execute("VACUUM ANALYZE treasury_depositaddress")
    with bench.postgres.connect(name) as connection:  # or the server writes the pool to disk while the clock runs
        connection.execute("CHECKPOINT")
    return database


def _checksum_the_first(connection: psycopg.Connection) -> None:
    from treasury.chains.addresses import checksummed

    connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
    rows = connection.execute("SELECT id, address FROM treasury_depositaddress ORDER BY id LIMIT 1000").fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE treasury_depositaddress SET address = %s WHERE id = %s",
            [(checksummed(address), row_id) for row_id, address in rows],
        )
    connection.execute("ALTER TABLE treasury_depositaddress ENABLE TRIGGER guard")
