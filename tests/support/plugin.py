"""Starts the suite's services before Django's settings are read. Loaded early, by `-p` in pyproject.toml."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from itertools import chain

import pytest

from tests.support import suite

SUITE = pytest.StashKey[suite.Suite]()
SHARE = pytest.StashKey[suite.Share]()


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


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look through it, nor so often."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, each worker some: one that began last would keep the others waiting. The rest stay random.

    The first worker gets those that share a demo, the shortest first; the others those that may take longest.
    Every worker collects the same list and xdist deals it out in equal slices.
    """
    demo = sorted((item for item in items if item.get_closest_marker("demo")), key=_patience)
    slow = [item for item in items if item.get_closest_marker("slow")]
    slow.sort(key=lambda item: (-_patience(item), item.nodeid))
    first = {*demo, *slow}
    rest = [item for item in items if item not in first]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    others = max(1, workers - 1)
    heads = [demo, *(slow[number::others] for number in range(others))] if workers > 1 else [demo + slow]
    slices: list[list[pytest.Item]] = []
    for number, head in enumerate(heads):
        size = len(items) * (number + 1) // workers - len(items) * number // workers
        taken = max(0, size - len(head))
        slices.append(head + rest[:taken])
        del rest[:taken]
    items[:] = [*chain.from_iterable(slices), *rest]


def _patience(item: pytest.Item) -> float:
    """Seconds that the test may take, by its own mark."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark and mark.args else 0.0
