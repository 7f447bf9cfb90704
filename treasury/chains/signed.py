"""Signed transactions of any kind, read from nothing but their bytes: for what others made and a node shows us.

Pure. `payloads.decode_signed` reads our own and refuses everything that we never build; here legacy transactions and
each typed one with a signature at its end are read, because a key that leaked signs what its new owner likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rlp
from coincurve import PublicKey
from eth_hash.auto import keccak

from treasury.chains import rpc_values as read
from treasury.chains.addresses import checksummed, raw_address
from treasury.chains.errors import InvalidTransaction
from treasury.chains.payloads import transaction_hash

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# Of each typed transaction: how many fields, and where `to` stands; value and data follow, parity, r and s are last.
_TYPED = {1: (11, 4), 2: (12, 5), 3: (14, 5), 4: (13, 5)}
_LEGACY = (9, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """What the bytes say. `sender` is recovered from the signature; `chain_id` is None if it is valid on any chain."""

    tx_hash: str
    sender: str
    chain_id: int | None
    nonce: int
    to: str | None
    value_wei: int
    data: bytes


def read_signed(signed: bytes) -> SignedTransaction:
    """Read signed bytes of type 0 to 4. Raises InvalidTransaction if they are none, or are signed by no key."""
    kind = signed[0] if signed and signed[0] < 0x80 else 0
    if signed[:1] == b"\x00" or (kind and kind not in _TYPED):
        raise InvalidTransaction(f"a transaction of an unknown type: {signed[:1].hex()}")
    length, at = _TYPED.get(kind, _LEGACY)
    items = _items(signed[1:] if kind else signed, length)
    v, r, s = (_integer(item) for item in items[-3:])
    if kind:
        chain_id: int | None = _integer(items[0])
        parity, digest = v, keccak(bytes([kind]) + rlp.encode(items[:-3]))
    elif v in (27, 28):
        chain_id, parity, digest = None, v - 27, keccak(rlp.encode(items[:6]))
    elif v >= 35:  # EIP-155
        chain_id, parity = divmod(v - 35, 2)
        digest = keccak(rlp.encode([*items[:6], _bytes(chain_id), b"", b""]))
    else:
        raise InvalidTransaction("not a canonical signature")
    return SignedTransaction(
        tx_hash=transaction_hash(signed),
        sender=_signer(digest, parity, r, s),
        chain_id=chain_id,
        nonce=_integer(items[1 if kind else 0]),
        to=_address(items[at]),
        value_wei=_integer(items[at + 1]),
        data=_data(items[at + 2]),
    )


def bytes_of(answer: Mapping[str, Any]) -> bytes | None:
    """The signed bytes, put together again from the answer of eth_getTransactionByHash; None for types above 2.

    Whether they are the transaction's is for the caller to see by their hash. Raises MalformedAnswer.
    """

    def number(key: str) -> bytes:
        return _bytes(read.quantity(answer.get(key), key))

    kind = read.optional_quantity(answer.get("type"), "type")
    if kind > 2:
        return None
    to = b"" if answer.get("to") is None else raw_address(read.address(answer["to"], "recipient"))
    data = read.data(answer.get("input", answer.get("data")), "input")
    prices = ["maxPriorityFeePerGas", "maxFeePerGas"] if kind == 2 else ["gasPrice"]
    fields: list[Any] = [number("nonce"), *map(number, prices), number("gas"), to, number("value"), data]
    if kind == 0:
        return bytes(rlp.encode([*fields, number("v"), number("r"), number("s")]))
    parity = number("yParity" if answer.get("yParity") is not None else "v")
    fields = [number("chainId"), *fields, _access_list(answer.get("accessList"))]
    return bytes([kind]) + bytes(rlp.encode([*fields, parity, number("r"), number("s")]))


def _access_list(answer: Any) -> list[list[Any]]:
    given = [read.mapping(entry, "access list") for entry in answer or ()]
    return [
        [
            raw_address(read.address(entry.get("address"), "address")),
            [bytes.fromhex(read.hash32(key, "storage key")[2:]) for key in entry.get("storageKeys") or ()],
        ]
        for entry in given
    ]


def _items(encoded: bytes, length: int) -> list[Any]:
    try:
        items = rlp.decode(encoded, strict=True)
    except rlp.exceptions.RLPException as error:
        raise InvalidTransaction("not canonical RLP") from error
    if not isinstance(items, list) or len(items) != length:
        raise InvalidTransaction(f"not a list of {length} fields")
    return items


def _signer(digest: bytes, parity: int, r: int, s: int) -> str:
    if parity not in (0, 1) or not 0 < r < _CURVE_ORDER or not 0 < s <= _CURVE_ORDER // 2:
        raise InvalidTransaction("not a canonical signature")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError as error:
        raise InvalidTransaction("the signature recovers to no key") from error
    return checksummed(keccak(key.format(compressed=False)[1:])[12:])


def _address(item: Any) -> str | None:
    if item == b"":
        return None  # makes a contract
    if not isinstance(item, bytes) or len(item) != 20:
        raise InvalidTransaction("not an address")
    return checksummed(item)


def _data(item: Any) -> bytes:
    if not isinstance(item, bytes):
        raise InvalidTransaction("not data")
    return item


def _integer(item: Any) -> int:
    if not isinstance(item, bytes) or len(item) > 32 or item[:1] == b"\x00":
        raise InvalidTransaction("not a canonical integer")
    return int.from_bytes(item, "big")


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
