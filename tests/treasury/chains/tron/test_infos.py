"""From a block's receipts to Transfers: whatever the JSON looks like, the same are found, and none of what failed."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury.chains.addresses import raw_tron_address, tron_address
from treasury.chains.errors import BlockNotAvailable, MalformedAnswer
from treasury.chains.ports import BlockRef
from treasury.chains.tron.infos import (
    TRANSFER_TOPIC,
    BlockInfos,
    block_transfers,
    foreign_transfers,
    receipt_of,
)

TOKEN = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
DIGITS = raw_tron_address(TOKEN)[1:].hex()
ALICE, BOB = (tron_address(bytes([digit]) * 20) for digit in (0xA1, 0xB0))
BLOCK = BlockRef(77, "00" * 7 + "4d" + "ab" * 24, "cd" * 32, 1_790_000_000)


def log(to: str, amount: int, *, contract: str = DIGITS, topics: list[str] | None = None) -> dict[str, Any]:
    recipient = "0" * 24 + raw_tron_address(to)[1:].hex()
    return {
        "address": contract,
        "topics": topics or [TRANSFER_TOPIC, "0" * 24 + "5e" * 20, recipient],
        "data": f"{amount:064x}",
    }


def info(number: int, *logs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{number:064x}",
        "fee": 13_844_000,
        "blockNumber": 77,
        "blockTimeStamp": 1_790_000_000_000,
        "contractResult": ["0" * 64],
        "contract_address": "41" + DIGITS,
        "receipt": {"energy_fee": 13_499_000, "energy_usage_total": 64_285, "net_fee": 345_000, "result": "SUCCESS"},
        "log": list(logs),
    } | changes


def infos_of(answer: Any, transactions: int | None = None, body: bytes = b"") -> BlockInfos:
    count = len(answer) if transactions is None else transactions
    return BlockInfos(BLOCK, count, body or json.dumps(answer, separators=(",", ":")).encode())


def found(infos: BlockInfos) -> list[tuple[str, int, int, str, int]]:
    return [
        (each.tx_hash, each.ordinal, each.log_index, each.recipient, each.amount_raw)
        for each in block_transfers(infos.parsed, BLOCK, DIGITS, TOKEN)
    ]


def test_transfers_are_numbered_in_their_transaction() -> None:
    other = "ee" * 20
    answer = [info(1, log(ALICE, 1), log(BOB, 2, contract=other), log(ALICE, 3)), info(2, log(BOB, 4))]
    one, two = f"{1:064x}", f"{2:064x}"
    assert found(infos_of(answer)) == [(one, 0, 0, ALICE, 1), (one, 1, 2, ALICE, 3), (two, 0, 0, BOB, 4)]


@pytest.mark.parametrize(
    "failure",
    [
        {"result": "FAILED", "receipt": {"result": "REVERT"}},
        {"result": "FAILED", "receipt": {"result": "OUT_OF_ENERGY"}},
        {"receipt": {"result": "OUT_OF_TIME"}},
        {"result": "FAILED"},
    ],
)
def test_what_a_failed_transaction_logged_did_not_happen(failure: dict[str, Any]) -> None:
    answer = [info(1, log(ALICE, 1), **failure)]
    assert found(infos_of(answer)) == []
    receipt = receipt_of(answer[0], BLOCK, DIGITS, TOKEN)
    assert not receipt.succeeded
    assert receipt.transfers == ()


def test_a_return_value_of_false_says_nothing_and_a_receipt_without_a_result_is_no_success_of_a_call() -> None:
    good = receipt_of(info(1, log(ALICE, 1)), BLOCK, DIGITS, TOKEN)
    assert good.succeeded
    assert [each.amount_raw for each in good.transfers] == [1]
    assert good.fee_native == 13_844_000
    assert not receipt_of(info(1, receipt={}), BLOCK, DIGITS, TOKEN).succeeded
    coins = {"id": f"{3:064x}", "blockNumber": 77, "receipt": {"net_usage": 265}}
    assert receipt_of(coins, BLOCK, DIGITS, TOKEN).succeeded, "a TRX transfer has no result"


def test_as_long_as_receipts_are_missing_the_block_is_not_there() -> None:
    answer = [info(1, log(ALICE, 1))]
    for body in (b"", b"[]", b"{}"):
        with pytest.raises(BlockNotAvailable):
            _ = infos_of(answer, 2, body).recipients


def test_receipts_that_cannot_be_are_refused_whole() -> None:
    one = info(1, log(ALICE, 1))
    wrong: list[Any] = [
        [one, one],
        [one | {"blockNumber": 78}],
        [one | {"log": "none"}],
        [one | {"receipt": 5}],
        [one | {"id": ["5e" * 32]}],
        [5],
        "text",
    ]
    for answer in wrong:
        with pytest.raises(MalformedAnswer):
            found(infos_of(answer, len(answer) if isinstance(answer, list) else 0))


def test_a_token_log_that_is_no_transfer_of_an_amount_is_refused() -> None:
    for bad in (log(ALICE, 1) | {"data": "00"}, log(ALICE, 1, topics=[TRANSFER_TOPIC, "5e" * 32, "5e" * 32])):
        with pytest.raises(MalformedAnswer):
            found(infos_of([info(1, bad)]))


STYLES: dict[str, Any] = {
    "spaced": lambda text: json.dumps(json.loads(text), indent=1),
    "other order": lambda text: json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")),
    "upper case": lambda text: text.replace(TRANSFER_TOPIC, TRANSFER_TOPIC.upper()).replace(DIGITS, DIGITS.upper()),
    "escaped": lambda text: text.replace(TRANSFER_TOPIC, "\\u0064" + TRANSFER_TOPIC[1:]),
    "more keys": lambda text: text.replace('"log":', '"note":"' + TRANSFER_TOPIC + '","log":'),
}


@pytest.mark.parametrize("style", STYLES)
def test_odd_json_says_the_same(style: str) -> None:
    random_ = random.Random(1)
    nft = log(BOB, 1, topics=[TRANSFER_TOPIC, "0" * 64, "0" * 64, "0" * 63 + "7"], contract="aa" * 20)
    answer = [info(n, *(log(random_.choice([ALICE, BOB]), n + 1) for _ in range(n % 4)), nft) for n in range(40)]
    plain = infos_of(answer)
    odd = infos_of(answer, body=STYLES[style](plain.body.decode()).encode())
    assert sorted(_split(odd.recipients)) == sorted(_split(plain.recipients))
    assert found(odd) == found(plain)


def _split(digits: bytes) -> list[bytes]:
    """Those that may be ours: an NFT's recipient is read on one way and not on the other, and is nobody's deposit."""
    parts = [digits[at : at + 40] for at in range(0, len(digits), 40)]
    return [part for part in parts if part != b"0" * 40]


def test_recipients_of_other_contracts_are_seen_too() -> None:
    answer = [info(1, log(BOB, 7, contract="ee" * 20))]
    (foreign,) = foreign_transfers(infos_of(answer).parsed, BLOCK, DIGITS, frozenset({BOB}))
    assert (foreign.recipient, foreign.amount_raw) == (BOB, 7)
    assert foreign.contract == tron_address(bytes.fromhex("ee" * 20))
    assert infos_of(answer).recipients.decode() == raw_tron_address(BOB)[1:].hex()


def test_bytes_are_what_counts() -> None:
    """orjson's and java-tron's compact forms are the one that needs no parsing."""
    answer = [info(n, log(ALICE, n + 1)) for n in range(5)]
    infos = BlockInfos(BLOCK, 5, orjson.dumps(answer))
    assert infos.recipients.decode() == raw_tron_address(ALICE)[1:].hex() * 5
    assert "parsed" not in infos.__dict__


@given(st.lists(st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.booleans()), max_size=5), max_size=40))
def test_the_quick_way_finds_what_parsing_finds(blocks: list[list[tuple[bytes, bool]]]) -> None:
    answer = []
    for number, logs in enumerate(blocks):
        made = []
        for raw, is_token in logs:
            made.append(log(tron_address(raw), len(raw), contract=DIGITS if is_token else raw.hex()))
            made.append({"address": raw.hex(), "data": raw.hex() * 5, "topics": [raw.hex() + "0" * 24]})
        answer.append(info(number, *made, note=str(len(logs)) * number))
    expected = [raw for logs in blocks for raw, _ in logs]
    quick = infos_of(answer)
    assert quick.recipients == b"".join(raw.hex().encode() for raw in expected)
    assert "parsed" not in quick.__dict__
    spaced = infos_of(answer, body=json.dumps(answer).encode())
    assert spaced.recipients == quick.recipients


def test_only_transfers_to_those_asked_for_are_built_and_keep_their_ordinals() -> None:
    answer = [info(1, log(ALICE, 1), log(BOB, 2), log(ALICE, 3)), info(2, log(BOB, 4))]
    to_bob = frozenset({raw_tron_address(BOB)[1:].hex()})
    parsed = infos_of(answer).parsed
    picked = block_transfers(parsed, BLOCK, DIGITS, TOKEN, to=to_bob)
    assert picked == [each for each in block_transfers(parsed, BLOCK, DIGITS, TOKEN) if each.recipient == BOB]
    assert [(each.ordinal, each.log_index) for each in picked] == [(1, 1), (0, 0)]


BLOCKS = st.lists(st.lists(st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 9)), max_size=3), min_size=1)


@given(BLOCKS, st.sets(st.integers(0, 200)), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_reading_only_the_receipts_of_some_says_what_reading_all_of_them_says(
    block: list[list[tuple[str, int]]], places: set[int], separators: tuple[str, str]
) -> None:
    answer = [info(number, *(log(to, amount) for to, amount in logs)) for number, logs in enumerate(block)]
    infos = infos_of(answer, body=json.dumps(answer, separators=separators).encode())
    recipients = [(number, to) for number, logs in enumerate(block) for to, _ in logs]
    asked = [place for place in sorted(places) if place < len(recipients)]
    expected = [
        each
        for each in block_transfers(infos.parsed, BLOCK, DIGITS, TOKEN)
        if (int(each.tx_hash, 16), each.recipient) in {recipients[place] for place in asked}
    ]
    found = infos.transfers(asked, DIGITS, TOKEN)
    assert [each for each in found if each in expected] == expected
    assert {each.recipient for each in found} <= {recipients[place][1] for place in asked}


def test_of_a_block_that_holds_ours_nothing_but_their_receipts_is_parsed() -> None:
    answer = [info(n, log(BOB if n == 3 else ALICE, n + 1)) for n in range(9)]
    infos = infos_of(answer)
    (transfer,) = infos.transfers([3], DIGITS, TOKEN)
    assert (transfer.tx_hash, transfer.recipient, transfer.amount_raw) == (f"{3:064x}", BOB, 4)
    assert "parsed" not in infos.__dict__


def test_a_receipt_of_ours_that_is_there_twice_is_refused() -> None:
    one = info(1, log(ALICE, 1))
    with pytest.raises(MalformedAnswer):
        infos_of([one, one]).transfers([0, 1], DIGITS, TOKEN)


def test_a_malformed_transfer_to_somebody_else_is_refused_too() -> None:
    parsed = infos_of([info(1, log(ALICE, 1), log(BOB, 2) | {"data": "00"})]).parsed
    with pytest.raises(MalformedAnswer):
        block_transfers(parsed, BLOCK, DIGITS, TOKEN, to=frozenset({raw_tron_address(ALICE)[1:].hex()}))


@pytest.mark.parametrize("put", ["", '"', "0", " ", "F", "\\", ",", "x"])
def test_whatever_is_damaged_behind_a_topic_is_read_as_json_says_or_refused(put: str) -> None:
    body = infos_of([info(n, log(BOB, n + 1)) for n in range(3)]).body.decode()
    second = body.index(TRANSFER_TOPIC, body.index(TRANSFER_TOPIC) + 1) + len(TRANSFER_TOPIC)
    for place in range(second, second + len('","","') + 2 * 64):
        damaged = (body[:place] + put + body[place + 1 :]).encode()
        infos = infos_of([0] * 3, body=damaged)
        try:
            logs = [each["log"][0] for each in json.loads(damaged)]
        except ValueError:
            with pytest.raises(MalformedAnswer):
                _ = infos.recipients
            continue
        last = [each["topics"][2] for each in logs if each["topics"][0] == TRANSFER_TOPIC and len(each["topics"]) == 3]
        expected = [each.lower()[24:] for each in last if re.fullmatch("0{24}[0-9a-fA-F]{40}", each)]
        assert infos.recipients.decode() == "".join(expected), place - second
