"""What may stand in a mail's text, whoever typed it: no line that pretends to be ours, nothing hidden or reordered."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

CONTENT_MARK: Final = "\ue000"
"""Where the text layout ends and a mail's own words begin; it never leaves the house."""

PREVIEW_LENGTH: Final = 140

# Embeddings, overrides, isolates and marks of direction: they show text in another order than it is in.
BIDI: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_HARMFUL: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{BIDI}]")
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def readable(text: str) -> str:
    """`text` without control characters (line ends and tabs stay) and without marks that turn its direction."""
    plain = _HARMFUL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _BLANK_LINES.sub("\n\n", plain).strip() + "\n"


def one_line(text: str) -> str:
    """`text` as a subject or a fact: one line, without what `readable` takes out. No-break spaces stay as they are."""
    lines = re.sub(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029 ]+", " ", str(text))
    return _HARMFUL.sub("", lines).strip()


def first_words(content: str) -> str:
    """The first paragraph, cut at a word: what a mailbox shows beside the subject."""
    paragraph = one_line(re.split(r"\n\s*\n", content.strip(), maxsplit=1)[0])
    if len(paragraph) <= PREVIEW_LENGTH:
        return paragraph
    return paragraph[:PREVIEW_LENGTH].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def has_hidden(text: str) -> bool:
    """Whether `text` has characters that are not seen, or change how others are: controls, formats, unassigned ones."""
    return any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for each in text)
