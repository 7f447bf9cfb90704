"""What the product is for, as a newcomer does it: sign up, deposit, save an address, withdraw, approve, be paid.

Every part is real: the supervisor, PostgreSQL, Valkey, web, worker, signer, beat, three chains, SMTP and Chromium.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from devnet import codes
from tests.journeys.demo import Demo, fresh_address, until, visitor
from tests.support.accessibility import serious_problems

pytestmark = [pytest.mark.browser, pytest.mark.demo, pytest.mark.timeout(900)]
PASSWORD = "a long way 2 the bank"
MICRO = 10**6


def test_a_newcomer_deposits_and_is_paid_out_on_each_network(demo: Demo, browser: Browser) -> None:
    dust_before = ledger_balance(demo, "dust:bsc")
    page, console = sign_up(demo, browser, "newcomer@example.com")
    staff = Staff(demo, browser)
    phone = set_up_an_app(demo, page)

    deposit(demo, page, "tron", "250", shown="250.00")
    assert console == []
    until_nothing_is_held(demo, page)
    refused(
        demo,
        page,
        "tron",
        fresh_address(),
        "This is an address of Ethereum, but the chosen network is TRON.",
        phone=phone,
    )
    console.clear()  # the browser notes the form that was refused
    recipient = fresh_address("tron")
    withdrawal = withdraw(demo, page, "tron", recipient, "60", email="newcomer@example.com", phone=phone)
    staff.approve("support2@exchequer.example", "60.00")
    completed(page, withdrawal)
    assert demo.token_balance_raw("tron", recipient) == 60 * MICRO
    page.goto(f"{demo.site}/withdraw/")
    left = int(page.get_by_test_id("available").get_attribute("data-micro") or 0)
    assert 4 * MICRO < 190 * MICRO - left < 6 * MICRO, "the fee of a transfer to somebody who holds no USDT yet"

    deposit(demo, page, "arbitrum", "100", shown="100.00")
    recipient = fresh_address()
    withdrawal = withdraw(demo, page, "arbitrum", recipient, "40", email="newcomer@example.com", phone=phone)
    staff.approve("support@exchequer.example", "40.00")
    completed(page, withdrawal)
    assert demo.token_balance_raw("arbitrum", recipient) == 40 * MICRO

    deposit(demo, page, "bsc", "2000.000000000000000777", shown="2,000.00")
    recipient = fresh_address()
    withdrawal = withdraw(demo, page, "bsc", recipient, "1500.25", email="newcomer@example.com", phone=phone)
    staff.approve("support@exchequer.example", "1,500.25")
    page.goto(withdrawal)
    expect(page.get_by_test_id("withdrawal-state")).to_have_text(re.compile("In review"))
    assert demo.token_balance_raw("bsc", recipient) == 0, "one approval is not enough over the threshold"
    staff.approve("support2@exchequer.example", "1,500.25")
    completed(page, withdrawal)
    assert demo.token_balance_raw("bsc", recipient) == 1_500_250_000 * 10**12

    # 100 + 2,000 came in; 40 + 1 and 1,500.25 + the fee went out; the dust is kept apart, to the last unit
    assert ledger_balance(demo, "dust:bsc") - dust_before == 777
    assert console == [], "the console of the portal's pages stays silent"
    assert errors_in_logs(demo) == []
    for tool in ("faucet_url", "mail_url"):
        page.goto(demo.facts[tool])
        assert serious_problems(page) == []


def sign_up(demo: Demo, browser: Browser, email: str) -> tuple[Page, list[str]]:
    page = visitor(browser).new_page()
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{demo.site}/account/signup/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.get_by_test_id("signup-form").locator("button").first.click()
    expect(page.get_by_test_id("verification-sent")).to_be_visible()
    page.goto(demo.link_in_mail(email, "confirm|verify"))
    page.get_by_test_id("confirm-email-form").locator("button").click()
    expect(page).not_to_have_url(re.compile("confirm-email"))
    page.goto(f"{demo.site}/account/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_test_id("login-form").locator("button").first.click()
    expect(page).to_have_url(f"{demo.site}/dashboard/")
    return page, console


def deposit(demo: Demo, page: Page, network: str, amount: str, *, shown: str) -> None:
    page.goto(f"{demo.site}/deposit/")
    page.get_by_test_id(f"network-{network}").click()
    address = re.sub(r"\s", "", page.get_by_test_id("deposit-address").inner_text())
    demo.give(network, address, amount)
    row = page.get_by_test_id("deposit").first
    expect(row).to_contain_text(shown, timeout=60_000)  # the page refreshes itself: nobody reloads it
    expect(row.get_by_test_id("deposit-state")).to_have_text(re.compile("Credited"), timeout=120_000)


def save_address(demo: Demo, page: Page, network: str, address: str, *, email: str, phone: Phone) -> None:
    """Save it, confirm it by mail, and wait until it can be paid to."""
    page.goto(f"{demo.site}/security/addresses/add/")
    page.fill("input[name=label]", f"My {network} wallet")
    page.get_by_test_id(f"address-{network}").check()
    page.fill("input[name=address]", address)
    prove_it(page, phone)
    demo.forget_mails()
    page.get_by_test_id("save-address").click()
    entry = page.get_by_test_id("entry").filter(has_text=f"My {network} wallet")
    expect(entry.get_by_test_id("entry-state")).to_have_text("Waiting for your confirmation")
    page.goto(demo.link_in_mail(email, "address"))
    page.get_by_test_id("confirm-address").click()
    expect(entry.get_by_test_id("entry-state")).to_have_text(re.compile("Confirmed, waits|Can be paid to"))
    page.goto(f"{demo.site}/withdraw/")
    expect(page.locator(f"input[name=saved][data-network={network}]")).to_be_disabled()  # its hold is not over

    def is_active() -> bool:
        page.goto(f"{demo.site}/security/addresses/")
        return entry.get_by_test_id("entry-state").inner_text() == "Can be paid to"

    until(is_active, what="the end of the new address's hold", seconds=90)


def withdraw(demo: Demo, page: Page, network: str, address: str, amount: str, *, email: str, phone: Phone) -> str:
    """Save the address, ask for a withdrawal to it and confirm it by mail; returns the withdrawal's page."""
    save_address(demo, page, network, address, email=email, phone=phone)
    page.goto(f"{demo.site}/withdraw/")
    page.get_by_test_id(f"saved-{address}").check()  # nothing is typed but the amount
    page.fill("input[name=amount]", amount)
    page.get_by_test_id("to-review").click()
    assert re.sub(r"\s", "", page.get_by_test_id("review-address").inner_text()) == address
    prove_it(page, phone)
    demo.forget_mails()
    page.get_by_test_id("submit-withdrawal").click()
    expect(page).to_have_url(re.compile(r"/withdrawals/[0-9a-f-]{36}/"))
    url = page.url
    page.goto(demo.link_in_mail(email, "confirm.*withdraw"))
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("withdrawal-state")).to_have_text(re.compile("In review"))
    return url


