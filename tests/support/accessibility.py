"""axe-core over a page that Chromium shows."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that a theme can break; all others say the same of a page in another theme."""
SERIOUS = {"serious", "critical"}


@lru_cache(maxsize=1)
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def serious_problems(page: Page, *, only: list[str] | None = None, without: list[str] | None = None) -> list[str]:
    """What axe calls serious or critical, one line each. It runs outside the page's security policy.

    `only`: these rules, instead of all that WCAG 2.2 AA needs; `without`: all but these.
    """
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_source())
    found: dict[str, Any] = page.evaluate(
        """([wanted, unwanted]) => axe.run(document, {
            runOnly: wanted,
            rules: Object.fromEntries(unwanted.map(rule => [rule, {enabled: false}])),
            resultTypes: ["violations"],
            iframes: false,  // mails in the gallery are in sandboxed ones, which it cannot speak to
        })""",
        [only or TAGS, without or []],
    )
    return [
        f"{page.url}: {each['id']} ({each['impact']}): {node['target']}: {node.get('failureSummary', each['help'])}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"][:3]
    ]
