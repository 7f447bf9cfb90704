"""Reading an address that a person typed: what is accepted, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury.chains.addresses import AddressFault, checksummed, is_canonical, parse_address, raw_address
from treasury.chains.errors import InvalidAddress

# The examples of EIP-55 itself.
CHECKSUMMED = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
]
USDT_ON_TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_a_checksummed_address_is_canonical(address: str) -> None:
    assert parse_address("evm", address) == address
    assert is_canonical("evm", address)
    assert checksummed(raw_address(address)) == address


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_one_case_throughout_carries_no_checksum_and_is_accepted(address: str) -> None:
    for text in (address.lower(), "0x" + address[2:].upper(), f"  {address}\n"):
        assert parse_address("evm", text) == address


@given(st.binary(min_size=20, max_size=20), st.integers(0, 39))
def test_a_letter_in_the_wrong_case_is_a_wrong_checksum(raw: bytes, position: int) -> None:
    right = checksummed(b"\x77" + raw[1:])
    wrong = right[: position + 2] + right[position + 2].swapcase() + right[position + 3 :]
    letters = {letter for letter in wrong[2:] if letter.isalpha()}
    if wrong == right or wrong[2:] in (wrong[2:].lower(), wrong[2:].upper()) or not letters:
        return  # a digit has no case, and one case throughout carries no checksum
    with pytest.raises(InvalidAddress) as caught:
        parse_address("evm", wrong)
    assert caught.value.reason == AddressFault.WRONG_CHECKSUM


@pytest.mark.parametrize(
    ("text", "reason", "belongs_to"),
    [
        ("", AddressFault.EMPTY, ""),
        ("   ", AddressFault.EMPTY, ""),
        ("0x", AddressFault.TOO_SHORT, ""),
        (CHECKSUMMED[0][:-1], AddressFault.TOO_SHORT, ""),
        (CHECKSUMMED[0] + "0", AddressFault.TOO_LONG, ""),
        (CHECKSUMMED[0][2:], AddressFault.MISSING_PREFIX, ""),
        ("0x" + "0" * 40, AddressFault.ZERO_ADDRESS, ""),
        ("0x" + "0" * 39 + "1", AddressFault.RESERVED_ADDRESS, ""),
        ("0x" + "0" * 38 + "64", AddressFault.RESERVED_ADDRESS, ""),
        ("0x000000000000000000000000000000000000dEaD", AddressFault.RESERVED_ADDRESS, ""),
        ("0x" + "ab" * 32, AddressFault.TRANSACTION_HASH, ""),
        ("ab" * 32, AddressFault.TRANSACTION_HASH, ""),
        (USDT_ON_TRON, AddressFault.OTHER_NETWORK, "tron"),
        (USDT_ON_TRON[:-1] + "x", AddressFault.OTHER_NETWORK, "tron"),
        ("41" + "a6" * 20, AddressFault.OTHER_NETWORK, "tron"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", AddressFault.OTHER_NETWORK, "bitcoin"),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", AddressFault.OTHER_NETWORK, "bitcoin"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AddressFault.OTHER_NETWORK, "bitcoin"),
        ("4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", AddressFault.OTHER_NETWORK, "solana"),
        ("EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N", AddressFault.OTHER_NETWORK, "ton"),
        ("0X" + "ab" * 20, AddressFault.NOT_AN_ADDRESS, ""),
        ("0x" + "g" * 40, AddressFault.NOT_AN_ADDRESS, ""),
        ("0x52908400098527886E0F 7030069857D2E4169EE7", AddressFault.NOT_AN_ADDRESS, ""),
        ("vitalik.eth", AddressFault.NOT_AN_ADDRESS, ""),
        ("0x５aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", AddressFault.NOT_AN_ADDRESS, ""),
        ("9" * 10_000, AddressFault.NOT_AN_ADDRESS, ""),
    ],
)
def test_a_refused_address_says_why(text: str, reason: AddressFault, belongs_to: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_address("evm", text)
    assert (caught.value.reason, caught.value.belongs_to) == (reason, belongs_to)


def test_tron_addresses_are_checked_by_their_own_checksum() -> None:
    assert parse_address("tron", f" {USDT_ON_TRON} ") == USDT_ON_TRON


@pytest.mark.parametrize(
    ("text", "reason", "belongs_to"),
    [
        (USDT_ON_TRON[:-1] + "x", AddressFault.WRONG_CHECKSUM, ""),
        (USDT_ON_TRON[:-1], AddressFault.TOO_SHORT, ""),
        (USDT_ON_TRON + "t", AddressFault.TOO_LONG, ""),
        (CHECKSUMMED[0], AddressFault.OTHER_NETWORK, "evm"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", AddressFault.OTHER_NETWORK, "bitcoin"),
        ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", AddressFault.ZERO_ADDRESS, ""),
        ("ab" * 32, AddressFault.TRANSACTION_HASH, ""),
        ("hello", AddressFault.NOT_AN_ADDRESS, ""),
    ],
)
def test_a_refused_tron_address_says_why(text: str, reason: AddressFault, belongs_to: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_address("tron", text)
    assert (caught.value.reason, caught.value.belongs_to) == (reason, belongs_to)


@given(st.text(max_size=80))
def test_any_text_is_either_an_address_or_refused_with_a_reason(text: str) -> None:
    for family in ("evm", "tron"):
        try:
            canonical = parse_address(family, text)
        except InvalidAddress as error:
            canonical, reason = "", AddressFault(error.reason)
        assert is_canonical(family, canonical) if canonical else reason


def test_an_unknown_family_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="family"):
        parse_address("solana", USDT_ON_TRON)
