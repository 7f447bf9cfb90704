"""Fixtures of the whole suite. Real services only: see tests/support."""

from __future__ import annotations

pytest_plugins = [
    "tests.support.databases",
    "tests.support.chains",
    "tests.support.mail",
    "tests.support.paying",
    "tests.support.product",
    "tests.support.rpc_proxy",
    "tests.support.sockets",
]
