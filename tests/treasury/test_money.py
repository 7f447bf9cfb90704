"""What people type and read, against whole micro-USDT."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury.money import MAX_MICRO, MICRO, REASONS, InvalidAmount, format_usdt, parse_usdt, plain_usdt


@pytest.mark.parametrize(
    ("typed", "micro"),
    [
        ("40", 40 * MICRO),
        ("0.000001", 1),
        ("0,5", 500_000),
        (".5", 500_000),
        ("7.", 7 * MICRO),
        (" 1 234,50 ", 1_234_500_000),
        ("1\u00a0234.5", 1_234_500_000),
        ("1\u202f234\u2009567", 1_234_567 * MICRO),
        ("1,234.50", 1_234_500_000),
        ("1.234,50", 1_234_500_000),
        ("1,234,567", 1_234_567 * MICRO),
        ("1,234", 1_234_000),
        ("007", 7 * MICRO),
        ("1.50000000", 1_500_000),
        ("1000000000000", MAX_MICRO),
    ],
)
def test_an_amount_is_read_with_either_decimal_mark(typed: str, micro: int) -> None:
    assert parse_usdt(typed) == micro


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        (" \u00a0 ", "empty"),
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("1e5", "not_a_number"),
        ("+5", "not_a_number"),
        ("0x10", "not_a_number"),
        ("1_000", "not_a_number"),
        (".", "not_a_number"),
        ("-", "not_a_number"),
        ("--1", "not_a_number"),
        ("1,23,4", "not_a_number"),
        ("1.2.3", "not_a_number"),
        ("1,234,56", "not_a_number"),
        ("1,234.567.890", "not_a_number"),
        ("\u0661\u0662", "not_a_number"),
        ("\u00bd", "not_a_number"),
        ("-5", "negative"),
        ("\u22125", "negative"),
        ("-0", "negative"),
        ("0", "zero"),
        ("0.000000", "zero"),
        ("1.1234567", "too_many_decimals"),
        ("0.0000001", "too_many_decimals"),
        ("1000000000000.000001", "too_large"),
        ("1" + "0" * 40, "too_large"),
        ("9" * 5000, "too_large"),
        ("x" * 5000, "not_a_number"),
    ],
)
def test_what_is_no_payable_amount_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_usdt(typed)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("micro", "ru", "en", "plain"),
    [
        (0, "0,00", "0.00", "0.00"),
        (1, "0,000001", "0.000001", "0.000001"),
        (40 * MICRO, "40,00", "40.00", "40.00"),
        (1_234_567_890_100, "1\u00a0234\u00a0567,8901", "1,234,567.8901", "1234567.8901"),
        (-1_500_000_000, "\u22121\u00a0500,00", "\u22121,500.00", "-1500.00"),
    ],
)
def test_an_amount_is_written_in_the_readers_language(micro: int, ru: str, en: str, plain: str) -> None:
    assert format_usdt(micro, "ru") == ru
    assert format_usdt(micro, "en") == format_usdt(micro, "en-gb") == en
    assert plain_usdt(micro) == plain


@given(st.integers(min_value=1, max_value=MAX_MICRO), st.sampled_from(["ru", "en"]))
def test_what_was_written_reads_back_to_the_same_amount(micro: int, language: str) -> None:
    assert parse_usdt(format_usdt(micro, language)) == micro
    assert parse_usdt(plain_usdt(micro)) == micro


@given(st.text(max_size=60) | st.text("0123456789., -", max_size=30))
def test_any_text_gives_a_positive_amount_or_a_known_reason(text: str) -> None:
    try:
        micro = parse_usdt(text)
    except InvalidAmount as refused:
        reason, micro = refused.reason, 1
    else:
        reason = REASONS[0]
    assert reason in REASONS
    assert 0 < micro <= MAX_MICRO
