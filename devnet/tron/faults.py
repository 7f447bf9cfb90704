"""How a node's answers go wrong on the way: lost, late, doubled, or HTTP's own errors. For tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["drop_before", "drop_after", "delay", "duplicate", "repeat", "error"]


@dataclass
class Fault:
    """`path` is a suffix such as `broadcasthex`, "*" any. `count` None: until it is cleared.

    drop_before: the connection closes, nothing was done. drop_after: it was done, the answer is lost. delay: the answer
    comes `ms` later. duplicate: the request is worked on twice, and the second answer is given. repeat: the path's
    previous answer comes again. error: an HTTP status with `body`.
    """

    kind: Kind
    path: str = "*"
    count: int | None = None
    ms: int = 0
    status: int = 503
    body: str = ""

    @classmethod
    def of(cls, given: dict[str, Any]) -> Fault:
        kinds = ("drop_before", "drop_after", "delay", "duplicate", "repeat", "error")
        if given.get("kind") not in kinds:
            raise ValueError(f"kind: one of {', '.join(kinds)}")
        return cls(**given)

    def meets(self, path: str) -> bool:
        return self.path == "*" or path.endswith(self.path)


class Faults:
    """The faults that wait for requests."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def clear(self, path: str | None = None) -> None:
        self.waiting = [each for each in self.waiting if path is not None and each.path != path]

    def next_for(self, path: str) -> Fault | None:
        """The first that meets the path; a counted one is used up."""
        for fault in self.waiting:
            if fault.meets(path):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.waiting.remove(fault)
                return fault
        return None
