"""Every test here knows two networks and has a cache of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _networks(networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return networks


@pytest.fixture(autouse=True)
def _no_tries_of_others() -> None:
    """Users of different databases share ids: what one test's users tried is not the next one's."""
    cache.clear()
