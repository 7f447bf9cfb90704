"""The one table that `make run` ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in to the demo."""

    email: str
    password: str
    what: str


def table(addresses: Sequence[tuple[str, str]], people: Sequence[Person]) -> str:
    """Two blocks of one table: where to go, and as whom."""
    left = max(len(name) for name, _ in [*addresses, *((each.email, "") for each in people), ("Sign in as", "")])
    rows = [*addresses, *((each.email, f"{each.password}   {each.what}") for each in people)]
    width = left + 5 + max(len(value) for _, value in rows)
    rule = "─" * width
    lines = [rule, *(f"  {name:<{left}}   {value}" for name, value in addresses), rule]
    lines += [f"  {'Sign in as':<{left}}   password"]
    lines += [f"  {each.email:<{left}}   {each.password}   {each.what}" for each in people]
    return "\n".join([*lines, rule])
