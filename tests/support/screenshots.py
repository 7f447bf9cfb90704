"""Takes the pictures of `docs/screenshots` from a running product.

    python -m tests.support.screenshots --run .exchequer/run.json --email anna@exchequer.example --out docs/screenshots

`run.json` is what `make run` leaves in its state folder: where the site is, everybody's password, mails and codes.
Each page is taken on a desktop and on a phone; `--themes` and `--languages` choose what else varies. Pages that need
something to show (a withdrawal) take the first one that the history links to.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.chromium import launched

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PUBLIC = {
    "home": "/",
    "help": "/help/",
    "help-deposits": "/help/deposits/",
    "help-networks": "/help/networks-and-fees/",
    "login": "/account/login/",
    "signup": "/account/signup/",
    "password-reset": "/account/password/reset/",
    "not-found": "/nowhere/",
}
SIGNED_IN = {
    "dashboard": "/dashboard/",
    "deposit": "/deposit/",
    "deposit-tron": "/deposit/tron/",
    "deposit-arbitrum": "/deposit/arbitrum/",
    "withdraw": "/withdraw/",
    "history": "/history/",
    "settings": "/settings/",
    "security": "/security/",
    "security-freeze": "/security/freeze/",
    "addresses": "/security/addresses/",
    "address-add": "/security/addresses/add/",
    "settings-lock": "/security/lock/",
    "phrase": "/security/phrase/",
    "sign-ins": "/security/sign-ins/",
    "password-change": "/account/password/change/",
}
# Each page as somebody who may see it: support, treasurer, finance, admin (the first part of the e-mail address).
STAFF = {
    "staff-queue": ("support", "/admin/payouts/withdrawalrequest/"),
    "staff-customers": ("support", "/admin/accounts/customer/"),
    "staff-deposits": ("support", "/admin/treasury/deposit/"),
    "staff-overview": ("finance", "/admin/"),
    "staff-ledger": ("finance", "/admin/treasury/ledgertransfer/"),
    "staff-wallets": ("treasurer", "/admin/treasury/wallet/"),
    "staff-broadcasts": ("treasurer", "/admin/treasury/broadcast/"),
    "staff-activity": ("admin", "/admin/accounts/activitylog/"),
    "staff-mails": ("support", "/admin/accounts/outgoingmail/"),
    "staff-sign-ins": ("support", "/admin/accounts/loginhistory/"),
}
EXAMPLE_ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@dataclass(frozen=True)
class Wish:
    """What to take, and where to put it."""

    facts: dict[str, Any]
    out: Path
    email: str
    only: frozenset[str]
    signed_in: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return str(self.facts["site_url"])

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only


def context_of(browser: Browser, *, size: str, theme: str, language: str, state: Any = None) -> BrowserContext:
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=1 if size == "desktop" else 2,
        color_scheme="dark" if theme == "dark" else "light",
        locale=language,
        timezone_id="Europe/Moscow",
        reduced_motion="reduce",
        storage_state=state,
    )


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def state_of(browser: Browser, wish: Wish, email: str) -> Any:
    """The cookies of a browser in which `email` is signed in: each person goes through both steps once."""
    if email not in wish.signed_in:
        context = context_of(browser, size="desktop", theme="light", language="en")
        page = context.new_page()
        page.goto(f"{wish.base}/account/login/")
        page.fill("[name=login]", email)
        page.fill("[name=password]", next(str(p["password"]) for p in wish.facts["people"] if p["email"] == email))
        page.click("[data-testid=login-form] button:not([type=button])")
        page.fill("[data-testid=device-code-form] [name=code]", mailed_code(wish, email))
        page.click("[data-testid=device-code-form] button")
        while "/authenticate/" in page.url:
            for code in asked(wish.facts["codes_api"])[email].values():
                if "/authenticate/" in page.url:
                    page.fill("[data-testid=second-factor-form] [name=code]", code)
                    page.click("[data-testid=second-factor-form] button")
                    page.wait_for_load_state()
        wish.signed_in[email] = context.storage_state()
        context.close()
    return wish.signed_in[email]


def mailed_code(wish: Wish, email: str) -> str:
    """Of the newest mail that holds one."""
    for _try in range(60):
        for summary in asked(f"{wish.facts['mail_api']}?to={email}"):
            text = asked(f"{wish.facts['mail_api']}/{summary['id']}")["text"]
            if found := re.search(r"^\s*(\d{4}[ \u00a0]?\d{4})\s*$", text, re.MULTILINE):
                return found.group(1)
        time.sleep(0.5)
    raise SystemExit(f"no code was mailed to {email}")


def take(page: Page, wish: Wish, name: str, tail: str) -> None:
    """The whole page: the window is made as tall as it, so that the bar at its foot is at the foot."""
    page.evaluate("document.fonts.ready")
    size = page.viewport_size or {"width": 1280, "height": 900}
    for _ in range(2):  # what is tied to the window's height grows with it once
        tall = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": max(tall, size["height"])})
    page.screenshot(path=wish.out / f"{name}-{tail}.png")
    page.set_viewport_size(size)


def take_pages(page: Page, wish: Wish, pages: dict[str, str], tail: str) -> None:
    for name, path in pages.items():
        if wish.wants(name):
            page.goto(f"{wish.base}{path}", wait_until="networkidle" if "live" in name else "load")
            take(page, wish, name, tail)


def take_flow(page: Page, wish: Wish, tail: str) -> None:
    """The review page, and each kind of withdrawal that the history has."""
    if wish.wants("review"):
        page.goto(f"{wish.base}/withdraw/")
        page.check("[data-testid=withdraw-arbitrum]")
        page.fill("[name=address]", EXAMPLE_ADDRESS)
        page.fill("[name=amount]", "500")
        page.click("[data-testid=to-review]")
        take(page, wish, "review", tail)
    if wish.wants("withdrawal"):
        page.goto(f"{wish.base}/history/?kind=withdrawals")
        found: dict[str, str] = {}
        for item in page.query_selector_all("[data-testid=movement]"):
            link = item.query_selector("a[href*='/withdrawals/']")
            if link:
                found.setdefault(item.get_attribute("data-state") or "", link.get_attribute("href") or "")
        take_pages(page, wish, {f"withdrawal-{state}": path for state, path in found.items()}, tail)


def take_staff(browser: Browser, wish: Wish, *, size: str, theme: str, language: str) -> None:
    """The staff's pages, each as its own kind of person; support also opens a request and its first dialog."""
    tail = f"{size}-{theme}-{language}"
    for role in ("support", "finance", "treasurer", "admin"):
        wanted = {name: path for name, (who, path) in STAFF.items() if who == role and wish.wants(name)}
        if not wanted:
            continue
        state = state_of(browser, wish, f"{role}@{wish.email.partition('@')[2]}")
        context = context_of(browser, size=size, theme=theme, language=language, state=state)
        context.add_cookies([{"name": "django_language", "value": language, "url": wish.base}])
        page = context.new_page()
        take_pages(page, wish, wanted, tail)
        if "staff-queue" in wanted:
            page.goto(f"{wish.base}{wanted['staff-queue']}")
            page.locator("a:has(.x-number)").first.click()
            page.wait_for_load_state()
            take(page, wish, "staff-request", tail)
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the run.json of the running demo")
    parser.add_argument("--email", required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--languages", nargs="+", default=["ru", "en"], choices=["ru", "en"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--staff", action="store_true", help="the staff's pages too (the demo's people)")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wish = Wish(json.loads(given.run.read_text(encoding="utf-8")), given.out, given.email, frozenset(given.only))
    with launched() as browser:
        for size in given.sizes:
            for theme in given.themes:
                for language in given.languages:
                    tail = f"{size}-{theme}-{language}"
                    context = context_of(browser, size=size, theme=theme, language=language)
                    take_pages(context.new_page(), wish, PUBLIC, tail)
                    context.close()
                    state = state_of(browser, wish, wish.email)
                    context = context_of(browser, size=size, theme=theme, language=language, state=state)
                    context.add_cookies([{"name": "django_language", "value": language, "url": wish.base}])
                    page = context.new_page()
                    take_pages(page, wish, SIGNED_IN, tail)
                    take_flow(page, wish, tail)
                    context.close()
                    if given.staff:
                        take_staff(browser, wish, size=size, theme=theme, language=language)


if __name__ == "__main__":
    main()
