"""TRON transactions as we build them, sign them, and read them back.

Pure. We encode `raw_data` ourselves and hash it ourselves: a node that builds it, or names a transaction's id, could
swap the recipient. `decode_signed` reads signed bytes again from nothing but themselves and refuses everything that we
never build. Field numbers: tronprotocol/protocol, core/Tron.proto and core/contract/{balance,smart}_contract.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from coincurve import PublicKey
from eth_hash.auto import keccak

from treasury.chains.addresses import raw_tron_address, tron_address
from treasury.chains.errors import InvalidTransaction
from treasury.chains.tron.wire import BYTES, VARINT, Fields, bytes_field, message_field, varint_field

TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")
"""transfer(address,uint256)"""

TRANSFER_CONTRACT, TRIGGER_SMART_CONTRACT = 1, 31
"""ContractType of a TRX transfer and of a contract call."""

TYPE_URLS = {
    TRANSFER_CONTRACT: "type.googleapis.com/protocol.TransferContract",
    TRIGGER_SMART_CONTRACT: "type.googleapis.com/protocol.TriggerSmartContract",
}
LONGEST_LIFE_MS = 24 * 60 * 60 * 1000
"""How far behind the head's time `expiration` may lie (java-tron: Constant.MAXIMUM_TIME_UNTIL_EXPIRATION)."""

