"""How a lie is registered, switched on and told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devnet.tron.addresses import base58_of, on_wire
from devnet.tron.printing import Json
from devnet.tron.views import View


@dataclass
class Telling:
    """One lie being told: the question, what the node sees, and where inventions come from."""

    name: str
    params: Json
    view: View
    invent: random.Random

    def address(self) -> bytes:
        """20 bytes of nobody: the thief's."""
        return self.invent.randbytes(20)

    @property
    def visible(self) -> bool:
        return str(self.params.get("visible", False)).lower() == "true"

    def shown(self, address: bytes) -> str:
        return base58_of(address) if self.visible else on_wire(address).hex()


@dataclass(frozen=True)
class Lie:
    """`instead`: nothing is done, the lie is all there is; else it changes the honest answer."""

    tell: Callable[[Telling, Any], Any]
    paths: frozenset[str]
    instead: bool = False


LIES: dict[str, Lie] = {}


def lie(paths: frozenset[str], *, instead: bool = False) -> Callable[[Callable[[Telling, Any], Any]], Any]:
    def register(tell: Callable[[Telling, Any], Any]) -> Callable[[Telling, Any], Any]:
        LIES[tell.__name__] = Lie(tell, paths, instead)
        return tell

    return register


@dataclass
class Liar:
    """The lies that are switched on."""

    told: dict[str, random.Random] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)  # how often each was told

    def switch(self, name: str, *, on: bool, seed: int = 0) -> None:
        if name not in LIES:
            raise ValueError(f"no lie {name}")
        if on:
            self.told[name] = random.Random(f"{name} {seed}")  # noqa: S311  # to be the same each time
        else:
            self.told.pop(name, None)

    def instead(self, path: str, params: Json, view: View) -> Any:
        """A lie that takes the whole answer's place, or None."""
        for name, invent in self.told.items():
            if LIES[name].instead and path in LIES[name].paths:
                self.times[name] += 1
                return LIES[name].tell(Telling(path, params, view, invent), None)
        return None

    def bend(self, path: str, params: Json, view: View, answer: Any) -> Any:
        for name, invent in self.told.items():
            if not LIES[name].instead and path in LIES[name].paths:
                honest = answer
                answer = LIES[name].tell(Telling(path, params, view, invent), answer)
                self.times[name] += answer != honest
        return answer
