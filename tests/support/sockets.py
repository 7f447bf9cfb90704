"""Fails every test in which a socket is used inside a database transaction; see socket_guard.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import socket_guard
from tests.support.socket_guard import MARK, SocketInsideTransaction

_seen: list[str] = []


def pytest_configure() -> None:
    socket_guard.install(_seen.append)


@pytest.fixture(autouse=True)
def no_socket_inside_a_transaction() -> Iterator[None]:
    """A violation fails its test even where the code under test swallowed the exception."""
    _seen.clear()
    yield
    if _seen:
        found = "\n\n".join(_seen)
        _seen.clear()
        pytest.fail(f"{MARK}:\n{found}", pytrace=False)


@pytest.fixture
def expected_socket_violations(no_socket_inside_a_transaction: None) -> Iterator[list[str]]:
    """For the guard's own tests: violations land here and fail nothing."""
    yield _seen
    _seen.clear()


__all__ = ["SocketInsideTransaction", "expected_socket_violations", "no_socket_inside_a_transaction"]
