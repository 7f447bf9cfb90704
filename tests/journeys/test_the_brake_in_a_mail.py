"""Somebody else is in the account: its owner reads of it in a mail and pulls the brake, signed in nowhere."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import ActivityLog, OutgoingMail, TrustedDevice, UserProfile, UserSession
from accounts.tasks import send_outgoing_mail
from payouts.errors import WithdrawalsFrozen
from payouts.models import WithdrawalRequest
from tests.journeys.test_security import a_person, opened
from tests.payouts.people import PASSWORD, RECIPIENT, confirm
from tests.support.factors import code_of, sign_in_page
from tests.support.mail import MailCatcher
from tests.support.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
def site(product: Product) -> str:
    return product.web()


def ask_for_money(page: Page, code: str) -> None:
    """As whoever took the account over would, to an address of theirs."""
    page.goto("/withdraw/")
    page.get_by_test_id("withdraw-arbitrum").check()
    page.fill("[name=address]", RECIPIENT)
    page.fill("[name=amount]", "40")
    page.click("[data-testid=to-review]")
    page.fill("[name=code]", code)
    page.click("[data-testid=submit-withdrawal]")
    expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-state", "requested")


def test_the_link_in_the_mail_stops_everything_from_a_browser_that_is_not_signed_in(
    site: str, browser: Browser, mail_catcher: MailCatcher
) -> None:
    user = a_person(app=True)
    thief = opened(browser, site)
    sign_in_page(thief, site, user, PASSWORD)
    expect(thief).to_have_url(f"{site}/dashboard/")
    ask_for_money(thief, code_of(user))
    send_outgoing_mail()
    path = urlsplit(mail_catcher.link(mail_catcher.wait_for(to=user.email, subject="onfirm"), "not-me")).path

    owner = opened(browser, site)
    owner.goto(path)
    expect(owner.get_by_test_id("freeze-form")).to_contain_text("No withdrawal is accepted, approved or sent any more")
    owner.reload()  # as a mail scanner would open it, more than once
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is None, "opening the page changes nothing"
    thief.reload()
    expect(thief.get_by_test_id("withdrawal")).to_be_visible()
    owner.get_by_role("button", name="Freeze now").click()
    expect(owner.get_by_test_id("frozen")).to_contain_text("Withdrawals are stopped and everybody is signed out")

    thief.get_by_role("link", name="Overview").first.click()
    expect(thief).to_have_url(re.compile("/account/login/"))
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
    assert not UserSession.objects.filter(user=user, ended_at=None).exists()
    assert not TrustedDevice.objects.filter(user=user, revoked_at=None).exists()
    with pytest.raises(WithdrawalsFrozen):
        confirm(WithdrawalRequest.objects.get(customer=user))
    send_outgoing_mail()
    told = mail_catcher.wait_for(to=user.email, subject="frozen")
    assert "You froze your account, or somebody with a link from your mailbox did." in told.text

    owner.goto(path)
    expect(owner.get_by_test_id("frozen")).to_contain_text("Withdrawals are stopped")
    expect(owner.get_by_test_id("freeze-form")).to_be_hidden()
    owner.get_by_role("button", name="Sign everybody out once more").click()
    expect(owner.get_by_test_id("frozen")).to_contain_text("everybody is signed out")
    assert OutgoingMail.objects.filter(template="account_frozen").count() == 1
    assert list(
        ActivityLog.objects.filter(action="withdrawals.frozen").values_list("facts__already_frozen", flat=True)
    ) == [
        False,
        True,
    ]
