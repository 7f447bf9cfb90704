"""PostgreSQL with the product's roles, and the local chains."""

import os
import signal
import time

import psycopg
import pytest

from devnet.anvil import ARBITRUM, PORTS, Anvil, free_port
from devnet.pacing import IDLE_SECONDS, Pace
from devnet.processes import wait_until
from tests.support import cluster


@pytest.fixture(scope="module")
def folder():
    folder = cluster.new_run_folder()
    yield folder
    cluster.shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(folder):
    cluster.shutil.rmtree(folder / "postgres", ignore_errors=True)
    server, _ = cluster.start_copy(folder)
    yield server
    server.child.kill()


def as_role(share, role, database):
    return psycopg.connect(share.database_url(role, database), autocommit=True)


def test_the_database_comes_back_after_sigkill_with_the_dead_servers_locks_in_place(server):
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.process.wait()
    assert (server.data / "postmaster.pid").exists()
    server.spawn()
    server.wait()
    assert server.answers()


def test_a_lock_whose_number_belongs_to_another_program_does_not_keep_the_database_down(server):
    server.stop()
    lock = f"{os.getpid()}\n{server.data}\n1\n5432\n{server.sockets}\n\n"
    (server.data / "postmaster.pid").write_text(lock, encoding="utf-8")
    server.spawn()
    server.wait()
    assert server.answers()


def test_the_lock_of_a_living_server_is_never_taken_away(server):
    server._clear_stale_locks()
    assert (server.data / "postmaster.pid").exists()


def test_the_socket_asks_for_a_password(share, committed_db):
    for role in ("owner", "app", "signer"):
        url = share.database_url(role, committed_db.name)
        secret = getattr(share.services.roles, role)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(secret, "guess"))


def test_roles_are_as_small_as_they_should_be(share, committed_db):
    with as_role(share, "app", committed_db.name) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE mine (id int)")
    with as_role(share, "signer", committed_db.name) as signer, pytest.raises(psycopg.errors.InsufficientPrivilege):
        signer.execute("SELECT * FROM accounts_user")
    with as_role(share, "app", committed_db.name) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SET ROLE exchequer_ledger")
    with as_role(share, "owner", committed_db.name) as owner:
        rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname LIKE 'exchequer_%%'"
        assert not any(row[0] for row in owner.execute(rights))


def test_nobody_may_execute_the_owners_new_functions_until_they_are_granted(share, committed_db):
    with as_role(share, "owner", committed_db.name) as owner:
        owner.execute("CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with as_role(share, "app", committed_db.name) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SELECT secret()")


def test_roles_can_be_set_up_again(server):
    roles = cluster.Roles.generate()
    for _ in range(2):
        server.run_roles_sql(cluster.TEMPLATE, roles)
    with psycopg.connect(server.url(user="exchequer_app", password=roles.app, database=cluster.TEMPLATE)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("exchequer_app",)


@pytest.fixture
def chain(tmp_path, anvil_installed):
    chain = Anvil(
        ARBITRUM, port=free_port(), log=tmp_path / "log", state_file=tmp_path / "state.json", state_interval=1
    )
    yield chain
    if chain.child:
        chain.child.kill()


def test_a_chain_goes_on_where_it_ended(chain):
    chain.start()
    chain.mine(7)
    block = chain.call("eth_getBlockByNumber", "latest", False)
    chain.stop()
    chain.start()
    assert chain.call("eth_getBlockByNumber", "latest", False)["hash"] == block["hash"]


def test_a_state_file_cut_short_is_put_aside(chain):
    chain.state_file.write_text('{"block": ', encoding="utf-8")
    chain.start()
    assert chain.height == 0
    assert chain.state_file.with_suffix(".broken").exists()


def test_an_idle_chain_is_slowed_down_and_speeds_up_when_it_is_used(chain, monkeypatch):
    chain.block_seconds = 1
    chain.start()
    pace = Pace(chain.url)
    pace.look()
    assert pace.seconds == 1
    pace.busy_at -= 3600
    pace.look()
    assert pace.seconds == IDLE_SECONDS
    chain.call("eth_sendTransaction", {"from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "to": chain_owner()})
    began = time.monotonic()
    pace.look()
    assert pace.seconds == 1
    height = chain.height
    wait_until(lambda: chain.height > height, what="the next block")
    assert time.monotonic() - began < 20


def chain_owner():
    return "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_ports_are_given_once_and_none_that_an_outgoing_connection_could_take() -> None:
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50
    assert set(given) <= set(PORTS)
    assert free_port(given[0]) == given[0], "one that is asked for by number is given again"
