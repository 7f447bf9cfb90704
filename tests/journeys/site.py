"""A site with one customer, on a web server that the tests of pages share, as customers share the real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import User
from tests.payouts.people import PASSWORD, RECIPIENT, USDT, a_customer
from tests.portal.pages.conftest import HEAD, heads_at
from tests.support.databases import CommittedDatabase, cloned_database, used_by_django
from tests.support.factors import sign_in_page
from tests.support.product import forget_queues, processes_on
from tests.support.suite import Share
from tests.support.watching import Pool
from treasury.addresses import deposit_address_for

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


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
        context.set_default_timeout(45_000)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def signed_in(self, **options: Any) -> Page:
        page = self.visitor(**options)
        page.goto("/account/login/")
        sign_in_page(page, self.url, self.customer, PASSWORD)
        expect(page).to_have_url(f"{self.url}/dashboard/")
        page.wait_for_load_state()
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


@pytest.fixture(scope="package")
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


def fill_in(page: Page, *, amount: str, network: str = "arbitrum") -> None:
    page.goto("/withdraw/")
    page.get_by_test_id(f"withdraw-{network}").check()
    page.fill("[name=address]", RECIPIENT)
    page.fill("[name=amount]", amount)
