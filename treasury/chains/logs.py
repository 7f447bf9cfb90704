"""From the bytes of an `eth_getLogs` answer to Transfers, decoding only those that may be ours.

A busy token has tens of thousands of Transfers in a range and a hundred of them are ours, so the work per *foreign* log
decides the speed. `_scan_compact` walks over answers in the form that nodes send (compact, lower case, address and
topics first) with a few slices per log and proves on the way that it saw every log; where the bytes are in any other
form it gives up before deciding anything, and `_scan_parsed` reads the JSON whole. Both hand the wanted logs to the
same strict decoder, and both give the same answer: the tests compare them on every kind of odd JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

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

    recipients = _compact_recipients(found.pieces)
    if recipients is None:
        return None
    picked = wanted.pick(recipients)
    if not picked:
        return LogsAnswer((), len(starts))

    transactions = _compact_tx_prefixes(body, found)
    if transactions is None:
        return None
    of_interest = {transactions[position] for position in picked}
    positions = [position for position, prefix in enumerate(transactions) if prefix in of_interest]
    # A log ends at the first brace behind its fixed part: _compact_logs made sure.
    try:
        logs = [
            orjson.loads(body[starts[at] - len(head) : body.index(b"}", starts[at] + _BEHIND_DATA_AT) + 1])
            for at in positions
        ]
    except orjson.JSONDecodeError:
        return None
    chosen = frozenset(picked)
    transfers = _with_ordinals(logs, [n for n, at in enumerate(positions) if at in chosen], contract)
    return LogsAnswer(transfers, len(starts))


@dataclass(frozen=True, slots=True)
class _CompactLogs:
    """Of each log: where its sender begins, its recipient with what stands around it, and what stands where the first
    log's transaction stands. `end` is where the array's closing bracket stands.
    """

    starts: list[int]
    pieces: list[bytes]
    tx_guesses: list[bytes]
    end: int


def _compact_logs(body: bytes, head: bytes) -> _CompactLogs | None:
    """None if the form is not kept; that it is counts only once `_compact_recipients` has said so of the pieces.

    Steps from each log's first "}" behind its fixed part to the next log, which must follow at once with the very same
    head: so there can be no log in between, of another contract or in another form. All that is wanted of a log is cut
    out in passing: the answer is larger than the processor's caches, and to come back for it costs as much as the walk.
    """
    first = body.find(head, 0, 4096)
    if first < 0:
        return None
    separator = b"}," + head
    step = len(separator)
    starts: list[int] = []
    pieces: list[bytes] = []
    guesses: list[bytes] = []
    add, add_piece, add_guess = starts.append, pieces.append, guesses.append
    find, startswith = body.find, body.startswith
    at = first + len(head)
    # The same distance in every log, as long as the numbers before it do not gain a digit.
    tx_at = max(body.find(_TX_HASH_KEY, at) - at, 0)
    tx_end = tx_at + _TX_PREFIX_WIDTH
    while True:
        add(at)
        add_piece(body[at + _PIECE_AT : at + _DATA_AT])
        add_guess(body[at + tx_at : at + tx_end])
        end = find(b"}", at + _BEHIND_DATA_AT)
        if not startswith(separator, end):  # also if end is -1
            break
        at = end + step
    if end < 0 or body[end : end + 2] != b"}]":
        return None
    return _CompactLogs(starts, pieces, guesses, end + 1)


def _compact_recipients(pieces: Sequence[bytes]) -> bytes | None:
    """All recipients, 40 hex digits each; None unless each stands between exactly what is to stand around it."""
    joined = b"".join(pieces)
    if len(joined) != _PIECE_WIDTH * len(pieces):
        return None
    table = np.frombuffer(joined, dtype=np.uint8).reshape(-1, _PIECE_WIDTH)
    before, digits, behind = np.split(
        table, [len(_BEFORE_RECIPIENT), len(_BEFORE_RECIPIENT) + RECIPIENT_DIGITS], axis=1
    )
    if not ((before == _BEFORE_TABLE).all() and (behind == _BEHIND_TABLE).all()):
        return None
    recipients = digits.tobytes()
    return None if recipients.translate(None, _HEX_DIGITS) else recipients


def _compact_tx_prefixes(body: bytes, logs: _CompactLogs) -> list[bytes] | None:
    """The beginning of each log's transaction hash, with the key in front; None if the form is not kept."""
    if _are_prefixes(logs.tx_guesses):
        return logs.tx_guesses
    found = []
    for at in logs.starts:
        key = body.find(_TX_HASH_KEY, at + _BEHIND_DATA_AT, body.find(b"}", at + _BEHIND_DATA_AT))
        found.append(body[key : key + _TX_PREFIX_WIDTH] if key >= 0 else b"")
    return found if _are_prefixes(found) else None


def _are_prefixes(found: Sequence[bytes]) -> bool:
    """Whether each is the key and hex digits. Without its hex digits each must be the key without its own: a slice
    that began one byte off would lack the key's first quote or bring a stranger, so the comparison of all at once is
    as strict as one by one."""
    joined = b"".join(found)
    return len(joined) == _TX_PREFIX_WIDTH * len(found) and (
        joined.translate(None, _HEX_DIGITS) == _TX_HASH_KEY.translate(None, _HEX_DIGITS) * len(found)
    )


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
