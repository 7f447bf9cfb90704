"""Starting and ending the processes of one checkout, and of no other."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from devnet.processes import (
    Child,
    ServiceError,
    carries,
    end_leftovers,
    remember,
    remembered,
    session_members,
    wait_until,
)

SLEEP = "import time; time.sleep(60)"
WITH_A_CHILD = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def start(tmp_path):
    started = []

    def start_one(code=SLEEP, *, name="one", **more):
        child = Child(
            name=name, command=[sys.executable, "-c", code], log=tmp_path / f"{name}.log",
            pid_file=tmp_path / "pids" / f"{name}.json", **more,
        )  # fmt: skip
        child.spawn()
        started.append(child)
        return child

    yield start_one
    for child in started:
        child.kill()


def members(child):
    return [each for each in session_members(child.pid) if each.status() != psutil.STATUS_ZOMBIE]


def nobody(process):
    return False


def test_a_child_ends_with_everything_it_started(start):
    child = start(WITH_A_CHILD)
    wait_until(lambda: len(members(child)) == 2, what="the grandchild")
    child.stop()
    assert members(child) == []
    assert not child.pid_file.exists()


def test_a_child_that_does_not_listen_is_killed(start):
    child = start(STUBBORN)
    wait_until(lambda: "up" in child.last_words(), what="the child", child=child)
    child.stop(seconds=0.2)
    assert not child.running()


def test_a_child_dies_with_a_starter_that_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from devnet.processes import Child\n"
        f"child = Child(name='x', command=[sys.executable, '-c', {SLEEP!r}], log=Path({str(tmp_path / 'x.log')!r}))\n"
        "child.spawn(); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        orphan = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    wait_until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, what="the orphan's end")


def test_what_does_not_come_up_is_reported_with_its_last_words(start):
    child = start("raise SystemExit('no such luck')")
    with pytest.raises(ServiceError, match="no such luck"):
        wait_until(lambda: False, what="the program", child=child)


def test_leftovers_of_an_earlier_run_are_ended(start):
    child = start()
    found = end_leftovers([child.pid_file], belongs=nobody, seconds=2)
    assert found == ["one"]
    assert not members(child)
    assert not child.pid_file.exists()


def test_a_process_that_only_bears_an_old_number_is_left_alone(start):
    child = start()
    facts = json.loads(child.pid_file.read_text(encoding="utf-8"))
    child.pid_file.write_text(json.dumps(facts | {"started": facts["started"] - 100}), encoding="utf-8")
    assert remembered(child.pid_file) is None
    assert end_leftovers([child.pid_file], belongs=nobody, seconds=1) == []
    assert child.running()


def test_members_that_outlived_their_leader_are_ended_if_they_carry_our_mark(start):
    env = {**os.environ, "EXCHEQUER_STATE": "/ours"}
    child = start(WITH_A_CHILD, env=env)
    wait_until(lambda: len(members(child)) == 2, what="the grandchild")
    os.kill(child.pid, signal.SIGKILL)
    child.process.wait()
    assert end_leftovers([child.pid_file], belongs=carries("EXCHEQUER_STATE", "/theirs"), seconds=1) == []
    assert len(members(child)) == 1
    remember_again(child)
    assert end_leftovers([child.pid_file], belongs=carries("EXCHEQUER_STATE", "/ours"), seconds=1) == ["one"]
    assert members(child) == []


def remember_again(child):
    child.pid_file.write_text(json.dumps({"pid": child.pid, "started": 1.0}), encoding="utf-8")


def test_a_dead_process_is_not_remembered(start):
    child = start()
    child.kill()
    remember(child.pid_file, child.pid)
    assert remembered(child.pid_file) is None
