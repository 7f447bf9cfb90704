"""Messages as the HTTP API shows them: java-tron's own JSON, which is not protobuf's.

framework/src/main/java/org/tron/core/services/http/{JsonFormat,HttpSelfFormatFieldName,Util}.java: defaults are left
out, bytes are hex; with `visible` addresses are base58 and some names are text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor  # type: ignore[import-untyped]

from devnet.tron import protocol
from devnet.tron.addresses import base58_of, contract_address, sha256
from devnet.tron.protocol import Message
from devnet.tron.store import Mined

Json = dict[str, Any]
Printer = Callable[[Any], Any]

ADDRESSES = frozenset({
    "AccountCreateContract.owner_address", "AccountCreateContract.account_address", "TransferContract.owner_address",
    "TransferContract.to_address", "TransferAssetContract.owner_address", "TransferAssetContract.to_address",
    "CreateSmartContract.owner_address", "TriggerSmartContract.owner_address", "TriggerSmartContract.contract_address",
    "FreezeBalanceV2Contract.owner_address", "UnfreezeBalanceV2Contract.owner_address",
    "WithdrawExpireUnfreezeContract.owner_address", "CancelAllUnfreezeV2Contract.owner_address",
    "DelegateResourceContract.owner_address", "DelegateResourceContract.receiver_address",
    "UnDelegateResourceContract.owner_address", "UnDelegateResourceContract.receiver_address", "AccountId.address",
    "Account.address", "Key.address", "DelegatedResource.from", "DelegatedResource.to", "TransactionInfo.Log.address",
    "TransactionInfo.contract_address", "BlockHeader.raw.witness_address", "SmartContract.origin_address",
    "SmartContract.contract_address", "InternalTransaction.caller_address", "InternalTransaction.transferTo_address",
})  # fmt: skip
TEXTS = frozenset({
    "AccountId.name", "Account.account_name", "authority.permission_name", "TransactionInfo.resMessage",
    "TransferAssetContract.asset_name",
})  # fmt: skip


def as_hex(value: bytes) -> str:
    return value.hex()


def as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def as_address(value: bytes) -> str:
    return base58_of(value) if len(value) == 21 else value.hex()


def kind_of(field: FieldDescriptor) -> str:
    """How a field's bytes are written with `visible`: address, text or hex."""
    name = field.full_name.removeprefix("protocol.")
    if name in ADDRESSES:
        return "address"
    return "text" if name in TEXTS else "hex"


@lru_cache(maxsize=1024)
def _printer(field: FieldDescriptor, visible: bool) -> Printer:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return lambda value: printed(value, visible=visible)
    if field.type == FieldDescriptor.TYPE_ENUM:
        names = {each.number: each.name for each in field.enum_type.values}
        return lambda value: names.get(value, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        kinds: dict[str, Printer] = {"address": as_address, "text": as_text, "hex": as_hex}
        return kinds[kind_of(field)] if visible else as_hex
    return lambda value: value


def printed(message: Message, *, visible: bool = False) -> Json:
    """JsonFormat.printToString."""
    shown: Json = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            shown[field.name] = [{"key": key, "value": value[key]} for key in sorted(value)]
        elif isinstance(value, (str, bytes, int, bool)) or (field.message_type is not None and not _many(field)):
            shown[field.name] = _printer(field, visible)(value)
        else:
            show = _printer(field, visible)
            shown[field.name] = [show(each) for each in value]
    return shown


def _many(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def printed_transaction(message: Message, *, visible: bool = False) -> Json:
    """Util.printTransactionToJSON: with each contract's parameter unpacked, and the transaction's id."""
    shown = printed(message, visible=visible)
    raw = message.raw_data.SerializeToString()
    txid = sha256(raw)
    shown["txID"] = txid.hex()
    shown.setdefault("raw_data", {})["contract"] = [
        _contract(each, visible=visible) for each in message.raw_data.contract
    ]
    shown["raw_data_hex"] = raw.hex()
    for each in message.raw_data.contract:
        if protocol.contract_type_name(each.type) == "CreateSmartContract":
            owner = protocol.unpack(each).owner_address
            shown["contract_address"] = "41" + contract_address(txid, owner[1:]).hex()
    return shown


def _contract(contract: Message, *, visible: bool) -> Json:
    held = protocol.unpack(contract)
    shown: Json = {
        "parameter": {
            "value": printed(held, visible=visible) if held is not None else {},
            "type_url": contract.parameter.type_url,
        },
        "type": protocol.contract_type_name(contract.type),
    }
    if contract.Permission_id > 0:
        shown["Permission_id"] = contract.Permission_id
    return shown


def printed_block(mined: Mined, *, visible: bool = False, detail: bool = True) -> Json:
    """Util.printBlockToJSON; without `detail` the header only."""
    message = mined.message
    shown: Json = {"blockID": mined.id.hex(), "block_header": printed(message.block_header, visible=visible)}
    if detail and len(message.transactions):
        shown["transactions"] = [printed_transaction(each, visible=visible) for each in message.transactions]
    return shown


def printed_info(info: Message, *, visible: bool = False) -> Json:
    """A receipt; a log's address has 20 bytes, and with `visible` it is a proper address."""
    shown = printed(info, visible=visible)
    if visible:
        for log, source in zip(shown.get("log", ()), info.log, strict=True):
            log["address"] = base58_of(source.address)
    return shown
