"""A real password hasher that says how often it was asked to work: what an answer costs, without a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    algorithm = "counting"
    work = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).work += 1
        return super().encode(password, salt)


def hashings_of(deed: Callable[[], Any]) -> tuple[Any, int]:
    """What came of the deed, and how many passwords were hashed for it."""
    before = CountingHasher.work
    came = deed()
    return came, CountingHasher.work - before
