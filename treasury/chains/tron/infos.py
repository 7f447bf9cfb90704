"""From the bytes of a `gettransactioninfobyblocknum` answer to Transfers, decoding only blocks that may hold ours.

A block has some 300 transactions, a third of them USDT, and nearly always none is ours. So the bytes are asked
one question first: which recipients stand in Transfer logs, of any contract? Only if one may be ours is the JSON
parsed. Bytes that the question cannot be put to (other spacing, escapes, odd topics) are parsed too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import orjson
import stringzilla as sz

from treasury.chains.errors import BlockNotAvailable, MalformedAnswer
from treasury.chains.ports import RECIPIENT_DIGITS, BlockRef, ForeignTransfer, Receipt, Transfer
from treasury.chains.tron import answers as read

TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)")"""

_PADDING = "0" * 24
_TOPIC = TRANSFER_TOPIC.encode()
_ADDRESS_TOPIC = re.compile(_PADDING + "[0-9a-fA-F]{40}")
_AMOUNT = re.compile("[0-9a-fA-F]{64}")


class BlockInfos:
    """One block's receipts. `transactions` is how many there have to be; what is asked twice is worked out once."""

    def __init__(self, block: BlockRef, transactions: int, body: bytes) -> None:
        self.block = block
        self.transactions = transactions
        self.body = body

    @cached_property
    def recipients(self) -> bytes:
        """Recipients of every Transfer log, 40 lower-case hex digits each. Raises what `parsed` raises."""
        body = sz.translate(self.body, _LOWER)
        receipts = sz.count(body, b'"blocknumber":%d,' % self.block.number)
        if receipts == self.transactions and b"\\" not in body:
            recipients = _recipients_behind_topics(body)
            if recipients is not None:
                return recipients
        return _log_recipients(self.parsed)

    @cached_property
    def parsed(self) -> list[dict[str, Any]]:
        """Raises BlockNotAvailable as long as receipts are missing, MalformedAnswer."""
        try:
            answer = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise MalformedAnswer("not JSON") from None
        if isinstance(answer, dict) and not answer:
            answer = []
        infos = read.sequence(answer, "receipts")
        if len(infos) != self.transactions:
            raise BlockNotAvailable(
                f"block {self.block.number}: {len(infos)} receipts of {self.transactions} transactions are here"
            )
        for info in infos:
            if read.mapping(info, "receipt").get("blockNumber") != self.block.number:
                raise MalformedAnswer(f"a receipt of another block in block {self.block.number}")
        if len({str(info.get("id")) for info in infos}) != len(infos):
            raise MalformedAnswer("one receipt twice")
        return infos


# What stands behind the topic of a Transfer: ","<sender: 64 digits>","<24 zeros><recipient: 40 digits>"
_BEHIND_BYTES = 135
_MARKS_AT = np.array([0, 1, 2, 67, 68, 69, 134])
_MARKS = np.frombuffer(b'","' + b'","' + b'"', dtype=np.uint8)
_ZEROS, _RECIPIENT = slice(70, 94), slice(94, 134)
_HEX_DIGITS = b"0123456789abcdef"
_LOWER = bytes(range(256)).lower()


def _recipients_behind_topics(body: bytes) -> bytes | None:
    """The recipients that stand behind Transfer topics; None if a single one does not look as it should.

    `body`: in lower case. Searching takes its time from the processor's memory: it is StringZilla's, as the methods of
    bytes take six times as long.
    """
    between = np.fromiter(map(len, sz.split(body, _TOPIC)), dtype=np.int64)
    starts = np.cumsum(between[:-1] + len(_TOPIC))
    if not len(starts):
        return b""
    if starts[-1] + _BEHIND_BYTES > len(body):
        return None
    text = np.frombuffer(body, dtype=np.uint8)
    if (text[starts - len(_TOPIC) - 1] != ord('"')).any():
        return None
    # Every stretch of that length, seen in place; those behind a topic are copied out.
    stretches = np.ndarray((len(body) - _BEHIND_BYTES + 1, _BEHIND_BYTES), np.uint8, body, strides=(1, 1))
    rows = stretches[starts]
    if (rows[:, _MARKS_AT] != _MARKS).any() or (rows[:, _ZEROS] != ord("0")).any():
        return None
    if len(rows.tobytes().translate(None, _HEX_DIGITS)) != len(_MARKS) * len(rows):  # but for the marks all is hex
        return None
    return rows[:, _RECIPIENT].tobytes()


def _log_recipients(infos: Sequence[Mapping[str, Any]]) -> bytes:
    """The same from parsed receipts."""
    return "".join(
        str(log["topics"][2])[-RECIPIENT_DIGITS:].lower()
        for info in infos
        for log in _logs(info)
        if _is_transfer(log) and _is_address_topic(log["topics"][2])
    ).encode()


