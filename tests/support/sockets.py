"""Fails every test in which a socket is used inside a database transaction.

The database's own socket is libpq's, in C, so whatever goes through Python's `socket` is somebody else: a node, Valkey,
SMTP. A transaction that waits for the network holds its locks as long as the network likes, and what was sent cannot be
rolled back. The transactions that pytest-django wraps around a test do not count.
"""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

GUARDED = ("connect", "connect_ex", "send", "sendall", "sendmsg", "sendto")
_seen: list[str] = []


class SocketInsideTransaction(AssertionError):
    """The network was used while a transaction was open."""


def open_transactions() -> int:
    """Atomic blocks of this thread's connection, without those that only serve to roll a test back."""
    if not hasattr(connections._connections, "default"):  # asking for it would open one
        return 0
    blocks = connections["default"].atomic_blocks
    return sum(1 for block in blocks if not getattr(block, "_from_testcase", False))


def _guard(name: str) -> Callable[..., Any]:
    plain = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        if open_transactions():
            where = "".join(traceback.format_stack(limit=12)[:-1])
            _seen.append(where)
            raise SocketInsideTransaction(f"socket.{name} inside a database transaction, at:\n{where}")
        return plain(self, *args, **kwargs)

    guarded.__name__ = name
    return guarded


def pytest_configure() -> None:
    """Puts the guard around every socket of this process, for good."""
    for name in GUARDED:
        setattr(socket.socket, name, _guard(name))


@pytest.fixture(autouse=True)
def no_socket_inside_a_transaction() -> Iterator[None]:
    """A violation fails its test even where the code under test swallowed the exception."""
    _seen.clear()
    yield
    if _seen:
        found = "\n\n".join(_seen)
        _seen.clear()
        pytest.fail(f"a socket was used inside a database transaction:\n{found}", pytrace=False)


@pytest.fixture
def expected_socket_violations(no_socket_inside_a_transaction: None) -> Iterator[list[str]]:
    """For the guard's own tests: violations land here and fail nothing."""
    yield _seen
    _seen.clear()
