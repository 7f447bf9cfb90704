"""EIP-1559 transactions as we build them, sign them, and read them back.

Pure. We encode the bytes ourselves and hash them ourselves, so what is signed is what was decided; `decode_signed`
reads the signed bytes again from nothing but themselves, and refuses everything that we never build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import rlp
from coincurve import PublicKey
from eth_hash.auto import keccak

from treasury.chains.addresses import checksummed, raw_address
from treasury.chains.errors import InvalidTransaction
from treasury.chains.ports import Fees

TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")
"""transfer(address,uint256)"""

_TYPE_2 = b"\x02"
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_MAX_WORD = 2**256 - 1
_MAX_NONCE = 2**64 - 2  # EIP-2681


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPayload:
    """A transaction before its signature: type 2, no access list. `to` is checksummed; wei and gas are integers."""

    chain_id: int
    nonce: int
    to: str
    value_wei: int
    data: bytes
    gas_limit: int
    max_fee_wei: int
    max_priority_fee_wei: int

    def __post_init__(self) -> None:
        for name in ("chain_id", "nonce", "value_wei", "gas_limit", "max_fee_wei", "max_priority_fee_wei"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= _MAX_WORD:
                raise InvalidTransaction(f"{name} is out of range: {value!r}")
        if self.chain_id == 0 or self.gas_limit == 0 or self.nonce > _MAX_NONCE:
            raise InvalidTransaction("chain_id and gas_limit must be positive, and the nonce below 2^64 - 1")
        if self.max_priority_fee_wei > self.max_fee_wei:
            raise InvalidTransaction("the tip exceeds the maximum fee")
        if checksummed(self.to) != self.to:
            raise InvalidTransaction(f"`to` is not checksummed: {self.to}")

    @property
    def worst_fee_wei(self) -> int:
        """What the sender pays for gas at most."""
        return self.gas_limit * self.max_fee_wei

    @property
    def fees(self) -> Fees:
        """The two fee fields, for `bumped_fees`; the base fee is not part of a transaction and stands as 0."""
        return Fees(max_fee_wei=self.max_fee_wei, max_priority_fee_wei=self.max_priority_fee_wei, base_fee_wei=0)

    def unsigned_bytes(self) -> bytes:
        """`0x02 || rlp([...])` without a signature: what is stored with the reservation."""
        return _TYPE_2 + bytes(rlp.encode(self._fields()))

    def signing_digest(self) -> bytes:
        """The 32 bytes that the key signs."""
        return keccak(self.unsigned_bytes())

    def assemble(self, v: int, r: int, s: int) -> bytes:
        """The signed bytes. `v` is the y parity, 0 or 1 (27 and 28 are taken as such); a high `s` is normalised.

        Raises InvalidTransaction for values that are no signature.
        """
        parity = v - 27 if v in (27, 28) else v
        if parity not in (0, 1) or not 0 < r < _CURVE_ORDER or not 0 < s < _CURVE_ORDER:
            raise InvalidTransaction("not a signature")
        if s > _CURVE_ORDER // 2:
            s, parity = _CURVE_ORDER - s, 1 - parity
        return _TYPE_2 + bytes(rlp.encode([*self._fields(), _integer(parity), _integer(r), _integer(s)]))

    @classmethod
    def from_unsigned_bytes(cls, unsigned: bytes) -> Self:
        """Read `unsigned_bytes` back. Raises InvalidTransaction for anything that we would not have encoded so."""
        return cls(**_read_fields(_read_list(unsigned, length=9)))

    def _fields(self) -> list[bytes | list[bytes]]:
        return [
            _integer(self.chain_id),
            _integer(self.nonce),
            _integer(self.max_priority_fee_wei),
            _integer(self.max_fee_wei),
            _integer(self.gas_limit),
            raw_address(self.to),
            _integer(self.value_wei),
            self.data,
            [],
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPayment:
    """What signed bytes say, read from the bytes alone.

    `sender` is recovered from the signature. `recipient` and `amount_raw` are set if the data is exactly an ERC-20
    `transfer` (then `payload.to` is the token contract); `is_noop` for a self-send of nothing.
    """

    payload: PaymentPayload
    sender: str
    tx_hash: str
    recipient: str | None
    amount_raw: int | None

    @property
    def is_token_transfer(self) -> bool:
        return self.recipient is not None

    @property
    def is_noop(self) -> bool:
        return self.payload.to == self.sender and not self.payload.data and self.payload.value_wei == 0


def transfer_calldata(recipient: str, amount_raw: int) -> bytes:
    """Calldata of ERC-20 `transfer(recipient, amount_raw)`. Raises ValueError, OverflowError."""
    return TRANSFER_SELECTOR + raw_address(recipient).rjust(32, b"\x00") + amount_raw.to_bytes(32, "big")


def decode_transfer_calldata(data: bytes) -> tuple[str, int] | None:
    """(recipient, raw amount) if the data is exactly a clean `transfer` call, else None."""
    if len(data) != 68 or data[:4] != TRANSFER_SELECTOR or data[4:16] != bytes(12):
        return None
    return checksummed(data[16:36]), int.from_bytes(data[36:], "big")


def transfer_payload(
    *, chain_id: int, nonce: int, token_contract: str, recipient: str, amount_raw: int, gas_limit: int, fees: Fees
) -> PaymentPayload:
    """An ERC-20 transfer of `amount_raw` to `recipient`. Raises InvalidTransaction for an amount of 0."""
    if amount_raw <= 0:
        raise InvalidTransaction("a payment is never of nothing")
    return PaymentPayload(
        chain_id=chain_id,
        nonce=nonce,
        to=token_contract,
        value_wei=0,
        data=transfer_calldata(recipient, amount_raw),
        gas_limit=gas_limit,
        max_fee_wei=fees.max_fee_wei,
        max_priority_fee_wei=fees.max_priority_fee_wei,
    )


def noop_payload(*, chain_id: int, nonce: int, sender: str, gas_limit: int, fees: Fees) -> PaymentPayload:
    """A self-send of nothing: fills a gap at `nonce`. `gas_limit` is estimated (on Arbitrum it is not 21,000)."""
    return PaymentPayload(
        chain_id=chain_id,
        nonce=nonce,
        to=sender,
        value_wei=0,
        data=b"",
        gas_limit=gas_limit,
        max_fee_wei=fees.max_fee_wei,
        max_priority_fee_wei=fees.max_priority_fee_wei,
    )


def decode_signed(signed: bytes) -> DecodedPayment:
    """Read signed bytes: payload, sender, hash, and the transfer in it.

    Strict: type 2, canonical RLP, empty access list, low `s`, a signature that recovers. Raises InvalidTransaction.
    """
    items = _read_list(signed, length=12)
    payload = PaymentPayload(**_read_fields(items[:9]))
    parity, r, s = (_read_integer(item) for item in items[9:])
    if parity not in (0, 1) or not 0 < r < _CURVE_ORDER or not 0 < s <= _CURVE_ORDER // 2:
        raise InvalidTransaction("not a canonical signature")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = PublicKey.from_signature_and_message(signature, payload.signing_digest(), hasher=None)
    except ValueError as error:
        raise InvalidTransaction("the signature recovers to no key") from error
    transfer = decode_transfer_calldata(payload.data) if payload.value_wei == 0 else None
    return DecodedPayment(
        payload=payload,
        sender=checksummed(keccak(key.format(compressed=False)[1:])[12:]),
        tx_hash=transaction_hash(signed),
        recipient=transfer[0] if transfer else None,
        amount_raw=transfer[1] if transfer else None,
    )


def transaction_hash(signed: bytes) -> str:
    """The hash under which the network knows these signed bytes."""
    return "0x" + keccak(signed).hex()


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _read_integer(item: Any) -> int:
    if not isinstance(item, bytes) or len(item) > 32 or item[:1] == b"\x00":
        raise InvalidTransaction("not a canonical integer")
    return int.from_bytes(item, "big")


def _read_list(encoded: bytes, *, length: int) -> list[Any]:
    if encoded[:1] != _TYPE_2:
        raise InvalidTransaction("not an EIP-1559 transaction")
    try:
        items = rlp.decode(encoded[1:], strict=True)
    except rlp.exceptions.RLPException as error:
        raise InvalidTransaction("not canonical RLP") from error
    if not isinstance(items, list) or len(items) != length:
        raise InvalidTransaction(f"not a list of {length} fields")
    return items


def _read_fields(items: list[Any]) -> dict[str, Any]:
    to, data, access_list = items[5], items[7], items[8]
    if not isinstance(to, bytes) or len(to) != 20 or not isinstance(data, bytes) or access_list != []:
        raise InvalidTransaction("no recipient, or an access list")
    return {
        "chain_id": _read_integer(items[0]),
        "nonce": _read_integer(items[1]),
        "max_priority_fee_wei": _read_integer(items[2]),
        "max_fee_wei": _read_integer(items[3]),
        "gas_limit": _read_integer(items[4]),
        "to": checksummed(to),
        "value_wei": _read_integer(items[6]),
        "data": data,
    }
