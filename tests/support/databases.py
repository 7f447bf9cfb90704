"""Databases for tests: one per worker, rolled back after each test, and fresh copies for tests that really commit."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
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


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, share: Share, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommittedDatabase]:
    """A fresh copy of the template in which commits are commits; Django and started processes use it.

    It takes the place of the `db` fixture (use one or the other) and is dropped afterwards.
    """
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        raise pytest.UsageError("a test uses either `committed_db` or `db`, not both")
    name = f"{share.database}_{next(_numbers)}"
    postgres = share.services.postgres()
    postgres.clone_database(name, template=TEMPLATE)
    for variable, value in share.environment(name).items():
        monkeypatch.setitem(os.environ, variable, value)
    settings = connections.settings["default"]  # the very dictionary that every thread's connection reads
    with django_db_blocker.unblock():
        connections.close_all()
        own = settings["NAME"]
        settings["NAME"] = name
        try:
            yield CommittedDatabase(
                name=name,
                app_url=share.database_url("app", name),
                owner_url=share.database_url("owner", name),
                signer_url=share.database_url("signer", name),
            )
        finally:
            connections.close_all()
            settings["NAME"] = own
            postgres.drop_database(name)