def refused(demo: Demo, page: Page, network: str, address: str, words: str, *, phone: Phone) -> None:
    """An address of another network is named as what it is, and what was typed stays."""
    page.goto(f"{demo.site}/withdraw/")
    expect(page.get_by_test_id("no-addresses")).to_be_visible()  # a newcomer is paid to saved addresses only
    page.goto(f"{demo.site}/security/addresses/add/")
    page.fill("input[name=label]", "A wallet")
    page.get_by_test_id(f"address-{network}").check()
    page.fill("input[name=address]", address)
    prove_it(page, phone)
    page.get_by_test_id("save-address").click()
    expect(page.locator("#id_address_error")).to_contain_text(words)
    expect(page.locator("input[name=address]")).to_have_value(address)


class Phone:
    """The newcomer's authenticator app."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.used: set[int] = set()

    def code(self) -> str:
        """A code that was not used yet; waits for the next one if need be."""
        while True:
            left = [step for step in codes.steps_taken_now() if step not in self.used]
            if left:
                self.used.add(left[0])
                return codes.code(self.seed, left[0])
            time.sleep(1)


def set_up_an_app(demo: Demo, page: Page) -> Phone:
    """Two-step sign-in, without which nothing can be withdrawn."""
    page.goto(f"{demo.site}/security/")
    page.get_by_test_id("add-app").click()
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    phone = Phone(page.get_by_test_id("totp-secret").get_attribute("data-secret") or "")
    page.fill("input[name=code]", phone.code())
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    page.get_by_test_id("codes-saved").click()
    expect(page.get_by_test_id("factor-app")).to_contain_text("On")
    return phone


def until_nothing_is_held(demo: Demo, page: Page) -> None:
    """A new second factor holds withdrawals, for a day; in the demo for some seconds."""

    def is_over() -> bool:
        page.goto(f"{demo.site}/withdraw/")
        return page.get_by_test_id("no-addresses").is_visible()

    until(is_over, what="the end of the hold after the new second factor", seconds=90)


def prove_it(page: Page, phone: Phone) -> None:
    """A code, unless one was given within the last five minutes."""
    if not page.get_by_test_id("step-up-fresh").is_visible():
        page.fill("input[name=code]", phone.code())


class Staff:
    """Colleagues at their desks, signed in once."""

    def __init__(self, demo: Demo, browser: Browser) -> None:
        self.demo, self.browser = demo, browser
        self.pages: dict[str, Page] = {}

    def approve(self, email: str, shown: str) -> None:
        """As support does it: the queue, the request, the dialog whose button says what happens."""
        if email not in self.pages:
            self.pages[email] = self.demo.sign_in(self.browser, email, self.demo.password_of(email))
        page = self.pages[email]
        page.goto(f"{self.demo.site}/admin/payouts/withdrawalrequest/")
        page.get_by_role("row").filter(has_text=shown).get_by_role("link").first.click()
        page.get_by_role("link", name=re.compile("^Approve")).or_(
            page.get_by_role("button", name=re.compile("^Approve"))
        ).first.click()
        page.locator("input[name=code]").fill(self.demo.code_of(email))
        page.get_by_role("button", name=f"Approve {shown} USDT").click()
        expect(page.get_by_text(re.compile("is approved and will be sent|your approval is recorded"))).to_be_visible()


def completed(page: Page, withdrawal: str) -> None:
    page.goto(withdrawal)
    expect(page.get_by_test_id("withdrawal-state")).to_have_text(re.compile("Completed"), timeout=120_000)
    expect(page.get_by_test_id("tx-hash")).to_have_text(re.compile("(0x)?[0-9a-f]{64}"))


def errors_in_logs(demo: Demo) -> list[str]:
    """What the product's processes called an error while everything went well."""
    return [
        f"{name}: {line}"
        for name in ("web", "worker", "signer", "beat")
        for line in (Path(demo.facts["logs"]) / f"{name}.log").read_text(encoding="utf-8").splitlines()
        if re.search(r"\b(ERROR|CRITICAL|Traceback)\b", line) and "/readyz" not in line  # not ready at first
    ]


def ledger_balance(demo: Demo, code: str) -> int:
    with psycopg.connect(demo.facts["database_url"]) as connection:
        row = connection.execute(
            "SELECT coalesce(sum(b.balance), 0) FROM treasury_ledgerbalance b"
            " JOIN treasury_ledgeraccount a ON a.id = b.account_id WHERE a.code = %s",
            [code],
        ).fetchone()
    assert row is not None
    return int(row[0])
