"""Each page in a real browser, on the product's own web server: readable by everybody, silent in the console, and
working with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django import DjangoDbBlocker, Settings

from accounts.activity import Origin
from accounts.holds import hold_withdrawals
from accounts.login_history import Result, record_refusal, record_sign_in
from accounts.models import User
from accounts.settings_lock import lock_settings
from payouts.links import address_token, confirmation_token
from payouts.models import WithdrawalRequest
from tests.accounts.places import GOOGLE, YANDEX
from tests.accounts.test_user_agents import CHROME
from tests.payouts.people import (
    OTHER_RECIPIENT,
    PASSWORD,
    RECIPIENT,
    USDT,
    a_customer,
    add,
    ask,
    funds,
    in_review,
    saved,
)
from tests.payouts.test_add_address import alike
from tests.portal.pages.conftest import HEAD, a_deposit, heads_at
from tests.support.accessibility import COLOURS, serious_problems
from tests.support.databases import CommittedDatabase, cloned_database, used_by_django
from tests.support.factors import code_of, proven, sign_in_page
from tests.support.product import forget_queues, processes_on
from tests.support.suite import Share
from tests.support.watching import Pool
from treasury.addresses import deposit_address_for
from treasury.models import Deposit, DepositAddress, NetworkState

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
# Set the theme, and wait until what changes has changed.
SHOW_IN = """async theme => {
  document.documentElement.dataset.theme = theme;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.allSettled(document.getAnimations().map(animation => animation.finished));
}"""
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
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


@dataclass
class Site:
    """The running site, its customer, and everything a browser complained of."""

    url: str
    customer: User
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def visitor(
        self, *, theme: Any = "light", size: str = "desktop", language: str = "en", scripts: bool = True
    ) -> Page:
        """A browser of its own."""
        width, height = SIZES[size]
        context: BrowserContext = self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale=language,
            reduced_motion="reduce",
            java_script_enabled=scripts,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def signed_in(self, **options: Any) -> Page:
        page = self.visitor(**options)
        page.goto("/account/login/")
        sign_in_page(page, self.url, self.customer, PASSWORD)
        expect(page).to_have_url(f"{self.url}/dashboard/")
        return page

    def _note(self, message: ConsoleMessage) -> None:
        expected = "the server responded with a status of"  # Chromium's note on a 404 or 422 that a test asks for
        if message.type in {"error", "warning"} and expected not in message.text:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")


@dataclass(frozen=True)
class Open:
    """A web server that the tests of this file share, as customers share the real one."""

    url: str
    database: CommittedDatabase
    pool: Pool


@pytest.fixture(scope="module")
def opened(share: Share, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    with (
        cloned_database(share) as database,
        processes_on(share, database, tmp_path_factory.mktemp("web")) as product,
    ):
        pool = Pool(database.signer_url)
        product.changes["ADDRESS_POOL_PUBLIC_KEY"] = pool.public_key
        yield Open(product.web(), database, pool)


@pytest.fixture
def site(
    opened: Open,
    share: Share,
    networks: dict[str, Any],
    settings: Settings,
    browser: Browser,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Site]:
    """The site with a new customer: money, an address, a verified mailbox. Consoles must have stayed silent."""
    forget_queues(share)
    with used_by_django(opened.database, share, django_db_blocker):
        settings.ADDRESS_POOL_PUBLIC_KEY = opened.pool.public_key
        opened.pool.add(3)
        customer = a_customer(micro=1000 * USDT)
        customer.emailaddress_set.create(email=customer.email, verified=True, primary=True)
        deposit_address_for(customer_id=customer.pk, family="evm")
        heads_at(HEAD + 2)
        site = Site(opened.url, customer, browser)
        yield site
        for context in browser.contexts:
            context.close()
        assert site.complaints == []


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


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_saved_address_is_chosen_and_nothing_is_typed_but_the_amount(site: Site, scripts: bool) -> None:
    look = saved(site.customer)
    page = site.signed_in(scripts=scripts, size="phone")
    page.goto("/withdraw/")
    page.get_by_test_id(f"saved-{RECIPIENT}").check()
    expect(page.locator("[name=address]")).to_be_hidden()
    page.click("[data-testid=max]")
    expect(page.locator("[name=amount]")).to_have_value(re.compile(r"999(\.00)?"))
    page.fill("[name=amount]", "40")
    page.click("[data-testid=to-review]")
    expect(page.get_by_test_id("review-label")).to_have_text(look.label)
    page.fill("[name=code]", code_of(site.customer))
    page.click("[data-testid=submit-withdrawal]")
    expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-state", "requested")
    assert WithdrawalRequest.objects.get(customer=site.customer).address == RECIPIENT


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


def fill_in(page: Page, *, amount: str, network: str = "arbitrum") -> None:
    page.goto("/withdraw/")
    page.get_by_test_id(f"withdraw-{network}").check()
    page.fill("[name=address]", RECIPIENT)
    page.fill("[name=amount]", amount)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_withdrawal_is_asked_for_and_confirmed(site: Site, scripts: bool) -> None:
    page = site.signed_in(scripts=scripts)
    fill_in(page, amount="40")
    page.click("[data-testid=to-review]")
    expect(page.get_by_test_id("review-sentence")).to_contain_text("We debit 41.00")
    page.click("[data-testid=edit]")
    expect(page.locator("[name=amount]")).to_have_value("40.00")
    page.fill("[name=amount]", "50")
    page.click("[data-testid=to-review]")
    page.fill("[name=code]", "000000")
    page.click("[data-testid=submit-withdrawal]")
    expect(page.get_by_test_id("field-error")).to_contain_text("The code is not right")
    page.fill("[name=code]", code_of(site.customer))
    page.click("[data-testid=submit-withdrawal]")
    expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-state", "requested")
    made = WithdrawalRequest.objects.get(customer=site.customer)
    page.goto(f"/withdrawals/confirm/{confirmation_token(made)}/")
    page.click("[data-testid=confirm]")
    expect(page.get_by_test_id("withdrawal-state")).to_have_text("In review")
    page.click("[data-testid=cancel]")
    expect(page.get_by_test_id("withdrawal-state")).to_have_text("Cancelled")
    assert funds(site.customer) == (1000 * USDT, 0)


def test_the_link_in_the_mail_goes_through_sign_in_and_back(site: Site) -> None:
    row = ask(site.customer)
    page = site.visitor()
    page.goto(f"/withdrawals/confirm/{confirmation_token(row)}/")
    sign_in_page(page, site.url, site.customer, PASSWORD)
    page.click("[data-testid=confirm]")
    expect(page.get_by_test_id("withdrawal-state")).to_have_text("In review")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_max_fills_in_what_the_fee_leaves(site: Site, scripts: bool) -> None:
    page = site.signed_in(scripts=scripts)
    fill_in(page, amount="")
    page.click("[data-testid=max]")
    expect(page.locator("[name=amount]")).to_have_value("999.00")
    expect(page.locator("[name=address]")).to_have_value(RECIPIENT)


def test_what_will_be_debited_is_said_while_typing(site: Site) -> None:
    page = site.signed_in()
    fill_in(page, amount="")
    page.locator("[name=amount]").press_sequentially("250")
    expect(page.get_by_test_id("quote")).to_contain_text("We debit 251.00 USDT")


def test_a_deposit_shows_up_confirms_and_is_credited_before_ones_eyes(site: Site) -> None:
    page = site.signed_in()
    page.goto("/deposit/arbitrum/")
    expect(page.get_by_test_id("deposits-live")).to_contain_text("Nothing yet")
    deposit = a_deposit(site.customer, micro=75 * USDT)
    row = page.get_by_test_id("deposit")
    expect(row).to_contain_text("75.00 USDT")
    progress = row.locator("progress")
    before = progress.get_attribute("value")
    NetworkState.objects.filter(network="arbitrum").update(head_number=HEAD + 3)
    expect(progress).not_to_have_attribute("value", before or "")
    Deposit.objects.filter(pk=deposit.pk).update(state="credited")
    expect(page.get_by_test_id("deposit-state")).to_have_text("Credited")
    expect(page.locator("#deposits-said")).to_contain_text("75.00 USDT: Credited")


def test_the_address_is_copied_whole(site: Site) -> None:
    address = DepositAddress.objects.get(customer=site.customer).address
    page = site.signed_in()
    page.goto("/deposit/arbitrum/")
    page.click("[data-testid=copy-address]")
    expect(page.get_by_test_id("copy-address")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == address
    selected = page.evaluate(
        "() => { const range = document.createRange();"
        " range.selectNodeContents(document.querySelector('[data-testid=deposit-address]'));"
        " getSelection().removeAllRanges(); getSelection().addRange(range); return getSelection().toString() }"
    )
    assert re.sub(r"\s", "", selected) == address


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_colours_and_language_are_switched_by_hand(site: Site, scripts: bool) -> None:
    page = site.signed_in(scripts=scripts)
    page.locator(".sidebar button[value=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/history/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".sidebar button[value=device]").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
    page.locator(".sidebar button[value=ru]").click()
    expect(page.locator("h1")).to_have_text("История")


def test_times_are_shown_in_the_readers_zone_with_utc_as_a_hint(site: Site) -> None:
    row = ask(site.customer)
    page = site.signed_in()
    page.goto(f"/withdrawals/{row.public_id}/")
    when = page.locator(".timeline time").first
    expect(when).to_have_attribute("title", re.compile(r"UTC$"))
    expect(when).not_to_contain_text("UTC")


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
