"""What clients send: JSON of java-tron's own kind -> messages.

JsonFormat.merge and Util.packTransaction of framework/src/main/java/org/tron/core/services/http/.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor  # type: ignore[import-untyped]

from devnet.tron import protocol
from devnet.tron.addresses import decoded
from devnet.tron.printing import Json, kind_of
from devnet.tron.protocol import Message


class ParseError(Exception):
    """What a client sent cannot be understood; `java` is the exception's class in the answer."""

    java = "org.tron.core.services.http.JsonFormat$ParseException"


class InvalidParameterError(ParseError):
    java = "java.security.InvalidParameterException"


class IllegalArgumentError(ParseError):
    java = "java.lang.IllegalArgumentException"


def hex_bytes(text: Any) -> bytes:
    """ByteArray.fromHexString: an odd digit gets a 0 in front, 0x is allowed."""
    digits = str(text).removeprefix("0x")
    try:
        return bytes.fromhex("0" + digits if len(digits) % 2 else digits)
    except ValueError as error:
        raise ParseError("INVALID hex String") from error


def address_bytes(text: Any, *, visible: bool) -> bytes:
    """21 bytes, or what the digits say: an actuator says what is wrong with them."""
    if visible:
        found = decoded(str(text))
        if found is None:
            raise ParseError("INVALID base58 String")
        return found
    return hex_bytes(text)


def integer(value: Any) -> int:
    """A 64-bit number, which clients also send as text."""
    try:
        found = int(value)
    except (TypeError, ValueError) as error:
        raise ParseError(f"Couldn't parse integer: For input string: {value!r}") from error
    if isinstance(value, float) and value != found:
        raise ParseError(f"Couldn't parse integer: For input string: {value!r}")
    if not -(2**63) <= found < 2**63:
        raise ParseError(f"Couldn't parse integer: Number out of range for 64-bit signed integer: {value}")
    return found


def merged(made: Message, given: Json, *, visible: bool = False) -> Message:
    """Fills a message from JSON; what the message does not know is ignored."""
    fields = made.DESCRIPTOR.fields_by_name
    for name, value in given.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        if field.is_repeated:
            _merge_many(made, field, value, visible=visible)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            merged(getattr(made, name), value, visible=visible)
        else:
            setattr(made, name, _value(field, value, visible=visible))
    return made


def _merge_many(made: Message, field: FieldDescriptor, values: Any, *, visible: bool) -> None:
    target = getattr(made, field.name)
    for value in values:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            merged(target.add(), value, visible=visible)
        else:
            target.append(_value(field, value, visible=visible))


def _value(field: FieldDescriptor, value: Any, *, visible: bool) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        kind = kind_of(field)
        if kind == "address":
            return address_bytes(value, visible=visible)
        return str(value).encode() if visible and kind == "text" else hex_bytes(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(field, value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if field.type == FieldDescriptor.TYPE_STRING:
        return str(value)
    return integer(value)


def _enum(field: FieldDescriptor, value: Any) -> int:
    if isinstance(value, int):
        return value
    names = field.enum_type.values_by_name
    # ABI entries say "function" where the enum says "Function"
    found = names.get(str(value)) or names.get(str(value).capitalize())
    if found is None:
        raise ParseError(f'Enum type "{field.enum_type.full_name}" has no value named "{value}".')
    return int(found.number)


def transaction(given: Json, *, visible: bool = False) -> Message:
    """A whole transaction (Util.packTransaction). Contracts of an unknown type are left out, as java-tron does."""
    raw = dict(given.get("raw_data") or {})
    made = protocol.Transaction()
    contracts = raw.pop("contract", None) or []
    merged(made.raw_data, raw, visible=visible)
    for each in contracts:
        kind = each.get("type", "")
        if kind in protocol.CONTRACTS:
            held = merged(protocol.CONTRACTS[kind](), each["parameter"]["value"], visible=visible)
            packed = protocol.pack(kind, held, permission_id=integer(each.get("Permission_id", 0)))
            for name in ("provider", "ContractName"):
                if each.get(name):
                    setattr(packed, name, hex_bytes(each[name]))
            made.raw_data.contract.append(packed)
    for signature in given.get("signature") or ():
        made.signature.append(hex_bytes(signature))
    return made
