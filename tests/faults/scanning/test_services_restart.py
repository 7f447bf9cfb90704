"""PostgreSQL or Valkey die and come back while deposits arrive: the worker goes on by itself, each is credited once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.db.utils import OperationalError
from pytest_django import Settings

from devnet import networks as devnet_networks
from devnet.anvil import ARBITRUM
from devnet.postgres import PostgresServer
from devnet.processes import wait_until
from devnet.valkey import ValkeyServer
from tests.support import cluster
from tests.support.chains import LocalChain
from tests.support.product import Product
from tests.support.rpc_proxy import RpcProxy
from tests.support.suite import Share
from tests.support.watching import Depositor, Depositors, Pool, check_books
from treasury.models import Deposit

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def own_postgres(product: Product, share: Share) -> Iterator[PostgresServer]:
    """A server of this test's own, used by Django here and by the product's processes."""
    folder = cluster.new_run_folder()
    server, secrets = cluster.start_copy(folder)
    url = server.url(user="exchequer_app", password=secrets.roles.app, database=cluster.TEMPLATE)
    product.changes["DATABASE_URL"] = url
    settings = connections.settings["default"]
    own = {key: settings[key] for key in ("HOST", "NAME")}
    connections.close_all()
    settings |= {"HOST": str(server.sockets), "NAME": cluster.TEMPLATE}
    yield server
    connections.close_all()
    settings |= own
    product.stop()
    if server.child:
        server.child.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_valkey(product: Product) -> Iterator[ValkeyServer]:
    """A server of this test's own, cache and broker of the product's processes."""
    folder = cluster.new_run_folder()
    server = ValkeyServer(state=folder)
    server.start()
    product.changes |= {
        "REDIS_URL": server.cache_url(0),
        "REDIS_URL_FOR_PUBSUB": server.cache_url(1),
        "CELERY_BROKER_URL": server.broker_url(2),
    }
    yield server
    product.stop()
    if server.child:
        server.child.kill()
    shutil.rmtree(folder, ignore_errors=True)


def wait_for(person: Depositor, amount_micro: int) -> None:
    def is_there() -> bool:
        try:
            return person.available == amount_micro
        except OperationalError:
            connections.close_all()
            return False

    wait_until(is_there, what=f"a balance of {amount_micro}", seconds=120)


def test_the_database_is_killed_and_comes_back(
    own_postgres: PostgresServer, product: Product, arbitrum: LocalChain, share: Share, settings: Settings
) -> None:
    signer = own_postgres.url(user="exchequer_signer", password=share.services.roles.signer, database=cluster.TEMPLATE)
    pool = Pool(signer)
    settings.ADDRESS_POOL_PUBLIC_KEY = pool.public_key
    anna = Depositors(pool).new()
    product.worker()
    product.beat()
    arbitrum.transfer(anna.address, 10_000_000)
    arbitrum.mine(6)
    wait_for(anna, 10_000_000)

    for expected in (30_000_000, 50_000_000):
        arbitrum.transfer(anna.address, 10_000_000)
        assert own_postgres.child is not None
        own_postgres.child.kill()
        arbitrum.transfer(anna.address, 10_000_000)
        arbitrum.mine(6)
        own_postgres.start()
        wait_for(anna, expected)
    assert Deposit.objects.filter(state=Deposit.State.CREDITED).count() == 5
    check_books()


def test_valkey_is_killed_while_the_node_keeps_a_task_waiting_and_comes_back(
    own_valkey: ValkeyServer, product: Product, arbitrum: LocalChain, anna: Depositor, proxy: RpcProxy, tmp_path: Path
) -> None:
    devnet_networks.write(
        tmp_path / "networks.toml", {"arbitrum": devnet_networks.network(ARBITRUM, rpc_urls=[proxy.url])}
    )
    product.changes["NETWORKS_FILE"] = str(tmp_path / "networks.toml")
    worker = product.worker()
    product.beat()
    arbitrum.transfer(anna.address, 10_000_000)
    arbitrum.mine(6)
    wait_for(anna, 10_000_000)

    assert own_valkey.child is not None
    asked = proxy.count("eth_getBlockByNumber")
    proxy.slow(1.5)
    wait_until(lambda: proxy.count("eth_getBlockByNumber") > asked, what="a task that waits for the node")
    own_valkey.child.kill()
    proxy.behave()
    own_valkey.start()
    for expected in (20_000_000, 30_000_000):  # the task that was under way may still see the first
        arbitrum.transfer(anna.address, 10_000_000)
        arbitrum.mine(6)
        wait_for(anna, expected)
    assert worker.running(), "nobody had to start it again"
    assert Deposit.objects.filter(state=Deposit.State.CREDITED).count() == 3
