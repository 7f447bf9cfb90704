"""Lies about what became of a transaction: broadcast answers, receipts, blocks that are said to be solid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devnet.tron import protocol
from devnet.tron.addresses import keccak256, sha256
from devnet.tron.lies.telling import Telling, lie
from devnet.tron.parsing import hex_bytes, transaction
from devnet.tron.printing import Json

RECEIPTS = frozenset({"gettransactioninfobyid", "gettransactioninfobyblocknum"})
BROADCASTS = frozenset({"broadcasttransaction", "broadcasthex"})
TRANSFER_TOPIC = keccak256(b"Transfer(address,address,uint256)").hex()


def _receipts(answer: Any, change: Callable[[Json], Json]) -> Any:
    if isinstance(answer, list):
        return [change(each) for each in answer]
    return change(answer) if answer else answer


@lie(RECEIPTS)
def receipt_success(telling: Telling, answer: Any) -> Any:
    """What failed is said to have succeeded."""

    def change(info: Json) -> Json:
        if info.get("result") != "FAILED":
            return info
        kept = {name: value for name, value in info.items() if name not in {"result", "resMessage"}}
        return kept | {"receipt": info["receipt"] | {"result": "SUCCESS"}, "contractResult": ["0" * 64]}

    return _receipts(answer, change)


@lie(RECEIPTS)
def receipt_failed(telling: Telling, answer: Any) -> Any:
    """What succeeded is said to have failed: who believes it pays twice."""

    def change(info: Json) -> Json:
        if info["receipt"].get("result") != "SUCCESS":
            return info
        kept = {name: value for name, value in info.items() if name != "log"}
        return kept | {
            "result": "FAILED",
            "resMessage": b"REVERT opcode executed".hex(),
            "receipt": info["receipt"] | {"result": "REVERT"},
        }

    return _receipts(answer, change)


def _transfers(info: Json, change: Callable[[Json], Json]) -> Json:
    if "log" not in info:
        return info
    logs = [change(log) if log.get("topics", [""])[0] == TRANSFER_TOPIC else log for log in info["log"]]
    return info | {"log": logs}


def _with_topic(log: Json, index: int, address: bytes) -> Json:
    topics = list(log["topics"])
    topics[index] = address.rjust(32, b"\0").hex()
    return log | {"topics": topics}


@lie(RECEIPTS)
def receipt_fabricated_transfer(telling: Telling, answer: Any) -> Any:
    """A Transfer that never happened, beside each one that did: twice the amount for the same recipient."""

    def change(info: Json) -> Json:
        made = [
            log | {"data": (2 * int(log.get("data") or "0", 16)).to_bytes(32).hex()}
            for log in info.get("log", ())
            if log.get("topics", [""])[0] == TRANSFER_TOPIC
        ]
        return info | {"log": [*info["log"], *made]} if made else info

    return _receipts(answer, change)


@lie(RECEIPTS)
def receipt_other_recipient(telling: Telling, answer: Any) -> Any:
    thief = telling.address()
    return _receipts(answer, lambda info: _transfers(info, lambda log: _with_topic(log, 2, thief)))


@lie(RECEIPTS)
def receipt_other_amount(telling: Telling, answer: Any) -> Any:
    more = telling.invent.randrange(1, 10**9)

    def change(log: Json) -> Json:
        return log | {"data": (int(log.get("data") or "0", 16) + more).to_bytes(32).hex()}

    return _receipts(answer, lambda info: _transfers(info, change))


@lie(RECEIPTS)
def receipt_other_block(telling: Telling, answer: Any) -> Any:
    """A block further back: it looks final already."""
    back = telling.invent.randrange(20, 200)
    return _receipts(answer, lambda info: info | {"blockNumber": max(1, info["blockNumber"] - back)})


@lie(RECEIPTS)
def receipt_missing(telling: Telling, answer: Any) -> Any:
    return [] if isinstance(answer, list) else {}


@lie(RECEIPTS)
def receipt_other_txid(telling: Telling, answer: Any) -> Any:
    return _receipts(answer, lambda info: info | {"id": telling.invent.randbytes(32).hex()})


@lie(frozenset({"gettransactionbyid"}))
def transaction_missing(telling: Telling, answer: Any) -> Any:
    """Never heard of it."""
    return {}


@lie(BROADCASTS, instead=True)
def broadcast_swallowed(telling: Telling, answer: Any) -> Any:
    """Says that it took the transaction, and throws it away."""
    if telling.name == "broadcasthex":
        sent = protocol.Transaction.FromString(hex_bytes(telling.params["transaction"]))
        rest: Json = {"code": "SUCCESS", "message": "", "transaction": "{}"}
    else:
        sent, rest = transaction(telling.params, visible=telling.visible), {}
    return rest | {"result": True, "txid": sha256(sent.raw_data.SerializeToString()).hex()}


@lie(BROADCASTS)
def broadcast_refused(telling: Telling, answer: Any) -> Any:
    """Takes the transaction, and says that it did not."""
    text = "Contract validate error : Validate TransferContract error, balance is not sufficient."
    if telling.name == "broadcasttransaction" and not telling.visible:
        text = text.encode().hex()
    kept = {name: value for name, value in answer.items() if name != "result"}
    return kept | {"result": False, "code": "CONTRACT_VALIDATE_ERROR", "message": text}


@lie(BROADCASTS)
def broadcast_other_txid(telling: Telling, answer: Any) -> Any:
    return answer | {"txid": telling.invent.randbytes(32).hex()}


@lie(frozenset({"solidity"}))
def solid_ahead(telling: Telling, answer: Any) -> Any:
    """/walletsolidity answers from the head: what is not final is said to be. Told by `Node.view`."""
    return answer
