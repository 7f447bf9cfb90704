"""Databases for tests: one per worker, rolled back after each test, and fresh copies for tests that really commit."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from devnet.postgres import PostgresServer
from tests.support import recycling
from tests.support.cluster import TEMPLATE
from tests.support.plugin import SHARE
from tests.support.suite import Share

_numbers = itertools.count(1)
_desk: dict[str, psycopg.Connection] = {}  # one connection to the server, kept: each costs 6 ms
_spare: list[recycling.Copy] = []  # as good as new, under the name that the next test will know


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


def _next_name(share: Share) -> str:
    return f"{share.database}_{next(_numbers)}"


@contextmanager
def cloned_database(share: Share) -> Iterator[CommittedDatabase]:
    """A fresh copy of the template, or one that was made as good as new."""
    postgres = share.services.postgres()
    if _spare:
        copy = _spare.pop()
    else:
        name = _next_name(share)
        postgres.clone_database(name, template=TEMPLATE)
        copy = recycling.Copy.describe(postgres, name)
    try:
        yield CommittedDatabase(
            name=copy.name,
            app_url=share.database_url("app", copy.name),
            owner_url=share.database_url("owner", copy.name),
            signer_url=share.database_url("signer", copy.name),
        )
    finally:
        if _is_as_new(postgres, copy, _next_name(share)):
            _spare.append(copy)
        else:
            postgres.drop_database(copy.name)


def _is_as_new(postgres: PostgresServer, copy: recycling.Copy, name: str) -> bool:
    """Whether the next test may have it, under that name."""
    if "any" not in _desk:
        _desk["any"] = postgres.connect()
    if not recycling.renamed(_desk["any"], copy, name):
        return False
    with postgres.connect(name) as connection:
        return recycling.emptied(connection, copy)


def pytest_unconfigure() -> None:
    if "any" in _desk:
        _desk.pop("any").close()


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
