"""What a browser calls itself, in a few words that its owner recognises."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse


def browser_name(user_agent: str) -> str:
    """ "Firefox on Windows", say; never longer than 80 characters."""
    browser, system = _parts(user_agent[:400])
    if browser and system:
        return (_("%(browser)s on %(system)s") % {"browser": browser, "system": system})[:80]
    return (browser or system or _("Unknown browser"))[:80]


@lru_cache(maxsize=4096)
def _parts(user_agent: str) -> tuple[str, str]:
    found = parse(user_agent)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    return browser, system
