"""Money on accounts, processes that post at once, and the check that everything ends with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.databases import CommittedDatabase
from tests.support.suite import Share
from tests.treasury.ledger.crowd import Crowd
from treasury.ledger import Posting, post
from treasury.ledger_checks import run_checks

Give = Callable[[int, int], None]


def available(customer_id: int) -> str:
    return f"customer:{customer_id}:available"


@pytest.fixture
def give() -> Give:
    """`give(customer_id, amount)`: money from nowhere, that is from the hot wallet's opening balance."""

    def act(customer_id: int, amount: int) -> None:
        post(Posting(f"give:{customer_id}:{amount}", "asset:arbitrum:hot", available(customer_id), amount, "test"))

    return act


@pytest.fixture(scope="session")
def assembled(share: Share) -> Iterator[Crowd]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
    crowd = Crowd(size=8, env=env | share.environment() | {"DJANGO_SETTINGS_MODULE": "portal.settings.test"})
    yield crowd
    crowd.close()


@pytest.fixture
def crowd(assembled: Crowd, committed_db: CommittedDatabase) -> Crowd:
    """Eight processes on a database in which commits are commits."""
    assembled.database = committed_db.name
    return assembled


def differences() -> list[str]:
    """What `check_ledger` would print, without what ties the ledger to other tables."""
    return [
        f"{each.check}: {each.subject}: expected {each.expected}, found {each.found}"
        for outcome in run_checks().outcomes
        for each in outcome.first
    ]
