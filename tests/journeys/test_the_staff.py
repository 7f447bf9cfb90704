"""Support at work in Chromium: the queue by keys, a dialog, a refusal, two approvals; nothing the policy forbids."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from wagtail.models import Page as ContentPage

from accounts.models import User
from payouts.models import WithdrawalApproval, WithdrawalRequest
from tests.payouts.people import PASSWORD, USDT, a_customer, in_review, staff
from tests.portal.admin.rows import everything
from tests.support.accessibility import COLOURS, serious_problems
from tests.support.factors import code_of, give_app, sign_in_page
from tests.support.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
QUEUE = "/admin/payouts/withdrawalrequest/"
GALLERY = "/admin/accounts/outgoingmail/gallery/"


class Desk:
    """One colleague's browser. Whatever the console complains of is kept."""

    def __init__(self, browser: Browser, site: str, person: User, **options: Any) -> None:
        EmailAddress.objects.get_or_create(user=person, email=person.email, verified=True, primary=True)
        self.site, self.person = site, person
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(locale="en", **options)
        self.context.add_cookies([{"name": "django_language", "value": "en", "url": site}])
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{site}/admin/")
        sign_in_page(self.page, site, person, PASSWORD)
        self.page.wait_for_url(f"{site}/admin/")
        self.complaints.clear()  # the sign-in page has its own tests

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.site + path)
        self.page.wait_for_function("window.Alpine !== undefined && window.htmx !== undefined")


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)


def test_support_works_the_queue_by_keys_and_two_people_approve(product: Product, browser: Browser) -> None:
    customer = a_customer(micro=5000 * USDT)
    small, large = in_review(customer, 40 * USDT), in_review(customer, 1250 * USDT)
    site = product.web()
    first = Desk(browser, site, staff("support"))
    page = first.page
    first.open(QUEUE)
    press(page, "j")
    press(page, "j")
    expect(page.locator("tr.x-current")).to_contain_text(str(large))
    press(page, "k")
    expect(page.locator("tr.x-current")).to_contain_text(str(small))
    press(page, "j")
    press(page, "a")
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Approve 1,250.00\xa0USDT")
    expect(button).to_be_visible()
    expect(dialog).to_contain_text(large.address)
    code = dialog.locator("input[name=code]")
    expect(code).to_be_focused()

    assert WithdrawalApproval.objects.count() == 0, "keys open, they never send"
    code.fill("000000")
    button.click()
    expect(dialog).to_contain_text("The code is not right")
    code.fill(code_of(first.person))
    button.click()
    expect(page.get_by_text("One more person must approve it")).to_be_visible()
    assert page.url.startswith(site + QUEUE)

    second = Desk(browser, site, staff("support"))
    second.open(f"{QUEUE}?tab=second")
    second.page.get_by_role("link", name=str(large)).click()
    second.page.wait_for_url("**/change/**")
    press(second.page, "a")
    dialog = second.page.get_by_role("dialog")
    dialog.locator("input[name=code]").fill(code_of(second.person))
    dialog.get_by_role("button", name="Approve").click()
    expect(second.page.get_by_text("is approved and will be sent")).to_be_visible()
    assert WithdrawalRequest.objects.get(pk=large.pk).state == "approved"

    press(page, "j")
    press(page, "h")
    expect(page.get_by_role("dialog")).to_contain_text("Put on hold")
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert WithdrawalRequest.objects.get(pk=small.pk).state == "in_review"
    assert first.complaints + second.complaints == []


WIDEST = """[...document.querySelectorAll("main *, body *")]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 4).map(each => each.outerHTML.slice(0, 300))"""


def shown_in(page: Page, theme: str) -> None:
    """The theme's switch of the admin, without a reload."""
    page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", theme == "dark")
    page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")


@pytest.mark.slow
def test_no_page_breaks_the_policy_or_the_width_or_is_hard_to_use(product: Product, browser: Browser) -> None:
    keys = everything(product.database)
    desk = Desk(browser, product.web(), staff("support", "finance", "treasurer", "admin"), reduced_motion="reduce")
    lists = [f"/admin/{prefix.replace('_', '/', 1)}/" for prefix in keys]
    pages = [f"{address}{key}/change/" for address, key in zip(lists, keys.values(), strict=True)]
    problems: list[str] = []
    gallery = [f"{GALLERY}{path}" for path in ("", "device_code/en/", "reviews_late/ru/")]
    for path in ["/admin/", f"{QUEUE}?tab=all", "/admin/accounts/staffuser/add/", *gallery, *lists, *pages]:
        desk.page.goto(desk.site + path)
        for width in (1280, 390):
            desk.page.set_viewport_size({"width": width, "height": 844})
            spill = desk.page.evaluate("document.documentElement.scrollWidth")
            assert spill <= width, f"{path} is {spill} wide on a screen of {width}: {desk.page.evaluate(WIDEST)}"
            wide = width > 390
            shown_in(desk.page, "light")
            found = serious_problems(desk.page, without=None if wide else COLOURS)
            problems += [f"light {width}: {problem}" for problem in found]
            if not wide:  # each theme's colours at one width
                shown_in(desk.page, "dark")
                problems += [f"dark {width}: {problem}" for problem in serious_problems(desk.page, only=COLOURS)]
        assert desk.complaints == [], path
    assert problems == []


def test_the_gallery_shows_a_mail_in_both_looks_on_any_device(product: Product, browser: Browser) -> None:
    desk = Desk(browser, product.web(), staff("support"), color_scheme="dark")
    desk.page.goto(f"{desk.site}{GALLERY}")
    desk.page.get_by_role("link", name=re.compile("English.*Your code to sign in")).click()
    grounds = {}
    for look in ("light", "dark"):
        card = desk.page.frame_locator(f'iframe[src$="/{look}/"]').locator(".card")
        expect(card).to_contain_text("1234 5678")
        grounds[look] = card.evaluate("card => getComputedStyle(card).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 32, 29)"}
    expect(desk.page.locator("pre")).to_contain_text("Your phrase: a blue heron at noon")
    assert desk.complaints == []


def test_no_dialog_is_hard_to_use(product: Product, browser: Browser) -> None:
    row = in_review(a_customer(micro=5000 * USDT), 40 * USDT)
    desk = Desk(browser, product.web(), staff("support", "treasurer"), reduced_motion="reduce")
    problems: list[str] = []
    for key in "ahrg":
        desk.open(f"{QUEUE}{row.pk}/change/")
        press(desk.page, key)
        expect(desk.page.get_by_role("dialog")).to_be_visible()
        shown_in(desk.page, "dark")
        problems += [f"{key} dark: {problem}" for problem in serious_problems(desk.page, only=COLOURS)]
        shown_in(desk.page, "light")
        problems += [f"{key} light: {problem}" for problem in serious_problems(desk.page)]
    assert problems == []
    assert desk.complaints == []


def test_no_page_of_the_editors_is_hard_to_use(product: Product, browser: Browser) -> None:
    editor = User.objects.create_superuser("editor@example.com", PASSWORD)
    give_app(editor)
    desk = Desk(browser, product.web(), editor, reduced_motion="reduce")
    home = ContentPage.objects.get(depth=2).pk
    problems: list[str] = []
    for path in ["", f"pages/{home}/", f"pages/{home}/edit/", "images/", "documents/", "redirects/", "sites/"]:
        answer = desk.page.goto(f"{desk.site}/cms/{path}")
        assert answer is not None
        assert answer.ok, path
        problems += serious_problems(desk.page)
    assert problems == []
    assert desk.complaints == []
