"""What exactly an approval is an approval of. Pure: the payer, the signer and whoever approves share this digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_VERSION = "exchequer-payment-approval:v1"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes. `digest` is `approval_digest` of what that person saw.

    `evidence` is what their second factor left behind, which the signer checks (`accounts.second_factor.evidence`).
    """

    approver_id: int
    approver_label: str
    approved_at: datetime
    revision: int
    digest: str
    evidence: Mapping[str, Any]


def approval_digest(*, reference: str, revision: int, network: str, address: str, amount_micro: int) -> str:
    """SHA-256 (64 hex digits) over the canonical text of what is approved.

    `address` in canonical form, `amount_micro` what the recipient gets, in 10^-6 USDT.
    Raises ValueError for text that could be read in two ways.
    """
    fields = (_VERSION, reference, str(int(revision)), network, address, str(int(amount_micro)))
    if any(not field or not field.isascii() or not field.isprintable() for field in fields):
        raise ValueError("an approval's fields are printable ASCII and never empty")
    return hashlib.sha256("\n".join(fields).encode("ascii")).hexdigest()
