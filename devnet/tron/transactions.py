"""One transaction as the chain sees it, and the checks that come before anything is executed.

framework/src/main/java/org/tron/core/db/Manager.java (validateTapos, validateCommon) and
chainbase/src/main/java/org/tron/core/capsule/TransactionCapsule.java (validateSignature, checkWeight).
"""

from __future__ import annotations

from dataclasses import dataclass

from devnet.tron import protocol
from devnet.tron.addresses import SIGNATURE_BYTES, BadSignature, base58_of, sha256, signer_of
from devnet.tron.errors import (
    ContractSizeError,
    ContractValidateError,
    ExpirationError,
    SignatureError,
    TooBigTransactionError,
)
from devnet.tron.protocol import Message

MAX_BYTES = 500 * 1024  # Constant.TRANSACTION_MAX_BYTE_SIZE
MAX_SIGNATURES = 5  # TotalSignNum
RESULT_ALLOWANCE = 64  # Constant.MAX_RESULT_SIZE_IN_TX: bytes paid for in advance, for the result
DAY_MS = 86_400_000  # Constant.MAXIMUM_TIME_UNTIL_EXPIRATION
PERMISSIONS = (0, 2)  # owner; the active permission that every account has. Others would have to be made first.


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction and what is read of it over and over. `owner` is 20 bytes."""

    message: Message
    txid: bytes
    kind: str
    parameter: Message
    owner: bytes
    size: int  # bytes without a result, which is what bandwidth is counted on

    @property
    def raw(self) -> Message:
        return self.message.raw_data

    @property
    def fee_limit(self) -> int:
        return int(self.message.raw_data.fee_limit)

    @classmethod
    def of(cls, message: Message) -> Tx:
        """Takes a transaction apart; its results, if it brings some, are not ours and are dropped."""
        if len(message.ret):
            message.ClearField("ret")
        contracts = message.raw_data.contract
        kind = protocol.contract_type_name(contracts[0].type) if len(contracts) else ""
        parameter = _parameter(message)
        owner = bytes(getattr(parameter, "owner_address", b""))
        return cls(
            message=message,
            txid=sha256(message.raw_data.SerializeToString()),
            kind=kind,
            parameter=parameter,
            owner=owner[1:] if len(owner) == 21 else owner,
            size=message.ByteSize(),
        )


def _parameter(message: Message) -> Message:
    contracts = message.raw_data.contract
    if not len(contracts):
        return None
    try:
        return protocol.unpack(contracts[0])
    except Exception as error:  # google's DecodeError has no public base of its own
        raise ContractValidateError("Protocol message contained an invalid tag (zero).") from error


def check_signature_sizes(message: Message) -> None:
    for signature in message.signature:
        if len(signature) not in SIGNATURE_BYTES:
            raise SignatureError(f"Signature size is {len(signature)}")


def check_signature(tx: Tx) -> None:
    """The owner's own key, alone: accounts here have the permissions that they were born with."""
    signatures = tx.message.signature
    if not len(signatures) or not len(tx.raw.contract):
        raise SignatureError("miss sig or contract")
    if len(signatures) > MAX_SIGNATURES:
        raise SignatureError("too many signatures")
    if tx.raw.contract[0].Permission_id not in PERMISSIONS:
        raise SignatureError("permission isn't exit")
    if len(signatures) > 1:
        raise SignatureError(f"Signature count is {len(signatures)} more than key counts of permission : 1")
    try:
        signer = signer_of(tx.txid, signatures[0])
    except BadSignature as error:
        raise SignatureError(str(error)) from error
    if signer != tx.owner:
        raise SignatureError(f"{tx.txid.hex()} is signed by {base58_of(signer)} but it is not contained of permission.")


def check_common(tx: Tx, head_time_ms: int) -> None:
    """Size, expiration, and one contract per transaction."""
    if tx.size > MAX_BYTES:
        raise TooBigTransactionError(
            f"Too big transaction with result, TxId {tx.txid.hex()}, the size is {tx.size} bytes, maxTxSize {MAX_BYTES}"
        )
    expiration = tx.raw.expiration
    if not head_time_ms < expiration <= head_time_ms + DAY_MS:
        raise ExpirationError(
            f"Transaction expiration, transaction expiration time is {expiration}, but headBlockTime is {head_time_ms}"
        )
    if len(tx.raw.contract) != 1:
        raise ContractSizeError(
            f"tx {tx.txid.hex()} contract size should be exactly 1, this is extend feature ,"
            f"actual :{len(tx.raw.contract)}"
        )
