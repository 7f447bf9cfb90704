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

from treasury.chains.errors import BlockNotAvailable, MalformedAnswer
from treasury.chains.ports import RECIPIENT_DIGITS, BlockRef, ForeignTransfer, Receipt, Transfer
from treasury.chains.tron import answers as read

TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)")"""

_PADDING = "0" * 24
_TOPIC = TRANSFER_TOPIC.encode()
_ADDRESS_TOPIC = re.compile(_PADDING + "[0-9a-f]{40}")


class BlockInfos:
    """One block's receipts. `transactions` is how many there have to be; what is asked twice is worked out once."""

    def __init__(self, block: BlockRef, transactions: int, body: bytes) -> None:
        self.block = block
        self.transactions = transactions
        self.body = body

    @cached_property
    def recipients(self) -> bytes:
        """Recipients of every Transfer log, 40 lower-case hex digits each. Raises what `parsed` raises."""
        body = self.body.lower()
        recipients = _recipients_between(body.split(_TOPIC))
        receipts = body.count(b'"blocknumber":%d,' % self.block.number)
        if recipients is not None and receipts == self.transactions and b"\\" not in body:
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
        infos = [read.mapping(info, "receipt") for info in read.sequence(answer, "receipts")]
        if len(infos) != self.transactions:
            raise BlockNotAvailable(
                f"block {self.block.number}: {len(infos)} receipts of {self.transactions} transactions are here"
            )
        if len({info.get("id") for info in infos}) != len(infos):
            raise MalformedAnswer("one receipt twice")
        for info in infos:
            if read.integer(info.get("blockNumber"), "block number") != self.block.number:
                raise MalformedAnswer(f"a receipt of another block in block {self.block.number}")
        return infos


# What stands behind the topic of a Transfer: ","<sender: 64 digits>","<24 zeros><recipient: 40 digits>"
_BEHIND_BYTES = 135
_MARKS_AT = [0, 1, 2, 67, 68, 69, 134]
_MARKS = np.frombuffer(b'","' + b'","' + b'"', dtype=np.uint8)
_ZEROS, _RECIPIENT = slice(70, 94), slice(94, 134)
_HEX_DIGITS = b"0123456789abcdef"


def _recipients_between(parts: Sequence[bytes]) -> bytes | None:
    """The recipients in what stands between Transfer topics; None if a single one does not look as it should."""
    count = len(parts) - 1
    if not count:
        return b""
    if b"".join([part[-1:] for part in parts[:-1]]) != b'"' * count:
        return None
    topics = b"".join([part[:_BEHIND_BYTES] for part in parts[1:]])
    # No part gives more than its share, so at this length each has given all of it; and but for the marks all is hex.
    if len(topics) != _BEHIND_BYTES * count or len(topics.translate(None, _HEX_DIGITS)) != len(_MARKS) * count:
        return None
    rows = np.frombuffer(topics, dtype=np.uint8).reshape(-1, _BEHIND_BYTES)
    if (rows[:, _MARKS_AT] != _MARKS).any() or (rows[:, _ZEROS] != ord("0")).any():
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
        ordinal = 0
        for log in _logs(info):
            if str(log.get("address")).lower() == contract_digits and _is_transfer(log):
                _check_transfer(log)
                if to is None or log["topics"][2][-RECIPIENT_DIGITS:].lower() in to:
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


def _logs(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Logs of a transaction that succeeded: what a failed one logged did not happen."""
    receipt = read.mapping(info.get("receipt"), "receipt")
    if info.get("result") == "FAILED" or receipt.get("result", "SUCCESS") != "SUCCESS":
        return []
    return [read.mapping(log, "log") for log in read.sequence(info.get("log"), "logs")]


def _is_transfer(log: Mapping[str, Any]) -> bool:
    topics = log.get("topics")
    return isinstance(topics, list) and len(topics) == 3 and str(topics[0]).lower() == TRANSFER_TOPIC


def _is_address_topic(topic: Any) -> bool:
    return bool(_ADDRESS_TOPIC.fullmatch(str(topic).lower()))


def _check_transfer(log: Mapping[str, Any]) -> None:
    topics = log["topics"]
    if (
        len(read.data(log.get("data"), "amount")) != 32
        or not _is_address_topic(topics[1])
        or not _is_address_topic(topics[2])
    ):
        raise MalformedAnswer("a Transfer that is none")


def _transfer(
    info: Mapping[str, Any], log: Mapping[str, Any], ordinal: int, log_index: int, block: BlockRef, contract: str
) -> Transfer:
    """Of a log that `_check_transfer` lets pass."""
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
