"""Starts the suite's services before Django's settings are read. Loaded early, by `-p` in pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.support import suite

SUITE = pytest.StashKey[suite.Suite]()
SHARE = pytest.StashKey[suite.Share]()

ONLY_ASKS = {"--collect-only", "--co", "--help", "-h", "--version", "-V", "--fixtures", "--markers"}


def _only_asks(args: list[str]) -> bool:
    return any(
        each in {"--collect-only", "--co", "--help", "-h", "--version", "-V", "--fixtures", "--markers"}
        for each in args
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """A wrapper runs before pytest-django, which loads the settings in this hook."""
    services = suite.published()
    if services is None and not _only_asks(args):
        running = suite.Suite()
        early_config.stash[SUITE] = running
        early_config.add_cleanup(running.stop)
        services = running.start()
        suite.publish(services)
    if services is None:
        services = suite.Services(
            folder=str(suite.cluster.new_run_folder()), superuser_password="-", owner_password="-", app_password="-",
            signer_password="-",
        )  # fmt: skip
    early_config.stash[SHARE] = suite.take_share(services, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield
