"""The supervisor of `make run`."""

import os
import signal
import sys

import pytest

from devnet import supervisor as module
from devnet.processes import Child, wait_until
from devnet.supervisor import Stop, Supervisor


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(said, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.02)
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


def add(supervisor, tmp_path, *, name="web", code="import time; time.sleep(60)"):
    child = Child(
        name=name, command=[sys.executable, "-c", code], log=tmp_path / f"{name}.log", pid_file=tmp_path / name
    )
    child.spawn()
    supervisor.add(child)
    return child


def test_a_child_that_was_killed_is_started_again(supervisor, said, tmp_path):
    child = add(supervisor, tmp_path)
    first = child.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait()
    wait_until(supervisor.look, what="the restart")
    assert child.running()
    assert child.pid != first
    assert supervisor.pids() == {"web": child.pid}
    assert "killed by SIGKILL" in said[0]


def test_a_child_that_keeps_ending_is_tried_ever_more_seldom(supervisor, said, tmp_path):
    add(supervisor, tmp_path, code="raise SystemExit(3)")
    pauses = []
    for _ in range(4):
        wait_until(supervisor.look, what="the restart", seconds=10)
        pauses.append(supervisor.watched[0].pause)
        supervisor.watched[0].child.process.wait()
    assert pauses == sorted(set(pauses))
    assert "exit code 3" in said[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_being_asked_to_end_ends_the_watch_and_every_child(supervisor, tmp_path, number):
    web, database = add(supervisor, tmp_path), add(supervisor, tmp_path, name="postgres")

    def watch():
        with supervisor.signals():
            os.kill(os.getpid(), number)
            supervisor.watch(lambda: None)

    with pytest.raises(Stop):
        watch()
    supervisor.stop()
    assert not web.running()
    assert not database.running()


def test_the_product_ends_before_what_it_depends_on(supervisor, tmp_path):
    asked = []
    for name in ("postgres", "worker"):
        child = add(supervisor, tmp_path, name=name)
        child.stop = lambda *, seconds=0, name=name, stop=child.stop: (asked.append(name), stop(seconds=seconds))
    supervisor.stop()
    assert asked == ["worker", "postgres"]