MOST_FEE_LIMIT_SUN = 15_000_000_000
"""The largest fee_limit that the network takes (chain parameter getMaxFeeLimit)."""

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_RAW_FIELDS = {1: BYTES, 4: BYTES, 8: VARINT, 10: BYTES, 11: BYTES, 14: VARINT, 18: VARINT}
_CONTRACT_FIELDS = {1: VARINT, 2: BYTES, 5: VARINT}
_ANY_FIELDS = {1: BYTES, 2: BYTES}
_TRIGGER_FIELDS = {1: BYTES, 2: BYTES, 3: VARINT, 4: BYTES}
_TRANSFER_FIELDS = {1: BYTES, 2: BYTES, 3: VARINT}
_TRANSACTION_FIELDS = {1: BYTES, 2: BYTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTransaction:
    """`raw_data` with its one contract. Times are milliseconds since the epoch, fees and amounts of TRX are sun.

    `target` is the called contract, or of a TRX transfer the recipient; `value_sun` what is sent along with the call,
    or transferred. `permission_id` 0 is the owner's permission.
    """

    ref_block_bytes: bytes
    ref_block_hash: bytes
    expiration_ms: int
    timestamp_ms: int
    contract_type: int
    owner: str
    target: str
    value_sun: int = 0
    data: bytes = b""
    fee_limit_sun: int = 0
    memo: bytes = b""
    permission_id: int = 0

    def __post_init__(self) -> None:
        if self.contract_type not in TYPE_URLS:
            raise InvalidTransaction(f"a contract type that is never built: {self.contract_type}")
        if len(self.ref_block_bytes) != 2 or len(self.ref_block_hash) != 8:
            raise InvalidTransaction("the reference block is not 2 and 8 bytes")
        if self.contract_type == TRANSFER_CONTRACT and (self.data or not self.value_sun):
            raise InvalidTransaction("a TRX transfer has an amount and no call data")

    def encoded(self) -> bytes:
        """The bytes that are hashed and signed. Raises InvalidTransaction for what no transaction holds."""
        parameter = bytes_field(1, TYPE_URLS[self.contract_type].encode()) + message_field(2, self._parameter())
        contract = varint_field(1, self.contract_type) + message_field(2, parameter)
        return b"".join(
            (
                bytes_field(1, self.ref_block_bytes),
                bytes_field(4, self.ref_block_hash),
                varint_field(8, self.expiration_ms),
                bytes_field(10, self.memo),
                message_field(11, contract + varint_field(5, self.permission_id)),
                varint_field(14, self.timestamp_ms),
                varint_field(18, self.fee_limit_sun),
            )
        )

    @property
    def tx_hash(self) -> str:
        """The transaction's id: 64 hex digits."""
        return sha256(self.encoded()).hexdigest()

    def signing_digest(self) -> bytes:
        """The 32 bytes that the key signs: the id itself."""
        return sha256(self.encoded()).digest()

    def assemble(self, v: int, r: int, s: int) -> bytes:
        """The signed transaction. `v` is the y parity, 0 or 1; a high `s` is normalised.

        Raises InvalidTransaction for values that are no signature.
        """
        if v not in (0, 1) or not 0 < r < _CURVE_ORDER or not 0 < s < _CURVE_ORDER:
            raise InvalidTransaction("not a signature")
        if s > _CURVE_ORDER // 2:
            s, v = _CURVE_ORDER - s, 1 - v
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + v])
        return message_field(1, self.encoded()) + message_field(2, signature)

    def _parameter(self) -> bytes:
        owner = bytes_field(1, raw_tron_address(self.owner))
        target = bytes_field(2, raw_tron_address(self.target))
        if self.contract_type == TRANSFER_CONTRACT:
            return owner + target + varint_field(3, self.value_sun)
        return owner + target + varint_field(3, self.value_sun) + bytes_field(4, self.data)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read `raw_data`. Raises InvalidTransaction for anything that `encoded` would not have written."""
        raw = Fields(encoded, kinds=_RAW_FIELDS, repeated=frozenset({11}))
        contracts = raw.all_data(11)
        if len(contracts) != 1:
            raise InvalidTransaction(f"{len(contracts)} contracts in one transaction")
        contract = Fields(contracts[0], kinds=_CONTRACT_FIELDS)
        kind = contract.integer(1)
        parameter = Fields(contract.data(2), kinds=_ANY_FIELDS)
        if kind not in TYPE_URLS or parameter.data(1) != TYPE_URLS[kind].encode():
            raise InvalidTransaction(f"a contract type that is never built: {kind}")
        call = Fields(parameter.data(2), kinds=_TRIGGER_FIELDS if kind == TRIGGER_SMART_CONTRACT else _TRANSFER_FIELDS)
        found = cls(
            ref_block_bytes=raw.data(1),
            ref_block_hash=raw.data(4),
            expiration_ms=raw.integer(8),
            timestamp_ms=raw.integer(14),
            contract_type=kind,
            owner=_address(call.data(1)),
            target=_address(call.data(2)),
            value_sun=call.integer(3),
            data=call.data(4) if kind == TRIGGER_SMART_CONTRACT else b"",
            fee_limit_sun=raw.integer(18),
            memo=raw.data(10),
            permission_id=contract.integer(5),
        )
        if found.encoded() != encoded:
            raise InvalidTransaction("not the one encoding of this transaction")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedTransaction:
    """What signed bytes say, read from the bytes alone; `sender` is recovered from the signature.

    `recipient` and `amount_raw` are set if it calls exactly a TRC-20 `transfer` (then `raw.target` is the token).
    """

    raw: RawTransaction
    sender: str
    tx_hash: str
    recipient: str | None
    amount_raw: int | None


def transfer_calldata(recipient: str, amount_raw: int) -> bytes:
    """Calldata of TRC-20 `transfer(recipient, amount_raw)`. Raises ValueError, OverflowError."""
    return TRANSFER_SELECTOR + raw_tron_address(recipient)[1:].rjust(32, b"\x00") + amount_raw.to_bytes(32, "big")


def decode_transfer_calldata(data: bytes) -> tuple[str, int] | None:
    """(recipient, raw amount) if the data is exactly a clean `transfer` call, else None."""
    if len(data) != 68 or data[:4] != TRANSFER_SELECTOR or data[4:16] != bytes(12):
        return None
    return tron_address(data[16:36]), int.from_bytes(data[36:], "big")


def token_transfer(
    *,
    owner: str,
    token_contract: str,
    recipient: str,
    amount_raw: int,
    fee_limit_sun: int,
    ref_block_bytes: bytes,
    ref_block_hash: bytes,
    expiration_ms: int,
    timestamp_ms: int,
) -> RawTransaction:
    """A TRC-20 transfer of `amount_raw` to `recipient`.

    Raises InvalidTransaction for an amount of 0, a fee limit of 0 or above the network's, and times that do not fit.
    """
    if amount_raw <= 0:
        raise InvalidTransaction("a payment is never of nothing")
    if not 0 < fee_limit_sun <= MOST_FEE_LIMIT_SUN:
        raise InvalidTransaction(f"a fee limit that the network does not take: {fee_limit_sun} sun")
    if not 0 < timestamp_ms < expiration_ms <= timestamp_ms + LONGEST_LIFE_MS:
        raise InvalidTransaction("it expires before it begins, or too late")
    return RawTransaction(
        ref_block_bytes=ref_block_bytes,
        ref_block_hash=ref_block_hash,
        expiration_ms=expiration_ms,
        timestamp_ms=timestamp_ms,
        contract_type=TRIGGER_SMART_CONTRACT,
        owner=owner,
        target=token_contract,
        data=transfer_calldata(recipient, amount_raw),
        fee_limit_sun=fee_limit_sun,
    )


def decode_signed(signed: bytes) -> DecodedTransaction:
    """Read signed bytes: `raw_data`, sender, id, and the transfer in it.

    Strict: one canonical encoding, one signature with a low `s` that recovers. Raises InvalidTransaction.
    """
    fields = Fields(signed, kinds=_TRANSACTION_FIELDS, repeated=frozenset({2}))
    encoded, signatures = fields.data(1), fields.all_data(2)
    raw = RawTransaction.decode(encoded)
    if len(signatures) != 1 or len(signatures[0]) != 65:
        raise InvalidTransaction("not one signature of 65 bytes")
    r, s, v = (int.from_bytes(part, "big") for part in (signatures[0][:32], signatures[0][32:64], signatures[0][64:]))
    if v not in (27, 28) or not 0 < r < _CURVE_ORDER or not 0 < s <= _CURVE_ORDER // 2:
        raise InvalidTransaction("not a canonical signature")
    digest = sha256(encoded).digest()
    try:
        key = PublicKey.from_signature_and_message(signatures[0][:64] + bytes([v - 27]), digest, hasher=None)
    except ValueError as error:
        raise InvalidTransaction("the signature recovers to no key") from error
    is_call = raw.contract_type == TRIGGER_SMART_CONTRACT and raw.value_sun == 0
    transfer = decode_transfer_calldata(raw.data) if is_call else None
    return DecodedTransaction(
        raw=raw,
        sender=tron_address(keccak(key.format(compressed=False)[1:])[12:]),
        tx_hash=digest.hex(),
        recipient=transfer[0] if transfer else None,
        amount_raw=transfer[1] if transfer else None,
    )


def transaction_hash(signed: bytes) -> str:
    """The id under which the network knows these signed bytes, whatever is in them. Raises InvalidTransaction."""
    return sha256(Fields(signed, kinds=_TRANSACTION_FIELDS, repeated=frozenset({2})).data(1)).hexdigest()


def reference_of(block_id: str) -> tuple[bytes, bytes]:
    """(ref_block_bytes, ref_block_hash) for a block's id: bytes 6 to 8 and 8 to 16 of it."""
    raw = bytes.fromhex(block_id)
    return raw[6:8], raw[8:16]


def _address(raw: bytes) -> str:
    if len(raw) != 21 or raw[0] != 0x41:
        raise InvalidTransaction("not an address")
    return tron_address(raw[1:])
