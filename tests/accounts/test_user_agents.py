"""What a browser calls itself, in short, and that no header can keep a sign-in waiting."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.user_agents import LONGEST, Browser, browser_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (CHROME, Browser("Chrome 131", "Windows 10")),
        (SAFARI, Browser("Mobile Safari 17", "iOS 17")),
        (FIREFOX, Browser("Firefox 130", "Linux")),
        ("curl/8.0", Browser("curl 8", "")),
        ("", Browser("", "")),
        ("   ", Browser("", "")),
        ("<script>alert(1)</script>", Browser("", "")),
    ],
)
def test_a_header_is_told_in_short(header: str, found: Browser) -> None:
    assert browser_of(header) == found


@given(st.text(max_size=500))
def test_any_header_has_an_answer_of_a_bounded_length(header: str) -> None:
    assert all(len(part) <= LONGEST for part in browser_of(header))


@pytest.mark.parametrize(
    "header",
    [
        "Mozilla/" * 500,
        "(" * 4000,
        "1." * 2000,
        "Mozilla/5.0 (" + "; " * 2000,
        "Android " * 500,
        "a" * 100_000,
        " (;" * 900,
    ],
)
def test_no_header_keeps_a_sign_in_waiting(header: str) -> None:
    browser_of(FIREFOX)  # the patterns are there
    began = time.thread_time()
    browser_of(header)
    assert time.thread_time() - began < 0.5
