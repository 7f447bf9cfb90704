"""What a customer does on the pages, in a real browser on the product's own web server, with and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from payouts.links import confirmation_token
from payouts.models import WithdrawalRequest
from tests.journeys.site import Site, fill_in
from tests.payouts.people import PASSWORD, RECIPIENT, USDT, ask, funds, saved
from tests.portal.pages.conftest import HEAD, a_deposit
from tests.support.factors import code_of, sign_in_page
from treasury.models import Deposit, DepositAddress, NetworkState

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


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
