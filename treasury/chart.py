"""The chart of accounts: which kinds of account there are, and the rule each keeps.

A kind is registered by the app that owns it, in its `AppConfig.ready`. `migrate` copies the registered kinds into the
database, where the function that opens accounts reads them: whoever opens an account has no say in its floor.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from django.db import DEFAULT_DB_ALIAS, connections

from treasury.chains import registry

Side = Literal["debit", "credit"]
# Rows over which the balance of a busy account is spread, so that its postings do not wait for each other.
HOT: Final = 64


class UnknownAccount(LookupError):
    """No registered kind of account, or more than one, has such a `code`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Kind:
    """A rule for the accounts whose codes match `pattern`, in which `*` stands for one segment between colons.

    `asset` is fixed, or read from the code; `floor` is the lowest balance, in the asset's ledger unit and positive on
    the normal side; `slots` is the number of balance rows, 1 where there is a floor.
    """

    pattern: str
    normal_side: Side
    asset: str | Callable[[str], str]
    floor: int | None = None
    slots: int = 1
    matcher: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.floor is not None and self.slots != 1:
            raise ValueError(f"{self.pattern}: a floor is kept on one balance row, not on {self.slots}")
        if self.floor is not None and self.floor > 0:
            raise ValueError(f"{self.pattern}: an account opens with 0, so its floor is not above 0")
        segments = ("[^:]+" if part == "*" else re.escape(part) for part in self.pattern.split(":"))
        object.__setattr__(self, "matcher", re.compile(":".join(segments)))

    def asset_of(self, code: str) -> str:
        """The asset of the account `code` of this kind."""
        return self.asset(code) if callable(self.asset) else self.asset

    def row(self) -> tuple[str, str, str, int | None, int]:
        """The kind as the database keeps it; an asset that depends on the code is empty there."""
        asset = "" if callable(self.asset) else self.asset
        return self.pattern, self.normal_side, asset, self.floor, self.slots


_kinds: dict[str, Kind] = {}


def register_kind(
    pattern: str,
    *,
    normal_side: Side,
    asset: str | Callable[[str], str] = "USDT",
    floor: int | None = None,
    slots: int = 1,
) -> None:
    """Adds a kind of account; call it in `AppConfig.ready`, then run `migrate`.

    Raises ValueError when the pattern is registered with another rule, or the rule contradicts itself.
    """
    kind = Kind(pattern, normal_side, asset, floor, slots)
    if _kinds.setdefault(pattern, kind).row() != kind.row():
        raise ValueError(f"{pattern} is registered with another rule")


def kind_of(code: str) -> Kind:
    """The kind of the account `code`. Raises `UnknownAccount`."""
    found = [kind for kind in _kinds.values() if kind.matcher.fullmatch(code)]
    if len(found) != 1:
        raise UnknownAccount(code)
    return found[0]


def registered_kinds() -> list[Kind]:
    """All kinds, by pattern."""
    return [_kinds[pattern] for pattern in sorted(_kinds)]


def store_kinds(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Brings the database's kinds in step with the registered ones. Needs the role that owns the schema.

    A kind with open accounts keeps its rule: RuntimeError. Kinds that nobody registers any more stay.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pattern, normal_side, asset, floor, slots FROM treasury_ledgerkind")
        stored = {row[0]: tuple(row) for row in cursor.fetchall()}
        for kind in registered_kinds():
            if stored.get(kind.pattern) == kind.row():
                continue
            if kind.pattern in stored:
                cursor.execute("SELECT code FROM treasury_ledgeraccount WHERE code ~ %s LIMIT 1", [_anchored(kind)])
                if cursor.fetchone():
                    raise RuntimeError(f"{kind.pattern} has open accounts: its rule cannot change")
            cursor.execute(
                "INSERT INTO treasury_ledgerkind (pattern, normal_side, asset, floor, slots)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (pattern) DO UPDATE SET (normal_side, asset, floor, slots)"
                " = (excluded.normal_side, excluded.asset, excluded.floor, excluded.slots)",
                kind.row(),
            )


def _anchored(kind: Kind) -> str:
    return f"^{kind.pattern.replace('*', '[^:]+')}$"


def store_kinds_after_migrate(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receiver of `post_migrate`; does nothing while the ledger's migration is not applied."""
    connection = connections[using]
    if "treasury_ledgerkind" in connection.introspection.table_names():
        store_kinds(using=using)


def native_asset(code: str) -> str:
    """The native asset of the network that `gas:<network>:...` or `expense:gas:<network>` names."""
    segments = code.split(":")
    return registry.network(segments[segments.index("gas") + 1]).native_symbol


def last_segment(code: str) -> str:
    """The asset that `equity:opening:<asset>` names."""
    return code.rsplit(":", maxsplit=1)[-1]


def register_treasury_kinds() -> None:
    """Treasury's own chart; docs/ledger.md explains each."""
    for role in ("deposit", "hot", "cold", "in_transit"):
        register_kind(f"asset:*:{role}", normal_side="debit", slots=HOT)
    register_kind("asset:*:deposit:dust", normal_side="debit", asset="USDT-BSC-DUST", slots=HOT)
    register_kind("gas:*:*", normal_side="debit", asset=native_asset, slots=HOT)
    register_kind("customer:*:available", normal_side="credit", floor=0)
    register_kind("customer:*:reserved", normal_side="credit", floor=0)
    register_kind("receivable:reorg:*", normal_side="debit", floor=0)
    register_kind("suspense:unknown_deposit", normal_side="credit", slots=HOT)
    register_kind("suspense:reconciliation", normal_side="credit", slots=HOT)
    register_kind("pool:profit:*", normal_side="credit", floor=0)
    register_kind("float:*", normal_side="credit", floor=0)
    register_kind("income:withdrawal_fee", normal_side="credit", slots=HOT)
    register_kind("income:performance_fee", normal_side="credit", slots=HOT)
    register_kind("expense:gas:*", normal_side="debit", asset=native_asset, slots=HOT)
    register_kind("expense:reorg_loss", normal_side="debit", slots=HOT)
    register_kind("dust:bsc", normal_side="credit", asset="USDT-BSC-DUST", slots=HOT)
    register_kind("equity:opening", normal_side="credit", slots=HOT)
    register_kind("equity:opening:*", normal_side="credit", asset=last_segment, slots=HOT)
