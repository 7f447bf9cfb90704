"""TRON transactions: the bytes that others would make, read back from themselves, and nothing else accepted."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from devnet import node
from treasury.chains.addresses import raw_tron_address, tron_address
from treasury.chains.errors import InvalidTransaction
from treasury.chains.tron.transactions import (
    LONGEST_LIFE_MS,
    MOST_FEE_LIMIT_SUN,
    TRANSFER_CONTRACT,
    TRIGGER_SMART_CONTRACT,
    TYPE_URLS,
    RawTransaction,
    decode_signed,
    decode_transfer_calldata,
    reference_of,
    token_transfer,
    transaction_hash,
    transfer_calldata,
)

KEY = PrivateKey(keccak(b"payer"))
OWNER = tron_address(keccak(KEY.public_key.format(compressed=False)[1:])[12:])
TOKEN = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
RECIPIENT = tron_address(bytes.fromhex("b0" * 20))
NOW_MS = 1_790_000_000_000


def payment(**changes: Any) -> RawTransaction:
    facts = {
        "owner": OWNER,
        "token_contract": TOKEN,
        "recipient": RECIPIENT,
        "amount_raw": 5_000_000,
        "fee_limit_sun": 15_000_000,
        "ref_block_bytes": b"\x12\x34",
        "ref_block_hash": bytes(range(8)),
        "expiration_ms": NOW_MS + 600_000,
        "timestamp_ms": NOW_MS,
    }
    return token_transfer(**(facts | changes))


def signed(raw: RawTransaction, key: PrivateKey = KEY) -> bytes:
    made = key.sign_recoverable(raw.signing_digest(), hasher=None)
    return raw.assemble(made[64], int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"))


accounts = st.binary(min_size=20, max_size=20).map(tron_address)
numbers = st.integers(min_value=0, max_value=2**63 - 1)
raw_transactions = st.one_of(
    st.builds(
        RawTransaction,
        ref_block_bytes=st.binary(min_size=2, max_size=2),
        ref_block_hash=st.binary(min_size=8, max_size=8),
        expiration_ms=numbers,
        timestamp_ms=numbers,
        contract_type=st.just(TRIGGER_SMART_CONTRACT),
        owner=accounts,
        target=accounts,
        value_sun=numbers,
        data=st.binary(max_size=200),
        fee_limit_sun=numbers,
        memo=st.binary(max_size=300),
        permission_id=st.integers(min_value=0, max_value=9),
    ),
    st.builds(
        RawTransaction,
        ref_block_bytes=st.binary(min_size=2, max_size=2),
        ref_block_hash=st.binary(min_size=8, max_size=8),
        expiration_ms=numbers,
        timestamp_ms=numbers,
        contract_type=st.just(TRANSFER_CONTRACT),
        owner=accounts,
        target=accounts,
        value_sun=st.integers(min_value=1, max_value=2**63 - 1),
        memo=st.binary(max_size=300),
        permission_id=st.integers(min_value=0, max_value=9),
    ),
)


@given(raw_transactions)
def test_what_was_encoded_is_read_back_the_same(raw: RawTransaction) -> None:
    assert RawTransaction.decode(raw.encoded()) == raw


@given(raw_transactions, st.data())
def test_no_other_bytes_are_read_as_the_same_transaction(raw: RawTransaction, data: st.DataObject) -> None:
    encoded = bytearray(raw.encoded())
    at = data.draw(st.integers(min_value=0, max_value=len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    try:
        read = RawTransaction.decode(bytes(encoded))
    except InvalidTransaction:
        return
    assert read != raw
    assert read.encoded() == bytes(encoded)


def test_raw_data_and_id_equal_tronwebs_byte_for_byte() -> None:
    node.install()
    random_ = random.Random(195)
    made = [_any_transaction(random_) for _ in range(500)]
    done = subprocess.run(
        [*node.node_command(), str(Path(__file__).parent / "encode.mjs"), str(node.FOLDER / "package.json")],
        input="\n".join(json.dumps(_as_json(raw)) for raw in made),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    assert [[raw.encoded().hex(), raw.tx_hash] for raw in made] == theirs


def test_signed_bytes_say_who_pays_whom_how_much() -> None:
    raw = payment()
    said = decode_signed(signed(raw))
    assert said.raw == raw
    assert (said.sender, said.tx_hash) == (OWNER, raw.tx_hash)
    assert (said.recipient, said.amount_raw) == (RECIPIENT, 5_000_000)
    assert transaction_hash(signed(raw)) == raw.tx_hash


def test_a_call_that_is_no_plain_transfer_names_no_recipient() -> None:
    raw = payment()
    for other in (replace(raw, value_sun=1), replace(raw, data=raw.data + b"\x00"), replace(raw, data=b"\x01" * 68)):
        assert decode_signed(signed(other)).recipient is None


def test_dirty_padding_before_the_recipient_is_no_transfer() -> None:
    data = bytearray(transfer_calldata(RECIPIENT, 1))
    data[15] = 0x41  # java-tron would cut it off and pay all the same
    assert decode_transfer_calldata(bytes(data)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\x0a\x00",  # a field again
        lambda raw: raw + b"\x12\x41" + b"\x01" * 65,  # another signature
        lambda raw: raw[:-1],
        lambda raw: raw[:-1] + b"\x1d",  # v = 29
        lambda raw: raw + b"\x2a\x02\x10\x01",  # a result that a node adds
        lambda raw: b"",
    ],
)
def test_signed_bytes_in_any_other_form_are_refused(change: Any) -> None:
    with pytest.raises(InvalidTransaction):
        decode_signed(change(signed(payment())))


def test_a_high_s_is_normalised_and_never_read() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = payment()
    made = KEY.sign_recoverable(raw.signing_digest(), hasher=None)
    r, s, parity = int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), made[64]
    assert raw.assemble(1 - parity, r, order - s) == raw.assemble(parity, r, s)
    high = signed(raw)[:-33] + (order - s).to_bytes(32, "big") + bytes([28 - parity])
    with pytest.raises(InvalidTransaction):
        decode_signed(high)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_raw": 0},
        {"fee_limit_sun": 0},
        {"fee_limit_sun": MOST_FEE_LIMIT_SUN + 1},
        {"expiration_ms": NOW_MS},
        {"expiration_ms": NOW_MS + LONGEST_LIFE_MS + 1},
        {"ref_block_hash": b"short"},
        {"timestamp_ms": 0},
    ],
)
def test_a_payment_that_no_node_takes_is_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidTransaction):
        payment(**changes)


def test_two_contracts_in_one_transaction_are_not_read() -> None:
    raw = payment()
    encoded = raw.encoded()
    at = encoded.index(b"\x5a")  # field 11, of which the length follows in one or two bytes
    contract = RawTransaction.decode(encoded)
    assert contract == raw
    end = encoded.index(b"\x70", at + 100)  # field 14
    with pytest.raises(InvalidTransaction, match="2 contracts"):
        RawTransaction.decode(encoded[:end] + encoded[at:end] + encoded[end:])


def test_the_reference_of_a_block_is_cut_from_its_id() -> None:
    assert reference_of("0000000002fa1c3d" + "ab" * 24) == (bytes.fromhex("1c3d"), b"\xab" * 8)


def _any_transaction(random_: random.Random) -> RawTransaction:
    is_call = random_.random() < 0.7
    return RawTransaction(
        ref_block_bytes=random_.randbytes(2),
        ref_block_hash=random_.randbytes(8),
        expiration_ms=random_.randint(1, 2**42),
        timestamp_ms=random_.randint(1, 2**42),
        contract_type=TRIGGER_SMART_CONTRACT if is_call else TRANSFER_CONTRACT,
        owner=tron_address(random_.randbytes(20)),
        target=tron_address(random_.randbytes(20)),
        value_sun=random_.choice([0, random_.randint(1, 2**50)]) if is_call else random_.randint(1, 2**50),
        data=random_.randbytes(random_.choice([4, 68, 132])) if is_call else b"",
        fee_limit_sun=random_.choice([0, random_.randint(1, MOST_FEE_LIMIT_SUN)]) if is_call else 0,
        memo=random_.choice([b"", random_.randbytes(random_.randint(1, 200))]),
        permission_id=random_.choice([0, 0, 2, 9]),
    )


def _as_json(raw: RawTransaction) -> dict[str, Any]:
    """As a node shows it, and as tronweb takes it."""
    value: dict[str, Any] = {"owner_address": raw_tron_address(raw.owner).hex()}
    target = raw_tron_address(raw.target).hex()
    if raw.contract_type == TRANSFER_CONTRACT:
        value |= {"to_address": target, "amount": raw.value_sun}
    else:
        value |= {"contract_address": target, "data": raw.data.hex()}
        value |= {"call_value": raw.value_sun} if raw.value_sun else {}
    kind = "TransferContract" if raw.contract_type == TRANSFER_CONTRACT else "TriggerSmartContract"
    contract: dict[str, Any] = {"parameter": {"value": value, "type_url": TYPE_URLS[raw.contract_type]}, "type": kind}
    contract |= {"Permission_id": raw.permission_id} if raw.permission_id else {}
    facts: dict[str, Any] = {
        "contract": [contract],
        "ref_block_bytes": raw.ref_block_bytes.hex(),
        "ref_block_hash": raw.ref_block_hash.hex(),
        "expiration": raw.expiration_ms,
        "timestamp": raw.timestamp_ms,
    }
    facts |= {"fee_limit": raw.fee_limit_sun} if raw.fee_limit_sun else {}
    facts |= {"data": raw.memo.hex()} if raw.memo else {}
    return {"visible": False, "raw_data": facts}
