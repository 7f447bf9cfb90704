"""Fixtures of the whole suite. Real services only: see tests/support."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

pytest_plugins = [
    "tests.journeys.demo",
    "tests.support.databases",
    "tests.support.tron",
    "tests.support.chains",
    "tests.support.mail",
    "tests.support.paying",
    "tests.support.paying_on_tron",
    "tests.support.product",
    "tests.support.rpc_proxy",
    "tests.support.sockets",
    "tests.support.static_files",
]
