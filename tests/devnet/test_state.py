"""What a checkout remembers between runs."""

import socket
import tomllib

import pytest

from devnet import networks
from devnet.anvil import ARBITRUM, BSC
from devnet.run import wanted_port
from devnet.state import AlreadyRunning, PortTaken, State, choose_web_port, port_is_free


@pytest.fixture
def state(tmp_path):
    state = State(folder=tmp_path / "state")
    state.lock()
    yield state
    state.unlock()


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_one_state_folder_serves_one_run_at_a_time(state):
    with pytest.raises(AlreadyRunning, match="already running"):
        State(folder=state.folder).lock()


def test_secrets_are_made_once_and_only_we_can_read_them(state):
    first = state.secrets()
    assert state.secrets() == first
    for path in (state.folder / "secrets.json", state.passphrase_file):
        assert path.stat().st_mode & 0o077 == 0
    assert state.passphrase_file.read_text(encoding="utf-8") == first.passphrase
    assert len({first.secret_key, first.superuser, first.roles.app, first.roles.owner, first.roles.signer}) == 5


def test_ports_are_remembered(state):
    first = state.ports(web=None, held=set())
    assert len(set(first.values())) == len(first)
    assert state.ports(web=None, held=set()) == first


def test_a_port_that_another_program_took_is_replaced(state):
    first = state.ports(web=None, held=set())
    with socket.create_server(("127.0.0.1", first["smtp"])):
        second = state.ports(web=None, held=set())
    assert second["smtp"] != first["smtp"]
    assert second["arbitrum"] == first["arbitrum"]


def test_a_port_of_our_own_that_is_in_use_is_kept(state):
    first = state.ports(web=None, held=set())
    with socket.create_server(("127.0.0.1", first["arbitrum"])):
        assert state.ports(web=None, held={first["arbitrum"]})["arbitrum"] == first["arbitrum"]


def test_the_port_asked_for_is_taken_or_refused(taken):
    assert not port_is_free(taken)
    with pytest.raises(PortTaken, match="taken by another program"):
        choose_web_port(asked=taken, last=None, avoid=set())


def test_without_a_wish_the_next_free_port_is_taken(taken):
    chosen = choose_web_port(asked=None, last=taken, avoid=set())
    assert chosen != taken
    assert port_is_free(chosen)


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(PortTaken, match="not a port"):
        wanted_port()


def test_what_is_done_stays_done(state):
    assert state.done("migrated") == ""
    state.mark_done("migrated", "digest")
    assert State(folder=state.folder).done("migrated") == "digest"


def test_the_networks_file_reads_back(tmp_path):
    made = {
        "arbitrum": networks.network(ARBITRUM, rpc_urls=["http://127.0.0.1:1"]),
        "bsc": networks.network(BSC, rpc_urls=["http://127.0.0.1:2"], confirmations=7),
    }
    networks.write(tmp_path / "networks.toml", made)
    assert tomllib.loads((tmp_path / "networks.toml").read_text(encoding="utf-8")) == made
    assert made["bsc"]["confirmations"] == 7
