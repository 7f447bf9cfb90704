"""The same JSON in other clothes: what some node or gateway may send instead of compact, lower-case JSON.

`ODD_STYLES[name](value) -> bytes`. Every style means exactly the same to a reader of JSON-RPC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_HEX = re.compile(r"0x[0-9a-f]+")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def spaced(value: Any) -> bytes:
    """White space after commas and colons."""
    return json.dumps(value).encode()


def indented(value: Any) -> bytes:
    return b"\r\n" + json.dumps(value, indent=2).encode() + b"\n"


def upper_case(value: Any) -> bytes:
    """Upper-case hex digits, as in 0xAB."""
    return compact(_walk(value, text=lambda text: "0x" + text[2:].upper() if _HEX.fullmatch(text) else text))


def upper_case_with_prefix(value: Any) -> bytes:
    """The same with 0X in front."""
    return compact(_walk(value, text=lambda text: text.upper() if _HEX.fullmatch(text) else text))


def mixed_case(value: Any) -> bytes:
    """Checksummed-looking hex: every other digit upper-case."""

    def mix(text: str) -> str:
        return "0x" + "".join(digit.upper() if n % 2 else digit for n, digit in enumerate(text[2:]))

    return compact(_walk(value, text=lambda text: mix(text) if _HEX.fullmatch(text) else text))


def reversed_keys(value: Any) -> bytes:
    return compact(_walk(value, keys=lambda keys: keys[::-1]))


def sorted_keys(value: Any) -> bytes:
    return compact(_walk(value, keys=sorted))


def extra_keys(value: Any) -> bytes:
    """Keys that nobody asked for, in front and behind, with values that look like others."""
    strangers = {"extra": {"address": "0x" + "0" * 40, "topics": []}, "note": '"},{"address":"0x'}

    def dress(item: Any) -> Any:
        if isinstance(item, list):
            return [dress(each) for each in item]
        if not isinstance(item, dict) or "jsonrpc" in item:
            return item
        return {"stranger": "0x01"} | {key: dress(each) for key, each in item.items()} | strangers

    if isinstance(value, dict) and "result" in value:
        value = value | {"result": dress(value["result"])}
    return compact(value)


def escaped(value: Any) -> bytes:
    r"""Every "d" written as its escape, which only a reader of JSON understands. (No JSON word has a "d" in it.)"""
    return compact(value).replace(b"d", b"\\u0064")


ODD_STYLES: dict[str, Callable[[Any], bytes]] = {
    style.__name__: style
    for style in (
        compact, spaced, indented, upper_case, upper_case_with_prefix, mixed_case, reversed_keys, sorted_keys,
        extra_keys, escaped,
    )
}  # fmt: skip


def _walk(
    value: Any,
    *,
    text: Callable[[str], str] = lambda text: text,
    keys: Callable[[list[str]], list[str]] = lambda keys: keys,
) -> Any:
    if isinstance(value, dict):
        return {key: _walk(value[key], text=text, keys=keys) for key in keys(list(value))}
    if isinstance(value, list):
        return [_walk(each, text=text, keys=keys) for each in value]
    return text(value) if isinstance(value, str) else value
