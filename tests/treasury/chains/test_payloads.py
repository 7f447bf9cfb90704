"""The bytes that are signed: encoded as eth_account does, and read back from nothing but themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.worlds import ALICE, BOB, Wallet, network_of
from treasury.chains.addresses import checksummed
from treasury.chains.errors import InvalidTransaction
from treasury.chains.payloads import (
    PaymentPayload,
    decode_signed,
    decode_transfer_calldata,
    noop_payload,
    transaction_hash,
    transfer_calldata,
    transfer_payload,
)
from treasury.chains.ports import Fees

NETWORK = network_of("arbitrum")
KEY = Account.from_key("0x" + "11" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

addresses = st.binary(min_size=20, max_size=20).map(checksummed)


@st.composite
def payloads(draw: st.DrawFn) -> PaymentPayload:
    max_fee = draw(st.integers(0, 2**64))
    return PaymentPayload(
        chain_id=draw(st.integers(1, 2**32)),
        nonce=draw(st.integers(0, 2**40)),
        to=draw(addresses),
        value_wei=draw(st.integers(0, 2**100)),
        data=draw(st.one_of(st.just(b""), st.binary(max_size=80))),
        gas_limit=draw(st.integers(21_000, 10**7)),
        max_fee_wei=max_fee,
        max_priority_fee_wei=draw(st.integers(0, max_fee)),
    )


def by_eth_account(payload: PaymentPayload) -> Any:
    return KEY.sign_transaction(
        {
            "type": 2,
            "chainId": payload.chain_id,
            "nonce": payload.nonce,
            "to": payload.to,
            "value": payload.value_wei,
            "data": payload.data,
            "gas": payload.gas_limit,
            "maxFeePerGas": payload.max_fee_wei,
            "maxPriorityFeePerGas": payload.max_priority_fee_wei,
        }
    )


@given(payloads())
def test_the_bytes_are_those_of_eth_account_and_read_back_the_same(payload: PaymentPayload) -> None:
    theirs = by_eth_account(payload)
    signed = payload.assemble(theirs.v, theirs.r, theirs.s)
    assert signed == bytes(theirs.raw_transaction)
    decoded = decode_signed(signed)
    assert decoded.payload == payload
    assert decoded.sender == KEY.address
    assert decoded.tx_hash == "0x" + bytes(theirs.hash).hex() == transaction_hash(signed)
    assert PaymentPayload.from_unsigned_bytes(payload.unsigned_bytes()) == payload


@given(payloads(), st.integers(0, 300), st.integers(0, 255))
def test_a_changed_byte_never_reads_as_the_same_payment_by_the_same_sender(
    payload: PaymentPayload, position: int, byte: int
) -> None:
    theirs = by_eth_account(payload)
    signed = payload.assemble(theirs.v, theirs.r, theirs.s)
    changed = bytearray(signed)
    changed[position % len(changed)] = byte
    if bytes(changed) == signed:
        return
    try:
        decoded = decode_signed(bytes(changed))
    except InvalidTransaction:
        return
    assert decoded.sender != KEY.address


@given(addresses, st.integers(1, 2**256 - 1))
def test_a_transfer_says_whom_it_pays_and_how_much(recipient: str, amount: int) -> None:
    payload = transfer_payload(
        chain_id=1,
        nonce=0,
        token_contract=ALICE,
        recipient=recipient,
        amount_raw=amount,
        gas_limit=1,
        fees=Fees(1, 0, 0),
    )
    theirs = by_eth_account(payload)
    decoded = decode_signed(payload.assemble(theirs.v, theirs.r, theirs.s))
    assert decoded.is_token_transfer
    assert not decoded.is_noop
    assert (decoded.payload.to, decoded.recipient, decoded.amount_raw) == (ALICE, recipient, amount)


def test_a_noop_is_a_self_send_of_nothing() -> None:
    wallet = Wallet("noop")
    decoded = decode_signed(wallet.noop(NETWORK, nonce=4, fees=Fees(5, 1, 0)))
    assert decoded.is_noop
    assert not decoded.is_token_transfer
    assert decoded.sender == decoded.payload.to == wallet.address


@pytest.mark.parametrize(
    "calldata",
    [
        b"",
        transfer_calldata(BOB, 5)[:-1],
        transfer_calldata(BOB, 5) + b"\x00",
        bytes.fromhex("095ea7b3") + transfer_calldata(BOB, 5)[4:],  # approve
        transfer_calldata(BOB, 5)[:4] + b"\x01" + transfer_calldata(BOB, 5)[5:],  # dirty padding
    ],
)
def test_what_is_not_exactly_a_transfer_is_none(calldata: bytes) -> None:
    assert decode_transfer_calldata(calldata) is None


def test_a_transfer_that_also_sends_coins_is_none() -> None:
    wallet = Wallet("value")
    payload = replace(_transfer(), value_wei=1)
    assert not decode_signed(wallet.sign(payload)).is_token_transfer


def test_a_payment_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidTransaction):
        _transfer(amount_raw=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_id": 0},
        {"nonce": -1},
        {"nonce": 2**64 - 1},
        {"nonce": True},
        {"gas_limit": 0},
        {"value_wei": 2**256},
        {"max_fee_wei": 1, "max_priority_fee_wei": 2},
        {"to": ALICE.lower()},
    ],
)
def test_a_payload_that_cannot_be_is_refused_when_it_is_made(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidTransaction):
        replace(_transfer(), **changes)


def _signed_fields() -> list[Any]:
    signed = Wallet("fields").sign(_transfer())
    return list(rlp.decode(signed[1:]))


@pytest.mark.parametrize(
    "change",
    [
        {0: b"\x00\x01"},  # a leading zero
        {1: b"\x00"},  # zero is the empty text
        {5: b""},  # creates a contract
        {8: [[b"\x01" * 20, []]]},  # an access list
        {9: b"\x02"},  # no parity
        {10: b""},
        {11: ORDER.to_bytes(32, "big")},
    ],
)
def test_bytes_that_we_never_build_are_refused(change: dict[int, Any]) -> None:
    fields = _signed_fields()
    for position, value in change.items():
        fields[position] = value
    with pytest.raises(InvalidTransaction):
        decode_signed(b"\x02" + rlp.encode(fields))


def test_a_high_s_is_refused_in_bytes_and_lowered_in_a_signature() -> None:
    fields = _signed_fields()
    parity, r, s = (int.from_bytes(field, "big") for field in fields[9:])
    high = [*fields[:9], (1 - parity).to_bytes(1, "big").lstrip(b"\x00"), fields[10], (ORDER - s).to_bytes(32, "big")]
    with pytest.raises(InvalidTransaction):
        decode_signed(b"\x02" + rlp.encode(high))
    payload = _transfer()
    assert payload.assemble(1 - parity, r, ORDER - s) == payload.assemble(parity, r, s)
    assert decode_signed(payload.assemble(28 - parity, r, ORDER - s)).sender == Wallet("fields").address


@pytest.mark.parametrize(
    "signed", [b"", b"\x02", b"\x02\xc0", b"\x01\xc0", b"\xc0", b"\x02\xc1", b"\x02" + b"\xff" * 9]
)
def test_what_is_no_transaction_is_refused(signed: bytes) -> None:
    with pytest.raises(InvalidTransaction):
        decode_signed(signed)
    with pytest.raises(InvalidTransaction):
        PaymentPayload.from_unsigned_bytes(signed)


def test_bytes_behind_the_transaction_are_refused() -> None:
    with pytest.raises(InvalidTransaction):
        decode_signed(Wallet("tail").sign(_transfer()) + b"\x00")


@pytest.mark.parametrize(("v", "r", "s"), [(2, 1, 1), (0, 0, 1), (0, 1, 0), (0, ORDER, 1), (0, 1, ORDER), (37, 1, 1)])
def test_numbers_that_are_no_signature_are_refused(v: int, r: int, s: int) -> None:
    with pytest.raises(InvalidTransaction):
        _transfer().assemble(v, r, s)


def test_the_worst_fee_is_the_limit_times_the_maximum() -> None:
    payload = noop_payload(chain_id=1, nonce=0, sender=ALICE, gas_limit=30_000, fees=Fees(7, 2, 1))
    assert payload.worst_fee_wei == 210_000
    assert payload.fees == Fees(7, 2, 0)


def _transfer(amount_raw: int = 5) -> PaymentPayload:
    return transfer_payload(
        chain_id=NETWORK.chain_id,
        nonce=3,
        token_contract=NETWORK.token_contract,
        recipient=BOB,
        amount_raw=amount_raw,
        gas_limit=90_000,
        fees=Fees(10**9, 10**6, 0),
    )
