"""How an API function is found, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devnet.tron.chain import Chain
from devnet.tron.parsing import ParseError, address_bytes, hex_bytes, integer
from devnet.tron.views import View

Answer = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Request:
    """One question: its parameters, from the body or the URL, and what it may see."""

    view: View
    params: dict[str, Any]

    @property
    def chain(self) -> Chain:
        return self.view.chain

    @property
    def visible(self) -> bool:
        value = self.params.get("visible", False)
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def address(self, *names: str) -> bytes | None:
        """20 bytes of the first parameter that is given, or None where it is no address."""
        for name in names:
            if self.params.get(name):
                found = address_bytes(self.params[name], visible=self.visible)
                return found[1:] if len(found) == 21 else None
        return None

    def integer(self, name: str, default: int = 0) -> int:
        value = self.params.get(name)
        return default if value in {None, ""} else integer(value)

    def hash(self, *names: str) -> bytes:
        for name in names:
            if self.params.get(name):
                return hex_bytes(self.params[name])
        raise ParseError(f"{names[0]} isn't set.")

    def text(self, name: str) -> str:
        value = self.params.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        value = self.params.get(name, False)
        return value if isinstance(value, bool) else str(value).lower() == "true"


@dataclass(frozen=True)
class Endpoint:
    answer: Callable[[Request], Answer]
    solidity: bool  # whether /walletsolidity has it too


ENDPOINTS: dict[str, Endpoint] = {}


def endpoint(
    name: str, *, solidity: bool = False
) -> Callable[[Callable[[Request], Answer]], Callable[[Request], Answer]]:
    def register(function: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        ENDPOINTS[name] = Endpoint(function, solidity)
        return function

    return register
