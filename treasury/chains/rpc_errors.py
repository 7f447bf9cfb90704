"""What nodes say when they refuse, turned into types. The only place that reads their texts.

Nodes agree on few codes, so texts decide. A text that nobody knows becomes the most careful error: a read was refused
(MethodRefused), a send was refused for a reason that may pass (REJECTED). Nothing here ever proves a payment dead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from treasury.chains import errors
from treasury.chains.ports import SendVerdict

METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603
LIMIT_EXCEEDED = -32005
REVERTED = 3


@dataclass(frozen=True, slots=True)
class NodeRefusal:
    """The `error` object of a JSON-RPC answer."""

    code: int
    message: str
    data: Any = None

    @classmethod
    def from_answer(cls, error: Any) -> NodeRefusal:
        """Take whatever stands under "error"."""
        if not isinstance(error, dict):
            return cls(0, str(error)[:500])
        code = error.get("code")
        return cls(code if isinstance(code, int) else 0, str(error.get("message", ""))[:500], error.get("data"))


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


_RATE_LIMITED = _any(
    r"rate.?limit", r"too many requests", r"request limit", r"requests? per second", r"capacity exceeded", r"throttl",
    r"daily request count", r"exceeded .*(quota|credits|compute units)",
)  # fmt: skip
_RANGE_REFUSED = _any(
    r"more than \d+ (results|logs)", r"block range", r"range (is )?too (large|wide|big)", r"limit exceeded",
    r"response size", r"too many (results|logs|blocks)", r"exceeds? .*(range|limit|max)", r"maximum .*range",
    r"limited to (a )?[\d,]+", r"narrow", r"query time", r"timed? ?out", r"deadline exceeded", r"too large",
)  # fmt: skip
_NO_HISTORY = _any(
    r"missing trie node", r"pruned", r"historical state", r"state .*(not|un)\s?available", r"archive",
    r"state histories", r"no state",
)  # fmt: skip
_NO_BLOCK = _any(
    r"blockoutofrange", r"header not found", r"(unknown|invalid) block( number)?$", r"block .*not found",
    r"beyond .*head", r"after last (accepted|known) block", r"future block", r"greater than latest",
)  # fmt: skip
_UNAVAILABLE = _any(r"timed? ?out", r"deadline exceeded", r"temporar", r"try again", r"overload", r"busy", r"syncing")
_INSUFFICIENT = _any(
    r"insufficient (funds|balance)", r"exceeds (the )?(account )?balance", r"not enough (funds|balance)"
)
_REVERTED = _any(r"execution reverted", r"always failing", r"vm (execution|exception)", r"revert")
_OUT_OF_GAS = _any(r"gas required exceeds allowance", r"out of gas")


def error_of_read(refusal: NodeRefusal, method: str) -> errors.ChainError:
    """The typed error for a refused read."""
    code, text = refusal.code, refusal.message
    if code == REVERTED or _REVERTED.search(text):
        return errors.WouldRevert(text, reason=revert_reason(refusal))
    if _RATE_LIMITED.search(text) or code == 429:
        return errors.RateLimited(text)
    if (
        method == "eth_getLogs"
        and not _NO_BLOCK.search(text)
        and (code == LIMIT_EXCEEDED or _RANGE_REFUSED.search(text))
    ):
        return errors.RangeRefused(text)
    for phrases, error in (
        (_NO_BLOCK, errors.BlockNotAvailable),
        (_NO_HISTORY, errors.HistoryUnavailable),
        (_INSUFFICIENT, errors.InsufficientFunds),
        (_OUT_OF_GAS, errors.WouldRevert),
        (_UNAVAILABLE, errors.EndpointUnavailable),
    ):
        if phrases.search(text):
            return error(text)
    if code == LIMIT_EXCEEDED:
        return errors.RateLimited(text)
    if code == INTERNAL_ERROR:
        return errors.EndpointUnavailable(text or "internal error")
    return errors.MethodRefused(f"{method}: {text or 'refused'} (code {code})")


def _is_range_refusal(refusal: NodeRefusal) -> bool:
    if _NO_BLOCK.search(refusal.message):
        return False
    return refusal.code == LIMIT_EXCEEDED or bool(_RANGE_REFUSED.search(refusal.message))


_SENDS: tuple[tuple[re.Pattern[str], SendVerdict, type[errors.ChainError]], ...] = (
    (_any(r"already known", r"already imported", r"known transaction", r"already in .*pool", r"already exists"),
     SendVerdict.ALREADY_KNOWN, errors.Rejected),
    (_any(r"nonce (is )?too low", r"old nonce", r"nonce .*already (used|been)", r"lower than the current nonce"),
     SendVerdict.NONCE_TOO_LOW, errors.NonceTooLow),
    (_any(r"nonce (is )?too high", r"nonce gap", r"gapped", r"higher than the (current|expected) nonce"),
     SendVerdict.NONCE_TOO_HIGH, errors.NonceTooHigh),
    (_any(r"underpriced", r"less than block base fee", r"(fee|price|tip|feecap).*(too low|below)",
          r"below .*(minimum|base)", r"replace pending", r"lower than the minimum"),
     SendVerdict.UNDERPRICED, errors.Underpriced),
    (_INSUFFICIENT, SendVerdict.INSUFFICIENT_FUNDS, errors.InsufficientFunds),
    (_any(r"invalid sender", r"invalid signature", r"invalid chain ?id", r"failed to decode", r"\brlp\b",
          r"incompatible eip-?155", r"wrong chain", r"tip higher than", r"priority fee .*higher than max",
          r"could not decode", r"chain ?id .*(mismatch|not match)", r"typed transaction too short"),
     SendVerdict.INVALID, errors.InvalidTransaction),
    (_RATE_LIMITED, SendVerdict.NOT_SENT, errors.RateLimited),
    (_UNAVAILABLE, SendVerdict.UNKNOWN, errors.UnknownOutcome),
)  # fmt: skip


def verdict_of_send(refusal: NodeRefusal) -> tuple[SendVerdict, errors.ChainError]:
    """What a refused eth_sendRawTransaction means."""
    for phrases, verdict, error in _SENDS:
        if phrases.search(refusal.message):
            return verdict, error(refusal.message)
    if refusal.code == LIMIT_EXCEEDED or refusal.code == 429:
        return SendVerdict.NOT_SENT, errors.RateLimited(refusal.message)
    if refusal.code == INTERNAL_ERROR:
        return SendVerdict.UNKNOWN, errors.UnknownOutcome(refusal.message or "internal error")
    return SendVerdict.REJECTED, errors.Rejected(f"{refusal.message or 'refused'} (code {refusal.code})")


def revert_reason(refusal: NodeRefusal) -> str:
    """The contract's message, from the revert data where the node gives it, else from the node's text."""
    data = refusal.data.get("data") if isinstance(refusal.data, dict) else refusal.data
    if isinstance(data, str) and data.startswith("0x08c379a0"):  # Error(string)
        try:
            return str(abi_decode(["string"], bytes.fromhex(data[10:]))[0])
        except (DecodingError, ValueError, OverflowError):
            return refusal.message
    _, _, reason = refusal.message.partition("execution reverted")
    return reason.lstrip(": ").strip() or refusal.message
