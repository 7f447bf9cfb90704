"""Chromium, once per test process, and the site whose pages the tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.journeys.site import opened, site
from tests.support.chromium import launched

__all__ = ["browser", "opened", "site"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's loop counts as running in this thread as long as it is open; Django would refuse the ORM.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched() as browser:
            yield browser
