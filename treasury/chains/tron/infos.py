"""From the bytes of a `gettransactioninfobyblocknum` answer to Transfers, decoding only receipts that may hold ours.

A block has some 300 transactions, a third of them USDT, and nearly always none is ours. So the bytes are asked
one question first: which recipients stand in Transfer logs, of any contract? Only the receipts that may hold ours are
parsed. Bytes that the question cannot be put to (other spacing, escapes, odd topics) are parsed whole.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson
import stringzilla as sz
from numpy.typing import NDArray

from treasury.chains.errors import BlockNotAvailable, MalformedAnswer
from treasury.chains.ports import RECIPIENT_DIGITS, BlockRef, ForeignTransfer, Receipt, Transfer
from treasury.chains.tron import answers as read

TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)")"""

_PADDING = "0" * 24
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
        return self._seen.recipients if self._seen is not None else _log_recipients(self.parsed)

    def transfers(self, at: Sequence[int], contract_digits: str, network_contract: str) -> list[Transfer]:
        """The token's Transfers to those who stand `at` these places of `recipients`, in chain order.

        Raises what `parsed` and `block_transfers` raise, of the receipts that hold them.
        """
        width = RECIPIENT_DIGITS
        to = frozenset(self.recipients[place * width : (place + 1) * width].decode() for place in at)
        return block_transfers(self._receipts_with(at), self.block, contract_digits, network_contract, to=to)

    @cached_property
    def parsed(self) -> list[dict[str, Any]]:
        """Raises BlockNotAvailable as long as receipts are missing, MalformedAnswer."""
        answer = _loads(self.body)
        if isinstance(answer, dict) and not answer:
            answer = []
        infos = read.sequence(answer, "receipts")
        self._check_number(len(infos))
        return self._checked(infos)

    @cached_property
    def _seen(self) -> Seen | None:
        """What can be seen in the bytes, where they are as java-tron writes them."""
        receipts = sz.count(self.body, b'"blockNumber":%d,' % self.block.number)
        if receipts != self.transactions or sz.count(self.body, b"\\"):
            return None
        return _seen_in(self.body)

    def _receipts_with(self, at: Sequence[int]) -> list[dict[str, Any]]:
        """The receipts that hold these recipients' logs; perhaps all."""
        if self._seen is None:
            return self.parsed
        try:
            receipts = _RECEIPTS.decode(self.body)
        except msgspec.DecodeError:
            raise MalformedAnswer("not JSON") from None
        self._check_number(len(receipts))
        begins = list(itertools.accumulate((len(memoryview(each)) + 1 for each in receipts), initial=1))
        if begins.pop() != len(self.body):
            return self.parsed  # something stands between them
        holding = sorted({bisect_right(begins, self._seen.starts[place]) - 1 for place in at})
        return self._checked([_loads(receipts[place]) for place in holding])

    def _check_number(self, receipts: int) -> None:
        if receipts != self.transactions:
            raise BlockNotAvailable(
                f"block {self.block.number}: {receipts} receipts of {self.transactions} transactions are here"
            )

    def _checked(self, infos: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for info in infos:
            if read.mapping(info, "receipt").get("blockNumber") != self.block.number:
                raise MalformedAnswer(f"a receipt of another block in block {self.block.number}")
        if len({str(info.get("id")) for info in infos}) != len(infos):
            raise MalformedAnswer("one receipt twice")
        return infos


_RECEIPTS = msgspec.json.Decoder(list[msgspec.Raw])
"""Where each receipt begins and ends, by the JSON's own rules and without making anything of it: five times as fast."""


def _loads(text: bytes | msgspec.Raw) -> Any:
    try:
        return orjson.loads(memoryview(text))
    except orjson.JSONDecodeError:
        raise MalformedAnswer("not JSON") from None


class Seen(NamedTuple):
    """Recipients of Transfer logs as they stand in the bytes, and where each stands."""

    recipients: bytes
    starts: NDArray[np.int64]


_TOPICS = b'"topics"'
# What follows it in a Transfer: :["<its topic>","<sender: 64 digits>","<24 zeros><recipient: 40 digits>"
_BYTES = 3 + 64 + 135
_BEGIN = np.frombuffer(b':["', dtype=np.uint8)
_MARKS_AT = np.array([67, 68, 69, 134, 135, 136, 201])
_MARKS = np.frombuffer(b'","' + b'","' + b'"', dtype=np.uint8)
_TOPIC, _BEHIND, _ZEROS, _RECIPIENT = slice(3, 67), slice(67, None), slice(137, 161), slice(161, 201)
_TRANSFER = np.bytes_(TRANSFER_TOPIC)
_LOWER_CASE = np.uint8(0x20)  # the bit that tells an upper-case letter from a lower-case one; digits have it
_HEX_DIGITS = b"0123456789abcdefABCDEF"


def _seen_in(body: bytes) -> Seen | None:
    """The recipients of all logs whose first topic is Transfer's; None if a single one does not look as it should.

    Searching takes its time from the processor's memory: it is StringZilla's, as the methods of bytes take six times
    as long.
    """
    between = np.fromiter(map(len, sz.split(body, _TOPICS)), dtype=np.int64)
    starts = np.cumsum(between[:-1] + len(_TOPICS))
    whole = int(np.searchsorted(starts, len(body) - _BYTES, side="right"))
    if whole < len(starts) and TRANSFER_TOPIC.encode() in body[starts[whole] :].lower():
        return None
    starts = starts[:whole]  # what is shorter than a Transfer is none
    if not whole:
        return Seen(b"", starts)
    # Every stretch of that length, seen in place; those behind "topics" are copied out.
    stretches = np.ndarray((len(body) - _BYTES + 1, _BYTES), np.uint8, body, strides=(1, 1))
    rows = stretches[starts]
    if (rows[:, : len(_BEGIN)] != _BEGIN).any():
        return None
    is_transfer = _texts(rows[:, _TOPIC]) == _TRANSFER
    if not is_transfer.all():
        others = np.flatnonzero(~is_transfer)
        is_transfer[others] = _texts(rows[others, _TOPIC] | _LOWER_CASE) == _TRANSFER
        rows, starts = rows[is_transfer], starts[is_transfer]
    if (rows[:, _MARKS_AT] != _MARKS).any() or (rows[:, _ZEROS] != ord("0")).any():
        return None
    behind = rows[:, _BEHIND].tobytes()
    if len(behind.translate(None, _HEX_DIGITS)) != len(_MARKS) * len(rows):  # but for the marks all is hex
        return None
    return Seen(rows[:, _RECIPIENT].tobytes().lower(), starts)


def _texts(rows: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Each row of a topic's digits as one value, which is compared at once."""
    return np.ascontiguousarray(rows).view("S64")[:, 0]


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
    for info in infos:
        if not info.get("log"):
            continue
        ordinal = 0
        for log_index, log in enumerate(_logs(info)):
            if _is_transfer(log) and str(log.get("address")).lower() == contract_digits:
                recipient = _checked_recipient(log)
                if to is None or recipient in to:
                    found.append(_transfer(info, log, ordinal, log_index, block, network_contract))
                ordinal += 1
    return found


def foreign_transfers(
    infos: Sequence[Mapping[str, Any]], block: BlockRef, contract_digits: str, recipients: frozenset[str]
) -> Iterator[ForeignTransfer]:
    """Transfers of other contracts to `recipients`."""
    for info in infos:
        for log_index, log in enumerate(_logs(info)):
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
    """One transaction's receipt. Raises MalformedAnswer.

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
