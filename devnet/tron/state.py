"""What the chain knows, with a way back: tables of immutable values under nested scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Undo = dict[tuple[str, Any], Any]  # (table, key) -> the value before, None where there was none

TABLES = ("accounts", "contracts", "contract_states", "code", "storage", "delegations", "parameters", "properties")


class State:
    """Tables that remember, per open scope, what they held before.

    Values are never changed in place: a changed one is put anew. None means "not there".
    """

    def __init__(self, tables: Mapping[str, Mapping[Any, Any]] | None = None) -> None:
        self.tables: dict[str, dict[Any, Any]] = {name: dict((tables or {}).get(name, {})) for name in TABLES}
        self.scopes: list[Undo] = []

    def get(self, table: str, key: Any, default: Any = None) -> Any:
        found = self.tables[table].get(key)
        return default if found is None else found

    def put(self, table: str, key: Any, value: Any) -> None:
        rows = self.tables[table]
        if self.scopes:
            scope = self.scopes[-1]
            if (table, key) not in scope:
                scope[(table, key)] = rows.get(key)
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value

    def begin(self) -> int:
        """Opens a scope; returns its depth."""
        self.scopes.append({})
        return len(self.scopes)

    def commit(self) -> Undo:
        """Closes the innermost scope and keeps what it changed; returns how to undo it."""
        undo = self.scopes.pop()
        if self.scopes:
            outer = self.scopes[-1]
            for place, before in undo.items():
                outer.setdefault(place, before)
        return undo

    def rollback(self) -> None:
        """Closes the innermost scope and takes back what it changed."""
        self._restore(self.scopes.pop())

    def rollback_to(self, depth: int) -> None:
        """Takes back the scope of that depth, and those within it that a broken run left open."""
        while len(self.scopes) >= depth:
            self.rollback()

    def take_back(self, undo: Undo) -> None:
        """Undoes what was committed, newest first. Only outside of any scope."""
        assert not self.scopes, "a scope is open"  # noqa: S101  # a bug of ours
        self._restore(undo)

    def _restore(self, undo: Undo) -> None:
        for (table, key), before in undo.items():
            if before is None:
                self.tables[table].pop(key, None)
            else:
                self.tables[table][key] = before

    def copy(self) -> dict[str, dict[Any, Any]]:
        return {name: dict(rows) for name, rows in self.tables.items()}


@dataclass(frozen=True)
class Earlier:
    """The state as it was: reads through what later blocks and the pool changed, oldest change first."""

    state: State
    undos: Sequence[Undo]

    def get(self, table: str, key: Any, default: Any = None) -> Any:
        place = (table, key)
        for undo in self.undos:
            if place in undo:
                before = undo[place]
                return default if before is None else before
        return self.state.get(table, key, default)

    def keys(self, table: str) -> Iterator[Any]:
        """Every key of a table, at that time."""
        changed = {key: None for undo in self.undos for name, key in undo if name == table}
        for key in {**dict.fromkeys(self.state.tables[table]), **changed}:
            if self.get(table, key) is not None:
                yield key

    def writable(self) -> State:
        """A state over this one that may be written to and is thrown away, e.g. for a constant call."""
        return _Above(self)


class _Above(State):
    """Its tables hold only what was written, None for what was taken away; the rest is read from below."""

    def __init__(self, below: Earlier) -> None:
        super().__init__()
        self.below = below

    def get(self, table: str, key: Any, default: Any = None) -> Any:
        rows = self.tables[table]
        found = rows[key] if key in rows else self.below.get(table, key)
        return default if found is None else found

    def put(self, table: str, key: Any, value: Any) -> None:
        if self.scopes:
            scope = self.scopes[-1]
            if (table, key) not in scope:
                scope[(table, key)] = self.get(table, key)
        self.tables[table][key] = value

    def _restore(self, undo: Undo) -> None:
        for (table, key), before in undo.items():
            self.tables[table][key] = before
