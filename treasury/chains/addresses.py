"""Reading an address that a person typed or pasted, and the canonical form of it.

Pure. The canonical form of an EVM address is the EIP-55 checksummed text, of a TRON address its base58check text.
A refused address says why (`AddressFault`) and, where it is somebody else's kind of address, whose, so that the page
can name the mistake: "This is a TRON address, and the network chosen is Arbitrum."
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from functools import lru_cache

from eth_hash.auto import keccak

from treasury.chains.errors import InvalidAddress

ZERO_ADDRESS = "0x" + "0" * 40
_HIGHEST_PRECOMPILE = 0xFFFF  # 0x1 to 0x11 on Ethereum, 0x64 to 0xff Arbitrum's, 0x2000 others': nobody's wallet
_BURN_ADDRESSES = frozenset({"000000000000000000000000000000000000dead", "deaddeaddeaddeaddeaddeaddeaddeaddeaddead"})


class AddressFault(StrEnum):
    """Why a text is not an address to pay to. Each is one message to the customer."""

    EMPTY = "empty"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    MISSING_PREFIX = "missing_prefix"  # 40 hex digits without 0x
    WRONG_CHECKSUM = "wrong_checksum"  # upper and lower case do not match: a typing error is likely
    OTHER_NETWORK = "other_network"  # `belongs_to` says which family
    TRANSACTION_HASH = "transaction_hash"
    ZERO_ADDRESS = "zero_address"
    RESERVED_ADDRESS = "reserved_address"  # a precompile or a burn address: what arrives there is lost
    NOT_AN_ADDRESS = "not_an_address"


def parse_address(family: str, text: str) -> str:
    """The canonical address that `text` means on a network of `family` ("evm" or "tron").

    White space around it is dropped; nothing else is repaired. An EVM address in one case only (all lower or all upper)
    carries no checksum and is accepted, mixed case must be right.
    Raises InvalidAddress; ValueError for an unknown family.
    """
    stripped = text.strip()
    if not stripped:
        raise InvalidAddress(AddressFault.EMPTY)
    if family == "evm":
        return _parse_evm(stripped)
    if family == "tron":
        return _parse_tron(stripped)
    raise ValueError(f"unknown address family: {family!r}")


def is_canonical(family: str, text: str) -> bool:
    """Whether `text` is already what `parse_address` returns."""
    try:
        return parse_address(family, text) == text
    except InvalidAddress:
        return False


def checksummed(raw: bytes | str) -> str:
    """The EIP-55 form of 20 raw bytes, or of 40 hex digits in any case with or without 0x (whose checksum is not read).

    Raises ValueError for anything else.
    """
    digits = raw.hex() if isinstance(raw, bytes) else raw.lower().removeprefix("0x")
    if not _FORTY_HEX.fullmatch(digits):
        raise ValueError(f"not 20 bytes: {raw!r}")
    return _checksummed(digits)


def raw_address(address: str) -> bytes:
    """The 20 bytes of an EVM address, its checksum unread. Raises ValueError."""
    digits = address.lower().removeprefix("0x")
    if not _FORTY_HEX.fullmatch(digits):
        raise ValueError(f"not an EVM address: {address!r}")
    return bytes.fromhex(digits)


def tron_address(raw: bytes) -> str:
    """The base58check text of 20 raw bytes. Raises ValueError."""
    if len(raw) != 20:
        raise ValueError(f"not 20 bytes: {raw!r}")
    return _tron_text(raw)


def raw_tron_address(address: str) -> bytes:
    """The 21 bytes, 0x41 first, of a TRON address whose checksum is right. Raises ValueError."""
    payload = _base58check(address)
    if payload is None or len(payload) != 21 or payload[0] != 0x41:
        raise ValueError(f"not a TRON address: {address!r}")
    return payload


def family_of(address: str) -> str:
    """The family of a canonical address."""
    return "evm" if address.startswith("0x") else "tron"


def raw_account(family: str, address: str) -> bytes:
    """The 20 bytes that contracts and logs know the address by. Raises ValueError."""
    return raw_tron_address(address)[1:] if family == "tron" else raw_address(address)


@lru_cache(maxsize=4096)
def _tron_text(raw: bytes) -> str:
    payload = b"\x41" + raw
    number = int.from_bytes(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4], "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))  # the first byte is never 0, so no leading digit is lost


_FORTY_HEX = re.compile(r"[0-9a-f]{40}")


@lru_cache(maxsize=4096)
def _checksummed(digits: str) -> str:
    marks = keccak(digits.encode("ascii")).hex()
    return "0x" + "".join([digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks, strict=False)])


def _parse_evm(text: str) -> str:
    if not text.startswith("0x"):
        raise _not_evm(text)
    digits = text[2:]
    if not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise InvalidAddress(AddressFault.NOT_AN_ADDRESS)
    if len(digits) == 64:
        raise InvalidAddress(AddressFault.TRANSACTION_HASH)
    if len(digits) != 40:
        raise InvalidAddress(AddressFault.TOO_SHORT if len(digits) < 40 else AddressFault.TOO_LONG)
    lower = digits.lower()
    canonical = _checksummed(lower)
    if digits not in (lower, digits.upper()) and canonical[2:] != digits:
        raise InvalidAddress(AddressFault.WRONG_CHECKSUM)
    if canonical == ZERO_ADDRESS:
        raise InvalidAddress(AddressFault.ZERO_ADDRESS)
    if int(lower, 16) <= _HIGHEST_PRECOMPILE or lower in _BURN_ADDRESSES:
        raise InvalidAddress(AddressFault.RESERVED_ADDRESS)
    return canonical


def _not_evm(text: str) -> InvalidAddress:
    family = _looks_like(text)
    if family:
        return InvalidAddress(AddressFault.OTHER_NETWORK, belongs_to=family)
    if re.fullmatch(r"[0-9a-fA-F]{40}", text):
        return InvalidAddress(AddressFault.MISSING_PREFIX)
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return InvalidAddress(AddressFault.TRANSACTION_HASH)
    return InvalidAddress(AddressFault.NOT_AN_ADDRESS)


def _parse_tron(text: str) -> str:
    payload = _base58check(text)
    if payload is not None and len(payload) == 21 and payload[0] == 0x41:
        if payload[1:] == bytes(20):
            raise InvalidAddress(AddressFault.ZERO_ADDRESS)
        return text
    if re.fullmatch(r"T[1-9A-HJ-NP-Za-km-z]{33}", text):
        raise InvalidAddress(AddressFault.WRONG_CHECKSUM)
    if re.fullmatch(r"T[1-9A-HJ-NP-Za-km-z]{20,}", text):
        raise InvalidAddress(AddressFault.TOO_SHORT if len(text) < 34 else AddressFault.TOO_LONG)
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text):
        raise InvalidAddress(AddressFault.TRANSACTION_HASH)
    if re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise InvalidAddress(AddressFault.OTHER_NETWORK, belongs_to="evm")
    family = _looks_like(text)
    if family:
        raise InvalidAddress(AddressFault.OTHER_NETWORK, belongs_to=family)
    raise InvalidAddress(AddressFault.NOT_AN_ADDRESS)


def _looks_like(text: str) -> str:
    """The family whose addresses look like this text, or ""; by shape, and by checksum where shapes are shared."""
    if re.fullmatch(r"T[1-9A-HJ-NP-Za-km-z]{33}|41[0-9a-fA-F]{40}", text):
        return "tron"
    if re.fullmatch(r"(bc1|BC1)[0-9A-Za-z]{11,87}", text):
        return "bitcoin"
    payload = _base58check(text)
    if payload is not None and len(payload) == 21 and payload[0] in (0x00, 0x05):
        return "bitcoin"
    if re.fullmatch(r"[EUk0]Q[A-Za-z0-9_-]{46}", text):
        return "ton"
    decoded = _base58(text)
    if decoded is not None and len(decoded) == 32:
        return "solana"
    return ""


_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58 = {digit: value for value, digit in enumerate(_DIGITS)}


def _base58(text: str) -> bytes | None:
    if not 25 <= len(text) <= 50:  # no address is shorter or longer, and big integers cost
        return None
    number = 0
    for digit in text:
        value = _BASE58.get(digit)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base58check(text: str) -> bytes | None:
    decoded = _base58(text)
    if decoded is None or len(decoded) < 5:
        return None
    payload, checksum = decoded[:-4], decoded[-4:]
    if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4] != checksum:
        return None
    return payload
