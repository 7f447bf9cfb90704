"""A mail with one colour scheme forced: what a reader whose device is light or dark would see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

LIGHT: Final = "light"
DARK: Final = "dark"
LOOKS: Final[Mapping[str, Any]] = {LIGHT: _("Light"), DARK: _("Dark")}

_DARK_RULES: Final = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_SCHEMES: Final = re.compile(r"\blight dark\b")


def in_look(html: str, look: str) -> str:
    """`html` as a device with the scheme `look` shows it, on a device with any."""
    rules = "@media all" if look == DARK else "@media not all"
    return _SCHEMES.sub(look, _DARK_RULES.sub(rules, html))
