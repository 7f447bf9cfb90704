"""Databases for tests: one per worker, rolled back after each test, and fresh copies for tests that really commit."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests.support.cluster import TEMPLATE
from tests.support.plugin import SHARE
from tests.support.suite import Share

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def share(pytestconfig: pytest.Config) -> Share:
    """This worker's share of the running services."""
    return pytestconfig.stash[SHARE]


@pytest.fixture(scope="session")
def django_db_setup(share: Share, django_db_blocker: DjangoDbBlocker) -> None:
    """Replaces pytest-django's: the worker's database is a copy of the migrated template, used as exchequer_app."""
    share.services.postgres().clone_database(share.database, template=TEMPLATE)


@dataclass(frozen=True)
class CommittedDatabase:
    """A database of its own, for one test. The URLs are those of the product's three roles."""

    name: str
    app_url: str
    owner_url: str
    signer_url: str


@contextmanager
def cloned_database(share: Share) -> Iterator[CommittedDatabase]:
    """A fresh copy of the template, dropped afterwards."""
    name = f"{share.database}_{next(_numbers)}"
    postgres = share.services.postgres()
    postgres.clone_database(name, template=TEMPLATE)
    try:
        yield CommittedDatabase(
            name=name,
            app_url=share.database_url("app", name),
            owner_url=share.database_url("owner", name),
            signer_url=share.database_url("signer", name),
        )
    finally:
        postgres.drop_database(name)


@contextmanager
def used_by_django(database: CommittedDatabase, share: Share, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django, and processes that get this process's environment, work on that database."""
    settings = connections.settings["default"]  # the very dictionary that every thread's connection reads
    with pytest.MonkeyPatch.context() as patch, blocker.unblock():
        for variable, value in share.environment(database.name).items():
            patch.setitem(os.environ, variable, value)
        connections.close_all()
        patch.setitem(settings, "NAME", database.name)
        try:
            yield
        finally:
            connections.close_all()


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, share: Share, django_db_blocker: DjangoDbBlocker
) -> Iterator[CommittedDatabase]:
    """A fresh copy of the template in which commits are commits; Django and started processes use it.

    It takes the place of the `db` fixture (use one or the other) and is dropped afterwards.
    """
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        raise pytest.UsageError("a test uses either `committed_db` or `db`, not both")
    with cloned_database(share) as database, used_by_django(database, share, django_db_blocker):
        yield database