def block_transfers(
    infos: Sequence[Mapping[str, Any]],
    block: BlockRef,
    contract_digits: str,
    network_contract: str,
    *,
    to: frozenset[str] | None = None,
) -> list[Transfer]:
    """The token's Transfers in a block, in chain order: all, or those `to` these recipients (40 hex digits each).

    `contract_digits`: the contract's 40 hex digits. Raises MalformedAnswer if any of them is none, whoever it is to.
    """
    found: list[Transfer] = []
    log_index = 0
    for info in infos:
        if not info.get("log"):
            continue
        ordinal = 0
        for log in _logs(info):
            if _is_transfer(log) and str(log.get("address")).lower() == contract_digits:
                recipient = _checked_recipient(log)
                if to is None or recipient in to:
                    found.append(_transfer(info, log, ordinal, log_index, block, network_contract))
                ordinal += 1
            log_index += 1
    return found


def foreign_transfers(
    infos: Sequence[Mapping[str, Any]], block: BlockRef, contract_digits: str, recipients: frozenset[str]
) -> Iterator[ForeignTransfer]:
    """Transfers of other contracts to `recipients`."""
    log_index = -1
    for info in infos:
        for log in _logs(info):
            log_index += 1
            if not _is_transfer(log) or str(log.get("address")).lower() == contract_digits:
                continue
            amount = str(log.get("data"))
            contract = read.address("41" + str(log.get("address")), "contract")
            if len(amount) != 64 or not _is_address_topic(log["topics"][1]) or not _is_address_topic(log["topics"][2]):
                continue
            other = _transfer(info, log, 0, log_index, block, contract)
            if other.recipient in recipients:
                yield ForeignTransfer(
                    tx_hash=other.tx_hash,
                    log_index=log_index,
                    block_number=other.block_number,
                    block_hash=other.block_hash,
                    contract=contract,
                    sender=other.sender,
                    recipient=other.recipient,
                    amount_raw=other.amount_raw,
                )


def receipt_of(info: Mapping[str, Any], block: BlockRef, contract_digits: str, network_contract: str) -> Receipt:
    """One transaction's receipt. Its logs' indexes count from 0: they are not the block's. Raises MalformedAnswer.

    A contract call succeeded if the receipt says SUCCESS; the token's own return value says nothing. A TRX transfer
    has no result at all.
    """
    receipt = read.mapping(info.get("receipt"), "receipt")
    result = str(receipt.get("result", ""))
    failed = info.get("result") == "FAILED" or result not in ("", "SUCCESS")
    is_call = bool(info.get("contract_address"))
    return Receipt(
        tx_hash=read.hash32(info.get("id"), "transaction id"),
        block_number=block.number,
        block_hash=block.block_hash,
        succeeded=not failed and (result == "SUCCESS" or not is_call),
        gas_used=read.integer(receipt.get("energy_usage_total"), "energy"),
        fee_native=read.integer(info.get("fee"), "fee"),
        transfers=() if failed else tuple(block_transfers([info], block, contract_digits, network_contract)),
        failure=(result or str(info.get("result", ""))) if failed else "",
    )


def _logs(info: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Logs of a transaction that succeeded: what a failed one logged did not happen."""
    logs = read.sequence(info.get("log"), "logs")
    receipt = read.mapping(info.get("receipt"), "receipt")
    if not logs or info.get("result") == "FAILED" or receipt.get("result", "SUCCESS") != "SUCCESS":
        return ()
    for log in logs:
        read.mapping(log, "log")
    return logs


def _is_transfer(log: Mapping[str, Any]) -> bool:
    topics = log.get("topics")
    if not isinstance(topics, list) or len(topics) != 3:
        return False
    topic = topics[0]
    return bool(topic == TRANSFER_TOPIC or str(topic).lower() == TRANSFER_TOPIC)


def _is_address_topic(topic: Any) -> bool:
    return isinstance(topic, str) and _ADDRESS_TOPIC.fullmatch(topic) is not None


def _checked_recipient(log: Mapping[str, Any]) -> str:
    """Of a Transfer as the token logs it: 40 lower-case hex digits."""
    (_, sender, recipient), amount = log["topics"], log.get("data")
    if not (
        isinstance(amount, str)
        and _AMOUNT.fullmatch(amount)
        and _is_address_topic(sender)
        and _is_address_topic(recipient)
    ):
        raise MalformedAnswer("a Transfer that is none")
    digits: str = recipient[-RECIPIENT_DIGITS:].lower()
    return digits


def _transfer(
    info: Mapping[str, Any], log: Mapping[str, Any], ordinal: int, log_index: int, block: BlockRef, contract: str
) -> Transfer:
    """Of a log that `_checked_recipient` lets pass."""
    topics = log["topics"]
    return Transfer(
        tx_hash=read.hash32(info.get("id"), "transaction id"),
        ordinal=ordinal,
        log_index=log_index,
        block_number=block.number,
        block_hash=block.block_hash,
        contract=contract,
        sender=read.address("41" + str(topics[1])[-RECIPIENT_DIGITS:], "sender"),
        recipient=read.address("41" + str(topics[2])[-RECIPIENT_DIGITS:], "recipient"),
        amount_raw=int.from_bytes(read.data(log.get("data"), "amount"), "big"),
    )
