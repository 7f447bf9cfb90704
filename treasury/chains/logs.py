"""From the bytes of an `eth_getLogs` answer to Transfers, decoding only those that may be ours.

A busy token has tens of thousands of Transfers in a range and a hundred of them are ours, so the work per *foreign* log
decides the speed. `_scan_compact` walks over answers in the form that nodes send (compact, lower case, address and
topics first) with a few slices per log and proves on the way that it saw every log; where the bytes are in any other
form it gives up before deciding anything, and `_scan_parsed` reads the JSON whole. Both hand the wanted logs to the
same strict decoder, and both give the same answer: the tests compare them on every kind of odd JSON.
"""

from __future__ import annotations

from binascii import unhexlify
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import stringzilla as sz
from numpy.typing import NDArray

from treasury.chains import rpc_values as read
from treasury.chains.errors import MalformedAnswer
from treasury.chains.ports import RECIPIENT_DIGITS, AddressFilter, ForeignTransfer, Transfer

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)")"""

_TOPIC_PADDING = "0" * 24
_HEX_DIGITS = b"0123456789abcdef"

# The fixed part of a compact log behind its head: sender, then these, each at a constant distance.
_BEFORE_RECIPIENT = b'","0x' + _TOPIC_PADDING.encode()
_BEHIND_RECIPIENT = b'"],"data":"0x'
_BEFORE_TABLE, _BEHIND_TABLE = (np.frombuffer(part, dtype=np.uint8) for part in (_BEFORE_RECIPIENT, _BEHIND_RECIPIENT))
_PIECE_AT = 40
_PIECE_WIDTH = len(_BEFORE_RECIPIENT) + RECIPIENT_DIGITS + len(_BEHIND_RECIPIENT)
_DATA_AT = _PIECE_AT + _PIECE_WIDTH
_BEHIND_DATA_AT = _DATA_AT + 64
_TX_HASH_KEY = b'"transactionHash":"0x'
# The key and the first digits of the hash: enough to choose what is decoded. Ordinals are counted by whole hashes.
_TX_PREFIX_DIGITS = 16
_TX_PREFIX_WIDTH = len(_TX_HASH_KEY) + _TX_PREFIX_DIGITS
_TX_KEY_TABLE = np.frombuffer(_TX_HASH_KEY, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class LogsAnswer:
    """What an answer held: the wanted Transfers in chain order, and how many logs were looked at."""

    transfers: tuple[Transfer, ...]
    logs_seen: int


type ReadEnvelope = Callable[[Any], Any]
"""Takes the parsed JSON-RPC envelope, raises its error as a typed one, returns the result."""


def read_transfers(body: bytes, *, contract: str, wanted: AddressFilter, envelope: ReadEnvelope) -> LogsAnswer:
    """All wanted Transfers of `contract` in the answer `body` to an eth_getLogs for its Transfer topic.

    Ordinals count every Transfer log of the contract within its transaction, wanted or not.
    Raises MalformedAnswer, and whatever `envelope` raises for an error answer.
    """
    compact = _scan_compact(body, contract=contract, wanted=wanted, envelope=envelope)
    if compact is not None:
        return compact
    return _scan_parsed(body, contract=contract, wanted=wanted, envelope=envelope)


def token_transfers(logs: Iterable[Any], *, contract: str) -> tuple[Transfer, ...]:
    """The Transfers of `contract` in a receipt's logs, with their ordinals. Logs of other contracts are passed over."""
    own = contract.lower()
    mine = [
        log
        for log in logs
        if str(read.mapping(log, "log").get("address")).lower() == own and _first_topic(log) == TRANSFER_TOPIC
    ]
    return _with_ordinals(mine, range(len(mine)), contract)


def foreign_transfers(logs: Iterable[Any], *, contract: str, recipients: Sequence[str]) -> tuple[ForeignTransfer, ...]:
    """ERC-20-shaped Transfers of other contracts to `recipients`. Transfers of other shapes (NFTs) are passed over."""
    asked_for = frozenset(recipients)
    found = []
    for log in logs:
        topics = read.mapping(log, "log").get("topics")
        if not isinstance(topics, list) or len(topics) != 3 or len(str(log.get("data"))) != 66:
            continue
        transfer = _decode(log, ordinal=0)
        if transfer.contract == contract or transfer.recipient not in asked_for:
            continue
        found.append(
            ForeignTransfer(
                tx_hash=transfer.tx_hash,
                log_index=transfer.log_index,
                block_number=transfer.block_number,
                block_hash=transfer.block_hash,
                contract=transfer.contract,
                sender=transfer.sender,
                recipient=transfer.recipient,
                amount_raw=transfer.amount_raw,
            )
        )
    return tuple(sorted(found, key=lambda transfer: (transfer.block_number, transfer.log_index)))


# --- compact bytes --------------------------------------------------------------------------------------------------


def _scan_compact(body: bytes, *, contract: str, wanted: AddressFilter, envelope: ReadEnvelope) -> LogsAnswer | None:
    """None if the bytes are not in the compact form throughout."""
    head = b'{"address":"%s","topics":["%s","0x%s' % (
        contract.lower().encode(),
        TRANSFER_TOPIC.encode(),
        _TOPIC_PADDING.encode(),
    )
    found = _compact_logs(body, head)
    if found is None:
        return None
    starts, end = found.starts, found.end
    # What surrounds the logs must be an envelope with an empty result: then the logs are all there is.
    try:
        around = orjson.loads(body[: starts[0] - len(head)] + body[end:])
    except orjson.JSONDecodeError:
        return None
    if envelope(around) != []:
        return None

    recipients = _compact_recipients(_cut(body, starts + _PIECE_AT, _PIECE_WIDTH))
    if recipients is None:
        return None
    picked = wanted.pick(recipients)
    if not picked:
        return LogsAnswer((), len(starts))

    transactions = _compact_tx_prefixes(body, found)
    if transactions is None:
        return None
    of_interest = np.unique(transactions[np.fromiter(picked, dtype=np.int64)])
    positions = [int(at) for at in np.flatnonzero(np.isin(transactions, of_interest))]
    try:
        logs = [orjson.loads(body[starts[at] - len(head) : found.ends[at] + 1]) for at in positions]
    except orjson.JSONDecodeError:
        return None
    chosen = frozenset(picked)
    transfers = _with_ordinals(logs, [n for n, at in enumerate(positions) if at in chosen], contract)
    return LogsAnswer(transfers, len(starts))


@dataclass(frozen=True, slots=True)
class _CompactLogs:
    """Where each log's fixed part begins behind its head, where its last brace is, and where the logs end."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    end: int


def _compact_logs(body: bytes, head: bytes) -> _CompactLogs | None:
    """None if the form is not kept; that it is counts only once `_compact_recipients` has said so of the pieces.

    From each log's only "}" on, the next log must follow at once with the very same head: so there can be no log in
    between, of another contract or in another form. StringZilla searches, ten times as fast as the methods of bytes.
    """
    first = body.find(head, 0, 4096)
    if first < 0:
        return None
    separator = b"}," + head
    lengths = np.fromiter(map(len, sz.split(body, separator)), dtype=np.int64)
    braces = np.cumsum(lengths[:-1] + len(separator)) - len(separator)
    starts = np.concatenate([np.array([first + len(head)], dtype=np.int64), braces + len(separator)])
    last = body.find(b"}", int(starts[-1]) + _BEHIND_DATA_AT)
    if last < 0 or body[last : last + 2] != b"}]":
        return None
    ends = np.append(braces, last)
    if (ends - starts < _BEHIND_DATA_AT).any() or sz.count(body, b"}", int(starts[0]), last) != len(braces):
        return None
    return _CompactLogs(starts, ends, last + 1)


def _cut(body: bytes, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """So many bytes from each place on, one row each. The last place has to have them."""
    stretches: NDArray[np.uint8] = np.ndarray((len(body) - width + 1, width), np.uint8, body, strides=(1, 1))
    return stretches[starts]


def _compact_recipients(table: NDArray[np.uint8]) -> bytes | None:
    """All recipients, 40 hex digits each; None unless each stands between exactly what is to stand around it."""
    before, digits, behind = np.split(
        table, [len(_BEFORE_RECIPIENT), len(_BEFORE_RECIPIENT) + RECIPIENT_DIGITS], axis=1
    )
    if not ((before == _BEFORE_TABLE).all() and (behind == _BEHIND_TABLE).all()):
        return None
    recipients = digits.tobytes()
    return None if recipients.translate(None, _HEX_DIGITS) else recipients


def _compact_tx_prefixes(body: bytes, logs: _CompactLogs) -> NDArray[np.uint64] | None:
    """The first digits of each log's transaction hash, as a number; None if the form is not kept.

    The same distance in every log, as long as the numbers before it do not gain a digit; else each is looked for.
    """
    at = body.find(_TX_HASH_KEY, int(logs.starts[0]) + _BEHIND_DATA_AT, int(logs.ends[0])) - int(logs.starts[0])
    places = logs.starts + at
    if at >= 0 and (places + _TX_PREFIX_WIDTH <= logs.ends).all():
        found = _prefix_numbers(_cut(body, places, _TX_PREFIX_WIDTH))
        if found is not None:
            return found
    keys = [
        body.find(_TX_HASH_KEY, start + _BEHIND_DATA_AT, end)
        for start, end in zip(logs.starts.tolist(), logs.ends.tolist(), strict=True)
    ]
    places = np.array(keys, dtype=np.int64)
    if (places < 0).any() or (places + _TX_PREFIX_WIDTH > logs.ends).any():
        return None
    return _prefix_numbers(_cut(body, places, _TX_PREFIX_WIDTH))


def _prefix_numbers(table: NDArray[np.uint8]) -> NDArray[np.uint64] | None:
    """None unless each row is the key and hex digits."""
    keys, digits = np.split(table, [len(_TX_HASH_KEY)], axis=1)
    text = digits.tobytes()
    if (keys != _TX_KEY_TABLE).any() or text.translate(None, _HEX_DIGITS):
        return None
    return np.frombuffer(unhexlify(text), dtype=np.uint64)


# --- any JSON -------------------------------------------------------------------------------------------------------


def _scan_parsed(body: bytes, *, contract: str, wanted: AddressFilter, envelope: ReadEnvelope) -> LogsAnswer:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedAnswer("not JSON") from error
    logs = envelope(answer)
    if not isinstance(logs, list):
        raise MalformedAnswer("the logs are not a list")
    own = contract.lower()
    recipients, tx_hashes = [], []
    for log in logs:
        topics = read.mapping(log, "log").get("topics")
        if not isinstance(topics, list) or len(topics) != 3 or _first_topic(log) != TRANSFER_TOPIC:
            raise MalformedAnswer("the node sent logs that were not asked for")
        if str(log.get("address")).lower() != own:
            raise MalformedAnswer("the node sent logs of another contract")
        recipients.append(_topic_address(topics[2]).encode())
        tx_hashes.append(read.hash32(log.get("transactionHash"), "transaction hash"))
    picked = frozenset(wanted.pick(b"".join(recipients)))
    of_interest = {tx_hashes[position] for position in picked}
    positions = [position for position, tx_hash in enumerate(tx_hashes) if tx_hash in of_interest]
    transfers = _with_ordinals(
        [logs[at] for at in positions], [n for n, at in enumerate(positions) if at in picked], contract
    )
    return LogsAnswer(transfers, len(logs))


# --- one log --------------------------------------------------------------------------------------------------------


def _with_ordinals(logs: Sequence[Any], chosen: Iterable[int], contract: str) -> tuple[Transfer, ...]:
    """Decode the chosen logs. `logs` hold *all* Transfers of the contract of every transaction among the chosen."""
    by_transaction: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for position, log in enumerate(logs):
        tx_hash = read.hash32(log.get("transactionHash"), "transaction hash")
        by_transaction[tx_hash].append((read.quantity(log.get("logIndex"), "log index"), position))
    ordinals = {}
    for entries in by_transaction.values():
        entries.sort()
        if len({log_index for log_index, _ in entries}) != len(entries):
            raise MalformedAnswer("one log twice")
        # A transaction lies in one block: logs of two blocks are of two histories.
        if len({str(logs[position].get("blockHash")).lower() for _, position in entries}) != 1:
            raise MalformedAnswer("one transaction in two blocks")
        ordinals.update({position: ordinal for ordinal, (_, position) in enumerate(entries)})
    transfers = [_decode(logs[position], ordinal=ordinals[position]) for position in chosen]
    if any(transfer.contract != contract for transfer in transfers):
        raise MalformedAnswer("the node sent logs that were not asked for")
    return tuple(sorted(transfers, key=lambda transfer: (transfer.block_number, transfer.log_index)))


def _decode(log: Any, *, ordinal: int) -> Transfer:
    topics = log.get("topics")
    if not isinstance(topics, list) or len(topics) != 3 or _first_topic(log) != TRANSFER_TOPIC:
        raise MalformedAnswer("not a Transfer")
    if log.get("removed"):
        raise MalformedAnswer("a removed log in an answer about the canonical chain")
    amount = read.data(log.get("data"), "amount")
    if len(amount) != 32:
        raise MalformedAnswer("the amount is not 32 bytes")
    return Transfer(
        tx_hash=read.hash32(log.get("transactionHash"), "transaction hash"),
        ordinal=ordinal,
        log_index=read.quantity(log.get("logIndex"), "log index"),
        block_number=read.quantity(log.get("blockNumber"), "block number"),
        block_hash=read.hash32(log.get("blockHash"), "block hash"),
        contract=read.address(log.get("address"), "contract"),
        sender=read.address("0x" + _topic_address(topics[1]), "sender"),
        recipient=read.address("0x" + _topic_address(topics[2]), "recipient"),
        amount_raw=int.from_bytes(amount, "big"),
    )


def _first_topic(log: Any) -> str:
    topics = log.get("topics")
    return str(topics[0]).lower() if isinstance(topics, list) and topics else ""


def _topic_address(topic: Any) -> str:
    """40 lower-case hex digits out of a padded topic."""
    text = read.hash32(topic, "topic")
    if not text.startswith(_TOPIC_PADDING, 2):
        raise MalformedAnswer("a topic that is no address")
    return text[26:]
