"""One node: a chain, what it shows of it, and how it misbehaves when it is told to."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devnet.tron.chain import Chain, Settings
from devnet.tron.errors import Refused
from devnet.tron.faults import Faults
from devnet.tron.lies import Liar
from devnet.tron.parsing import ParseError
from devnet.tron.store import Store
from devnet.tron.views import View
from devnet.tron.wallet import ENDPOINTS, Request
from devnet.tron.wallet.registry import Answer

RECEIPTS = frozenset({"gettransactioninfobyid", "gettransactioninfobyblocknum"})


@dataclass
class Hidden:
    """Receipts that the node does not show for now."""

    txids: set[str] = field(default_factory=set)
    blocks: set[int] = field(default_factory=set)


class Node:
    """Answers the API's questions. `folder` None: everything is in memory."""

    chain: Chain
    faults: Faults
    hidden: Hidden
    liar: Liar
    paused: bool
    stuck_at: int | None  # the height that answers stay at
    previous: dict[str, Answer]  # the last answer of each path

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self._begin(settings)

    def _begin(self, settings: Settings) -> None:
        self.chain = Chain(settings, Store(self.folder))
        self.paused = settings.block_ms == 0
        self.faults = Faults()
        self.hidden = Hidden()
        self.liar = Liar()
        self.stuck_at = None
        self.previous = {}

    def reset(self, **changes: Any) -> None:
        """A fresh and honest chain; `changes` to the settings hold until the next reset. In memory only."""
        if self.folder is not None:
            raise ValueError("a chain that is kept in a folder is not thrown away")
        self._begin(replace(self.settings, **changes))

    def close(self) -> None:
        self.chain.store.close()

    def view(self, *, solid: bool, honest: bool = False) -> View:
        chain = self.chain
        stuck_at = None if honest else self.stuck_at
        newest = chain.head.number if stuck_at is None else min(stuck_at, chain.head.number)
        if solid:
            lies = "solid_ahead" in self.liar.told and not honest
            self.liar.times["solid_ahead"] += lies
            lag = 0 if lies else chain.settings.solid_lag
            return View(chain, max(0, newest - lag), pending=False)
        return View(chain, newest, pending=stuck_at is None)

    def answer(self, name: str, params: dict[str, Any], *, solid: bool, honest: bool = False) -> Answer | None:
        """What java-tron would answer; None where there is no such path. `honest`: as another, sane node would."""
        endpoint = ENDPOINTS.get(name)
        if endpoint is None or (solid and not endpoint.solidity):
            return None
        view = self.view(solid=solid, honest=honest)
        liar = Liar() if honest else self.liar
        try:
            invented = liar.instead(name, params, view)
            if invented is not None:
                return invented
            found = endpoint.answer(Request(view, params))
        except (Refused, ParseError) as error:
            return {"Error": f"class {error.java} : {error}"}
        except Exception as error:  # noqa: BLE001  # a question that makes no sense, or a bug: the log has it
            traceback.print_exc()
            return {"Error": f"class java.lang.NullPointerException : {type(error).__name__}: {error}"}
        if name in RECEIPTS and not honest:
            found = self._without_hidden(name, params, found)
        return liar.bend(name, params, view, found)

    def _without_hidden(self, name: str, params: dict[str, Any], found: Answer) -> Answer:
        if isinstance(found, list):
            if int(params.get("num", 0)) in self.hidden.blocks:
                return []
            return [each for each in found if each["id"] not in self.hidden.txids]
        if found.get("id") in self.hidden.txids or found.get("blockNumber") in self.hidden.blocks:
            return {}
        return found
