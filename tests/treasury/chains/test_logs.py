"""Scanning an eth_getLogs answer by its bytes: the same answer as reading it whole, on every kind of JSON."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.contracts.worlds import ALICE, BOB, CAROL
from tests.support.odd_json import ODD_STYLES, compact
from treasury.chains import logs as scanning
from treasury.chains.addresses import checksummed
from treasury.chains.errors import MalformedAnswer
from treasury.chains.logs import TRANSFER_TOPIC, read_transfers
from treasury.chains.ports import AddressFilter, EveryAddress, ExactAddresses, Transfer

TOKEN = checksummed("70" * 20)
KEY_ORDERS = {
    "anvil": (
        "address", "topics", "data", "blockHash", "blockNumber", "blockTimestamp", "transactionHash",
        "transactionIndex", "logIndex", "removed",
    ),
    "geth": (
        "address", "topics", "data", "blockNumber", "transactionHash", "transactionIndex", "blockHash",
        "blockTimestamp", "logIndex", "removed",
    ),
    "old geth": (
        "address", "topics", "data", "blockNumber", "transactionHash", "transactionIndex", "blockHash", "logIndex",
        "removed",
    ),
    "nethermind": (
        "address", "blockHash", "blockNumber", "data", "logIndex", "removed", "topics", "transactionHash",
        "transactionIndex",
    ),
}  # fmt: skip


def log_of(transfer: Transfer, order: str = "anvil") -> dict[str, Any]:
    """The log as a node sends it."""
    fields = {
        "address": transfer.contract.lower(),
        "topics": [
            TRANSFER_TOPIC,
            *("0x" + "0" * 24 + each[2:].lower() for each in (transfer.sender, transfer.recipient)),
        ],
        "data": f"0x{transfer.amount_raw:064x}",
        "blockHash": transfer.block_hash,
        "blockNumber": hex(transfer.block_number),
        "blockTimestamp": "0x6b03a086",
        "transactionHash": transfer.tx_hash,
        "transactionIndex": "0x0",
        "logIndex": hex(transfer.log_index),
        "removed": False,
    }
    return {key: fields[key] for key in KEY_ORDERS[order]}


def answer_of(transfers: list[Transfer], order: str = "anvil") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "result": [log_of(each, order) for each in transfers]}


def envelope(answer: Any) -> Any:
    if not isinstance(answer, dict) or "result" not in answer:
        raise MalformedAnswer("no result")
    return answer["result"]


def read(body: bytes, wanted: AddressFilter) -> scanning.LogsAnswer:
    return read_transfers(body, contract=TOKEN, wanted=wanted, envelope=envelope)


hashes = st.integers(0, 2**256 - 1).map(lambda number: f"0x{number:064x}")
people = st.sampled_from([ALICE, BOB, CAROL, checksummed("00" * 20), checksummed("ff" * 20)])


@st.composite
def chains_of_transfers(draw: st.DrawFn) -> list[Transfer]:
    """Transfers as they stand in a range: blocks, in them transactions, in them logs with gaps between them."""
    found = []
    number = draw(st.sampled_from([0, 14, 254, 4094, 65534, 2**28 - 2]))  # so that heights gain a digit on the way
    seen = set()
    for _ in range(draw(st.integers(0, 4))):
        number += draw(st.integers(1, 2))
        block_hash, log_index = draw(hashes), 0
        for _ in range(draw(st.integers(0, 3))):
            tx_hash = draw(hashes.filter(lambda each: each not in seen))
            seen.add(tx_hash)
            for ordinal in range(draw(st.integers(1, 4))):
                log_index += draw(st.sampled_from([1, 2, 14]))
                found.append(
                    Transfer(
                        tx_hash=tx_hash,
                        ordinal=ordinal,
                        log_index=log_index,
                        block_number=number,
                        block_hash=block_hash,
                        contract=TOKEN,
                        sender=draw(people),
                        recipient=draw(people),
                        amount_raw=draw(st.integers(0, 2**256 - 1)),
                    )
                )
    return found


@given(
    style=st.sampled_from(list(ODD_STYLES)), order=st.sampled_from(list(KEY_ORDERS)), transfers=chains_of_transfers()
)
@settings(max_examples=200)
def test_every_form_of_json_gives_the_same_transfers(style: str, order: str, transfers: list[Transfer]) -> None:
    body = ODD_STYLES[style](answer_of(transfers, order))
    found = read(body, ExactAddresses([ALICE, CAROL]))
    assert list(found.transfers) == [each for each in transfers if each.recipient in (ALICE, CAROL)]
    assert found.logs_seen == len(transfers)
    assert list(read(body, EveryAddress()).transfers) == transfers


@given(order=st.sampled_from(["anvil", "geth", "old geth"]), transfers=chains_of_transfers().filter(bool))
def test_what_nodes_send_takes_the_fast_way(order: str, transfers: list[Transfer]) -> None:
    body = compact(answer_of(transfers, order))
    fast = scanning._scan_compact(body, contract=TOKEN, wanted=ExactAddresses([ALICE]), envelope=envelope)
    assert fast is not None
    assert list(fast.transfers) == [each for each in transfers if each.recipient == ALICE]


@given(transfers=chains_of_transfers(), seed=st.integers())
def test_the_order_of_the_logs_does_not_matter(transfers: list[Transfer], seed: int) -> None:
    shuffled = transfers.copy()
    random.Random(seed).shuffle(shuffled)
    for style in (ODD_STYLES["compact"], ODD_STYLES["spaced"]):
        assert list(read(style(answer_of(shuffled)), EveryAddress()).transfers) == transfers


@given(
    transfers=chains_of_transfers().filter(bool),
    position=st.integers(0, 10**6),
    piece=st.sampled_from(
        [b"", b"0", b"A", b"g", b'"', b"}", b"{", b"]", b",", b" ", b"},{", b'"},{"', b"\x00", b"\\"]
    ),
    length=st.integers(0, 3),
)
@settings(max_examples=250)
def test_no_damage_makes_the_fast_way_disagree_with_the_whole_reading(
    transfers: list[Transfer], position: int, piece: bytes, length: int
) -> None:
    body = compact(answer_of(transfers))
    at = position % len(body)
    damaged = body[:at] + piece + body[at + length :]
    assume(damaged != body)
    wanted = ExactAddresses([ALICE])
    whole = _or_error(lambda: scanning._scan_parsed(damaged, contract=TOKEN, wanted=wanted, envelope=envelope))
    fast = _or_error(lambda: scanning._scan_compact(damaged, contract=TOKEN, wanted=wanted, envelope=envelope))
    if isinstance(whole, scanning.LogsAnswer):
        assert fast in (None, whole) or isinstance(fast, MalformedAnswer)
    elif isinstance(fast, scanning.LogsAnswer):
        # Damage within a log that is nobody's of ours: the fast way does not read it, and needs not.
        assert list(fast.transfers) == [each for each in transfers if each.recipient == ALICE]


def _or_error(read_it: Callable[[], Any]) -> Any:
    try:
        return read_it()
    except MalformedAnswer as error:
        return error


@pytest.mark.parametrize("style", ["compact", "spaced"])
@pytest.mark.parametrize(
    "spoil",
    [
        {"address": "0x" + "99" * 20},
        {"topics": [TRANSFER_TOPIC]},
        {"topics": ["0x" + "00" * 32] * 3},
        {"topics": [TRANSFER_TOPIC, "0x" + "00" * 32, "0x01" + "00" * 31]},
        {"data": "0x"},
        {"data": "0x" + "0" * 63},
        {"data": "0x" + "g" * 64},
        {"data": 5},
        {"removed": True},
        {"transactionHash": "0x" + "0" * 63},
        {"transactionHash": None},
        {"logIndex": 0},
        {"logIndex": "0x"},
        {"blockNumber": "latest"},
        {"blockHash": "0x1"},
    ],
)
def test_a_log_of_ours_that_cannot_be_spoils_the_answer(style: str, spoil: dict[str, Any]) -> None:
    good = answer_of([_transfer(ordinal=0), _transfer(ordinal=1)])
    good["result"][1] |= spoil
    with pytest.raises(MalformedAnswer):
        read(ODD_STYLES[style](good), EveryAddress())


@pytest.mark.parametrize("style", ["compact", "spaced"])
def test_one_log_twice_spoils_the_answer(style: str) -> None:
    with pytest.raises(MalformedAnswer, match="twice"):
        read(ODD_STYLES[style](answer_of([_transfer(), _transfer()])), EveryAddress())


@pytest.mark.parametrize("style", ["compact", "spaced"])
def test_one_transaction_in_two_blocks_spoils_the_answer(style: str) -> None:
    answer = answer_of([_transfer(ordinal=0), _transfer(ordinal=1)])
    answer["result"][1]["blockHash"] = "0x" + "33" * 32
    with pytest.raises(MalformedAnswer, match="two blocks"):
        read(ODD_STYLES[style](answer), EveryAddress())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"no", b'{"result":{}}', b'{"result":[1]}', b'{"result":[{}]}', b'{"result":"0x"}'],
)
def test_an_answer_that_holds_no_logs_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read(body, EveryAddress())


def test_an_answer_that_was_cut_is_malformed() -> None:
    body = compact(answer_of([_transfer(ordinal=n) for n in range(3)]))
    for at in range(1, len(body) - 1, 7):
        with pytest.raises(MalformedAnswer):
            read(body[:at], EveryAddress())


def test_an_error_beside_logs_is_the_envelopes_to_judge() -> None:
    asked = []

    def judge(answer: Any) -> Any:
        asked.append(answer)
        raise MalformedAnswer("an error")

    body = compact({"jsonrpc": "2.0", "error": {"code": 1, "message": "m"}, **answer_of([_transfer()])})
    with pytest.raises(MalformedAnswer, match="an error"):
        read_transfers(body, contract=TOKEN, wanted=EveryAddress(), envelope=judge)
    assert "error" in asked[0]


def test_an_empty_answer_holds_nothing() -> None:
    assert read(compact(answer_of([])), EveryAddress()) == scanning.LogsAnswer((), 0)


def _transfer(ordinal: int = 0) -> Transfer:
    return Transfer(
        tx_hash="0x" + "11" * 32,
        ordinal=ordinal,
        log_index=ordinal,
        block_number=5,
        block_hash="0x" + "22" * 32,
        contract=TOKEN,
        sender=BOB,
        recipient=ALICE,
        amount_raw=1,
    )
