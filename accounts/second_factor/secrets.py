"""Seeds of second factors at rest: encrypted with keys that the database does not hold."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SeedUnreadable(Exception):
    """A stored seed was not encrypted with any of our keys, or was changed."""


def encrypt(text: str) -> str:
    """`text`, readable only with the first of SECOND_FACTOR_KEYS."""
    return _keys(tuple(settings.SECOND_FACTOR_KEYS)).encrypt(text.encode()).decode("ascii")


def decrypt(stored: str) -> str:
    """What was encrypted with any of SECOND_FACTOR_KEYS: an old key stays in the list until all is written anew.

    Raises SeedUnreadable.
    """
    try:
        return _keys(tuple(settings.SECOND_FACTOR_KEYS)).decrypt(stored.encode("ascii")).decode()
    except (InvalidToken, UnicodeError) as error:
        raise SeedUnreadable("a second factor's seed cannot be read with the keys in the settings") from error


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
