"""A browser's own words about itself, in short: "Firefox 130" on "Windows 10". What it says may be a lie."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from django.utils.translation import gettext as _
from ua_parser import OS, BestAvailableResolver, Cache, CachingResolver, Domain, Parser, UserAgent, load_lazy_builtins

READ_AT_MOST: Final = 300
"""Characters of a User-Agent that are looked at: a thousand patterns are tried on them while somebody waits."""
KEPT: Final = 2000
LONGEST: Final = 60


class Browser(NamedTuple):
    """Names with their main version, "" for unknown."""

    name: str
    system: str


def browser_of(user_agent: str) -> Browser:
    """What a User-Agent header says."""
    given = user_agent[:READ_AT_MOST]
    if not given.strip():
        return Browser("", "")
    found = _parser()(given, Domain.USER_AGENT | Domain.OS)
    return Browser(_short(found.user_agent), _short(found.os))


def browser_name(user_agent: str) -> str:
    """In a few words that its owner recognises: "Firefox 140 on Linux". At most 80 characters."""
    browser = browser_of(user_agent)
    if browser.name and browser.system:
        return (_("%(browser)s on %(system)s") % {"browser": browser.name, "system": browser.system})[:80]
    return (browser.name or browser.system or _("Unknown browser"))[:80]


@lru_cache(maxsize=1)
def _parser() -> Parser:
    """Made at the first sign-in of a process, its patterns compiled as they are needed; answers are kept."""
    return Parser(CachingResolver(BestAvailableResolver(load_lazy_builtins()), Cache(KEPT)))


def _short(found: UserAgent | OS | None) -> str:
    if found is None or found.family == "Other":
        return ""
    return f"{found.family} {found.major or ''}".strip()[:LONGEST]
