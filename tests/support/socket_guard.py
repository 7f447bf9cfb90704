"""Refuses sockets inside database transactions, in any process that installs it. Imports Django only once it is there.

The database's own socket is libpq's, in C, so whatever goes through Python's `socket` is somebody else: a node, Valkey,
SMTP. A transaction that waits for the network holds its locks as long as the network likes, and what was sent cannot be
rolled back. The transactions that pytest-django wraps around a test do not count.
"""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

GUARDED = ("connect", "connect_ex", "send", "sendall", "sendmsg", "sendto")
MARK = "a socket was used inside a database transaction"


class SocketInsideTransaction(AssertionError):
    """The network was used while a transaction was open."""


def open_transactions() -> int:
    """Atomic blocks of this thread's connection, without those that only serve to roll a test back."""
    database = sys.modules.get("django.db")
    connections = getattr(database, "connections", None)
    if connections is None or not hasattr(connections._connections, "default"):  # asking for it would open one
        return 0
    blocks = connections["default"].atomic_blocks
    return sum(1 for block in blocks if not getattr(block, "_from_testcase", False))


def install(report: Callable[[str], None]) -> None:
    """Puts the guard around every socket of this process, for good. `report` gets the stack of each violation."""
    for name in GUARDED:
        setattr(socket.socket, name, _guarded(name, report))


def _guarded(name: str, report: Callable[[str], None]) -> Callable[..., Any]:
    plain = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        if open_transactions():
            where = "".join(traceback.format_stack(limit=12)[:-1])
            report(where)
            if name.startswith("connect"):
                self.close()  # who opened it expects errors of the network, and would leave this one open
            raise SocketInsideTransaction(f"socket.{name}: {MARK}, at:\n{where}")
        return plain(self, *args, **kwargs)

    guarded.__name__ = name
    return guarded
