"""Places of this room where a test may kill a process. A higher room installs what happens there; else nothing does."""

from __future__ import annotations

from collections.abc import Callable


def _go_on(name: str) -> None:
    """What a place does when nobody installed anything."""


_hit: Callable[[str], None] = _go_on


def install(hit: Callable[[str], None]) -> None:
    """From now on `hit` is called with a place's name."""
    global _hit  # noqa: PLW0603  # one per process, set once as it starts
    _hit = hit


def hit(name: str) -> None:
    """Pass the place called `name`."""
    _hit(name)
