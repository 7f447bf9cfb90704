"""Networks, and no tries of other tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _networks(networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return networks


@pytest.fixture(autouse=True)
def _no_tries_of_others() -> None:
    cache.clear()
