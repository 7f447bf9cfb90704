"""USDT amounts between people and the ledger: text <-> whole micro-USDT. Integers only, no Django.

The ledger's unit is the micro-USDT (10^-6 USDT) on every network, whatever the token's decimals there.
"""

import re
from typing import Final, Literal

MICRO: Final = 1_000_000
DECIMALS: Final = 6
# Far above anything that exists (10^12 USDT), far below what the columns hold.
MAX_MICRO: Final = 10**12 * MICRO
NBSP: Final = "\u00a0"
MINUS: Final = "\u2212"

Reason = Literal["empty", "not_a_number", "negative", "zero", "too_many_decimals", "too_large"]
REASONS: Final[tuple[Reason, ...]] = ("empty", "not_a_number", "negative", "zero", "too_many_decimals", "too_large")

_SPACES: Final = str.maketrans("", "", " \t\u00a0\u2007\u2009\u202f'\u2019")
_LONGEST_TEXT: Final = 200
_NUMBER: Final = re.compile(r"(?P<whole>[0-9]*)(?:[.,](?P<fraction>[0-9]*))?", re.ASCII)
_GROUPED: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<group>[.,])[0-9]{3})(?:(?P=group)[0-9]{3})*)"
    r"(?:(?!(?P=group))[.,](?P<fraction>[0-9]*))?",
    re.ASCII,
)


class InvalidAmount(ValueError):
    """A text that is no payable amount. `reason` is one of `REASONS`; the edge translates it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def parse_usdt(text: str) -> int:
    """The positive amount that a person typed, in micro-USDT.

    The decimal mark is a comma or a dot; spaces of any kind separate groups. A comma or dot that occurs once is the
    decimal mark ("1,234" is 1.234 USDT); where both occur, or one occurs more than once, the others must cut groups of
    three ("1,234.50", "1.234,50", "1,234,567"). Raises `InvalidAmount`.
    """
    typed = text.strip().translate(_SPACES)
    if not typed:
        raise InvalidAmount("empty")
    if len(typed) > _LONGEST_TEXT:
        raise InvalidAmount("too_large" if typed.isdecimal() else "not_a_number")
    negative = typed[0] in {"-", MINUS}
    whole, fraction = _digits_of(typed[1:] if negative else typed)
    if negative:
        raise InvalidAmount("negative")
    fraction = fraction.rstrip("0")
    if len(fraction) > DECIMALS:
        raise InvalidAmount("too_many_decimals")
    micro = int(whole or "0") * MICRO + int(fraction.ljust(DECIMALS, "0"))
    if micro == 0:
        raise InvalidAmount("zero")
    if micro > MAX_MICRO:
        raise InvalidAmount("too_large")
    return micro


def _digits_of(typed: str) -> tuple[str, str]:
    """Digits before and after the decimal mark of `typed`, which has neither sign nor spaces."""
    plain = _NUMBER.fullmatch(typed)
    if plain and (plain["whole"] or plain["fraction"]):
        return plain["whole"], plain["fraction"] or ""
    grouped = _GROUPED.fullmatch(typed)
    if grouped:
        return re.sub(r"[.,]", "", grouped["whole"]), grouped["fraction"] or ""
    raise InvalidAmount("not_a_number")


def format_usdt(micro: int, language: str) -> str:
    """`micro` as people of `language` write it, with two to six decimals: "1 234,50" in Russian, "1,234.50" elsewhere.

    Groups in Russian are cut by no-break spaces; the sign of a negative amount is U+2212.
    """
    whole, fraction = _parts(micro)
    russian = language.split("-", maxsplit=1)[0].lower() == "ru"
    grouped = f"{int(whole):,}"
    if russian:
        grouped = grouped.replace(",", NBSP)
    sign = MINUS if micro < 0 else ""
    return f"{sign}{grouped}{',' if russian else '.'}{fraction}"


def plain_usdt(micro: int) -> str:
    """`micro` for machines and the clipboard: a dot, no groups, two to six decimals, an ASCII minus."""
    whole, fraction = _parts(micro)
    return f"{'-' if micro < 0 else ''}{whole}.{fraction}"


def _parts(micro: int) -> tuple[str, str]:
    whole, rest = divmod(abs(micro), MICRO)
    return str(whole), f"{rest:06d}".rstrip("0").ljust(2, "0")
