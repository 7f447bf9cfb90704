"""Named places where a test may kill, stop or slow a process: between any two steps whose order money depends on.

Inert unless the settings both name failpoints (`FAILPOINTS`) and allow them (`FAILPOINTS_ALLOWED`): production does
neither. `FAILPOINTS` is a comma-separated list of `name=action`:

* `kill`: SIGKILL to this very process, no clean-up of any kind;
* `raise`: FailpointError;
* `sleep:<seconds>`.

`name=kill@3` acts at the third time this process passes the place, and only then.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

SENDER_NAMES = (
    "before_orders_commit",  # orders and evidence inserted, the caller's transaction still open
    "before_reserve_commit",  # nonces given and payloads inserted, not committed
    "after_reserve_commit",
    "after_send_claim",  # the intent to send is committed, nothing has left
    "after_send",  # the node has answered, nothing of it is recorded
    "before_send_commit",
    "after_send_commit",
    "after_receipts",  # the chain's answers are read, nothing of them is recorded
    "before_confirm_commit",
    "after_confirm_commit",
    "before_replace_commit",
    "after_replace_commit",
)
SIGNER_NAMES = (
    "before_sign",  # everything checked, no key used yet
    "after_sign",  # signed bytes exist in memory only
    "before_signature_commit",
    "after_signature_commit",
    "before_pool_commit",
    "after_pool_commit",
)
WATCHER_NAMES: tuple[str, ...] = (
    "before_rewind_commit",
    "after_rewind_commit",
    "before_scan_commit",
    "after_scan_commit",
    "before_deposit_confirm_commit",
    "after_deposit_confirm_commit",
    "before_credit_commit",
    "after_credit_commit",
)
PAYOUTS_NAMES: tuple[str, ...] = (
    "before_approve_commit",
    "after_approve_commit",
    "before_payout_order_commit",
    "after_payout_order_commit",
    "before_payout_settle_commit",
    "after_payout_settle_commit",
)
AUDIT_NAMES: tuple[str, ...] = (
    "before_link_commit",  # in accounts, which passes its places through accounts/failpoints.py
    "after_link_commit",
    "before_anchor_commit",  # in the signer: signed, not committed
    "after_anchor_commit",  # committed, not remembered beside the database
)
ACCOUNTS_NAMES: tuple[str, ...] = ("before_factor_commit", "after_factor_commit")
NAMES = frozenset(SENDER_NAMES + SIGNER_NAMES + WATCHER_NAMES + PAYOUTS_NAMES + AUDIT_NAMES + ACCOUNTS_NAMES)
"""Every failpoint there is. A new one is added here first, so that the tests that enumerate them see it."""


class FailpointError(Exception):
    """Raised by the action `raise`."""


class UnknownFailpoint(Exception):
    """A failpoint that is not in NAMES, or an action that does not exist."""


@dataclass(frozen=True, slots=True)
class _Action:
    kind: str
    seconds: float
    at_pass: int  # 0: every time


_passes: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass the place called `name`; does nothing unless it is armed. Raises UnknownFailpoint, FailpointError."""
    if name not in NAMES:
        raise UnknownFailpoint(name)
    given = settings.FAILPOINTS
    if not given or not getattr(settings, "FAILPOINTS_ALLOWED", False):
        return
    action = _parse(given).get(name)
    if action is None:
        return
    _passes[name] += 1
    if action.at_pass in (0, _passes[name]):
        _act(name, action)


def reset_passes() -> None:
    """Count passes from zero again (a test that arms the same failpoint twice in one process)."""
    _passes.clear()


@lru_cache(maxsize=8)
def _parse(given: str) -> dict[str, _Action]:
    armed = {}
    for part in given.split(","):
        name, _, action = part.strip().partition("=")
        kind_and_argument, _, at_pass = action.partition("@")
        kind, _, argument = kind_and_argument.partition(":")
        if name not in NAMES or kind not in ("kill", "raise", "sleep"):
            raise UnknownFailpoint(part)
        armed[name] = _Action(kind=kind, seconds=float(argument or 1), at_pass=int(at_pass or 0))
    return armed


def _act(name: str, action: _Action) -> None:
    if action.kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action.kind == "raise":
        raise FailpointError(name)
    time.sleep(action.seconds)
