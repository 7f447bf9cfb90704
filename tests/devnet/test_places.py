"""Where a checkout's things go when they cannot lie in its state folder."""

import os
from pathlib import Path

import pytest

from devnet import places
from devnet.places import Account

NOBODY = Account(uid=65534, gid=65534, name="nobody")


@pytest.fixture
def closed(tmp_path):
    """A folder that only its owner may enter, with a state folder inside."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    state = folder / "state"
    state.mkdir()
    yield state
    for outside in places.outside_folders(state):
        places.shutil.rmtree(outside, ignore_errors=True)


def test_a_short_socket_path_stays_in_the_state_folder(tmp_path_factory):
    state = Path("/tmp") / f"exchequer-places-{os.getpid()}"
    state.mkdir()
    try:
        assert places.socket_folder(state, "valkey", longest_file="valkey.sock") == state / "run" / "valkey"
    finally:
        places.shutil.rmtree(state)


def test_a_long_socket_path_moves_to_a_private_folder_that_fits(tmp_path):
    state = tmp_path / ("long" * 30)
    state.mkdir()
    folder = places.socket_folder(state, "valkey", longest_file="valkey.sock")
    try:
        assert len(str(folder / "valkey.sock")) <= places.LONGEST_SOCKET_PATH
        assert folder.stat().st_mode & 0o777 == 0o700
        assert any(folder.is_relative_to(each) for each in places.outside_folders(state))
    finally:
        for outside in places.outside_folders(state):
            places.shutil.rmtree(outside, ignore_errors=True)


def test_two_checkouts_never_share_a_folder(tmp_path):
    first, second = places.outside_folders(tmp_path / "one"), places.outside_folders(tmp_path / "two")
    assert not set(first) & set(second)


def test_an_account_that_cannot_enter_a_parent_is_noticed(closed):
    assert not places.may_enter(closed, NOBODY)
    assert places.may_enter(closed, None)
    closed.parent.chmod(0o711)
    closed.chmod(0o700)
    assert not places.may_enter(closed, NOBODY)


def test_data_that_its_account_cannot_reach_lies_outside_and_is_linked(closed):
    if os.geteuid() != 0:
        return  # only root has another account to run a server as
    folder = places.data_folder(closed, "postgres", NOBODY)
    assert not folder.is_relative_to(closed)
    assert folder.stat().st_uid == NOBODY.uid
    assert (closed / "postgres").resolve() == folder
    assert places.data_folder(closed, "postgres", NOBODY) == folder


def test_programs_that_an_account_cannot_reach_are_copied_with_their_neighbours(closed):
    base = closed / "packages"
    (base / "program" / "bin").mkdir(parents=True)
    (base / "program" / "bin" / "tool").write_text("#!/bin/sh\n", encoding="utf-8")
    (base / "program.libs").mkdir()
    (base / "program.libs" / "lib.so").write_text("", encoding="utf-8")
    copy = places.reachable_tree(base, ["program", "program.libs"], closed, NOBODY)
    assert places.may_enter(copy, NOBODY)
    assert (copy / "program" / "bin" / "tool").exists()
    assert (copy / "program.libs" / "lib.so").exists()
    assert places.reachable_tree(base, ["program", "program.libs"], closed, NOBODY) == copy


def test_a_symbolic_link_in_place_of_a_private_folder_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError):
        places.private_folder(tmp_path / "ours")
