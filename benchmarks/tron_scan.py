"""Solid blocks of TRON, 300 transactions each, a third of them USDT, one transfer in a thousand ours: JSON bytes to
deposits committed.

Against tronpy, which only decodes, and against a pool of a thousand addresses instead of a million (`--rows`).
"""

from __future__ import annotations

import itertools
import sys
from hashlib import sha256
from pathlib import Path

import psycopg

from benchmarks._tron_blocks import CHAIN_ID, FIRST_BLOCK, TOKEN, USDT, receipts
from benchmarks.support import Bench, Database
from devnet import networks
from treasury.chains.addresses import tron_address

BLOCKS = 200
BLOCKS_FOR_TRONPY = 50  # its rate does not depend on the number, and it takes its time
SMALL_POOL = 1_000
POOL = 1_000_000
_runs = itertools.count(1)


def run(bench: Bench) -> None:
    small = _database(bench, "tron_scan_small", SMALL_POOL)
    large = _database(bench, "tron_scan_large", bench.rows or POOL)
    bodies = bench.folder / "receipts.jsonl"
    made = (receipts(FIRST_BLOCK + place, ours=(), seed="peers") for place in range(BLOCKS_FOR_TRONPY))
    bodies.write_bytes(b"\n".join(made))
    tronpy = [sys.executable, str(Path(__file__).parent / "_tron_scan_peers.py"), str(bodies)]
    rates = bench.alternate(
        product=lambda: _product(bench, large),
        product_small_pool=lambda: _product(bench, small),
        tronpy=lambda: bench.rate(tronpy, count=1, env=small.environment),
    )
    bench.compare("tron_scan", vs="tronpy", ours=rates["product"], baseline=rates["tronpy"], unit="logs/s", at_least=20)
    bench.compare(
        "tron_scan_large_pool",
        vs="1k_addresses",
        ours=BLOCKS * USDT / rates["product"] * 1000,
        baseline=BLOCKS * USDT / rates["product_small_pool"] * 1000,
        unit="ms",
        at_most=1.5,
    )


def _product(bench: Bench, database: Database) -> float:
    command = [sys.executable, "-m", "benchmarks._tron_scan_client", str(BLOCKS), f"run{next(_runs)}"]
    environment = database.environment | {"NETWORKS_FILE": str(_networks_file(bench))}
    (report,) = bench.clients(command, count=1, env=environment)
    bench.note(
        f"pool {report['pool']:.0f}: {report['seconds'] * 1000:.0f} ms for {BLOCKS} blocks of"
        f" {report['block_kb']:.0f} kB, {report['grew_mb']:.0f} MB of memory;"
        f" the filter was filled in {report['load_seconds']:.1f} s"
    )
    return report["done"] / report["seconds"]


def _networks_file(bench: Bench) -> Path:
    path = bench.folder / "tron_scan_networks.toml"
    if not path.exists():
        made = networks.tron(
            rpc_urls=["http://127.0.0.1:1"],
            chain_id=CHAIN_ID,
            token_contract=tron_address(bytes.fromhex(TOKEN)),
            confirmations=0,  # so that everything is solid, and each block is read once
        )
        networks.write(path, {"tron": made})
    return path


def _database(bench: Bench, name: str, rows: int) -> Database:
    """A migrated database with so many deposit addresses of TRON."""
    database = bench.database(name, migrate=("treasury",))
    bench.note(f"filling {name} with {rows} addresses")
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        copied = "COPY treasury_depositaddress (family, address, derivation_index, signature, created_at) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copied) as copy:
            for number in range(rows):
                address = tron_address(sha256(b"pool%d" % number).digest()[:20])
                copy.write_row(("tron", address, number, b"", "2026-01-01"))
        connection.execute("VACUUM ANALYZE treasury_depositaddress")
    with bench.postgres.connect(name) as connection:  # or the server writes the pool to disk while the clock runs
        connection.execute("CHECKPOINT")
    return database
