"""Each page is readable by everybody: at a desk and on a phone, light and dark, by eye, by ear and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.activity import Origin
from accounts.holds import hold_withdrawals
from accounts.login_history import Result, record_refusal, record_sign_in
from accounts.models import User
from accounts.settings_lock import lock_settings
from payouts.links import address_token, confirmation_token
from tests.accounts.places import GOOGLE, YANDEX
from tests.accounts.test_user_agents import CHROME
from tests.journeys.site import SIZES, Site, fill_in
from tests.payouts.people import OTHER_RECIPIENT, RECIPIENT, USDT, add, ask, in_review, saved
from tests.payouts.test_add_address import alike
from tests.portal.pages.conftest import a_deposit
from tests.support.accessibility import COLOURS, serious_problems
from tests.support.factors import code_of, proven

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
# Set the theme, and wait until what changes has changed.
SHOW_IN = """async theme => {
  document.documentElement.dataset.theme = theme;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.allSettled(document.getAnimations().map(animation => animation.finished));
}"""
PUBLIC = [
    "/",
    "/help/",
    "/help/deposits/",
    "/help/networks-and-fees/",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/confirm-email/",
    "/nowhere/",
]
SIGNED_IN = [
    "/dashboard/",
    "/deposit/",
    "/deposit/arbitrum/",
    "/withdraw/",
    "/history/",
    "/settings/",
    "/security/sign-ins/",
    "/security/addresses/",
    "/security/addresses/add/",
    "/security/lock/",
    "/account/email/",
    "/security/",
    "/security/freeze/",
]


def test_no_public_page_is_hard_to_use_for_anybody(site: Site) -> None:
    page = site.visitor()
    problems = []
    for path in PUBLIC:
        page.goto(path)
        problems += problems_of(page)
    assert problems == []


def test_no_page_of_a_customer_is_hard_to_use_for_anybody(site: Site) -> None:
    a_deposit(site.customer)
    a_deposit(site.customer, state="credited")
    for address in (YANDEX, GOOGLE):
        record_sign_in(user=site.customer, origin=Origin(address, CHROME), method="password+totp")
    record_refusal(user=site.customer, result=Result.CODE_ASKED, origin=Origin(GOOGLE, ""), method="password")
    page = site.signed_in()
    problems = []
    for path in SIGNED_IN:
        page.goto(path)
        problems += problems_of(page)
    assert problems == []


def test_no_step_of_a_withdrawal_is_hard_to_use_for_anybody(site: Site) -> None:
    waiting, reviewed = ask(site.customer, 20 * USDT), in_review(site.customer, 30 * USDT)
    page = site.signed_in()
    problems = problems_of(page)  # the overview, with what waits for the customer
    for path in (
        f"/withdrawals/{waiting.public_id}/",
        f"/withdrawals/{reviewed.public_id}/",
        f"/withdrawals/confirm/{confirmation_token(waiting)}/",
        "/withdrawals/confirm/made-up/",
    ):
        page.goto(path)
        problems += problems_of(page)
    fill_in(page, amount="40")
    problems += problems_of(page)
    page.click("[data-testid=to-review]")
    expect(page.get_by_test_id("review-sentence")).to_be_visible()
    problems += problems_of(page)
    page.goto("/withdraw/")
    page.click("[data-testid=to-review]")  # the form with its mistakes
    expect(page.get_by_test_id("field-error").first).to_be_visible()
    problems += problems_of(page)
    assert problems == []


def test_no_step_of_the_address_book_is_hard_to_use_for_anybody(site: Site) -> None:
    waiting, confirmed = add(site.customer), saved(site.customer, OTHER_RECIPIENT)
    page = site.signed_in()
    problems = []
    for path in (
        "/security/addresses/",
        f"/security/addresses/confirm/{address_token(waiting)}/",
        "/security/addresses/confirm/made-up/",
        f"/withdraw/?saved={confirmed.public_id}",
    ):
        page.goto(path)
        problems += problems_of(page)
    look_alike(page, site.customer)
    problems += problems_of(page)
    hold_withdrawals(user_id=site.customer.pk, kind="password")
    lock_settings(user_id=site.customer.pk, days=7, wait_days=3, step_up=proven(site.customer))
    for path in ("/dashboard/", "/withdraw/", "/security/addresses/", "/security/addresses/add/", "/security/lock/"):
        page.goto(path)
        problems += problems_of(page)
    page.click("[data-testid=unlock]")
    expect(page.get_by_test_id("unlock-asked")).to_be_visible()
    problems += problems_of(page)
    assert problems == []


def look_alike(page: Page, person: User) -> None:
    """The form with the warning about an address that looks like a saved one."""
    page.goto("/security/addresses/add/")
    page.fill("[name=label]", "Poisoned")
    page.get_by_test_id("address-arbitrum").check()
    page.fill("[name=address]", alike(RECIPIENT))
    page.fill("[name=code]", code_of(person))
    page.click("[data-testid=save-address]")
    expect(page.get_by_test_id("look-alike")).to_be_visible()


def test_the_keyboard_reaches_everything(site: Site) -> None:
    page = site.signed_in()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.goto("/withdraw/")
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.dataset.testid || ''"))
    assert {"network", "address", "amount", "max", "to-review"} <= reached


def problems_of(page: Page) -> list[str]:
    """The page in both sizes and both themes, without loading it again: light colours at the desktop, dark by phone."""
    found = []
    for number, (width, height) in enumerate(SIZES.values()):
        page.set_viewport_size({"width": width, "height": height})
        found += too_wide(page)
        page.evaluate(SHOW_IN, "light")
        known = serious_problems(page, without=COLOURS if number else None)
        found += [f"light {width} px: {problem}" for problem in known]
        if number:
            page.evaluate(SHOW_IN, "dark")
            found += [f"dark {width} px: {problem}" for problem in serious_problems(page, only=COLOURS)]
    return found


def too_wide(page: Page) -> list[str]:
    """A page that scrolls sideways."""
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url} is {over} px too wide"] if over > 0 else []
