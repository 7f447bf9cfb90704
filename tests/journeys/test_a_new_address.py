"""A new address of the address book, from the page to the first payment to it: a mail and a whole day lie between."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts.tasks import send_outgoing_mail
from payouts.models import SavedAddress, WithdrawalRequest
from tests.journeys.test_security import a_person, opened
from tests.payouts.people import PASSWORD, RECIPIENT
from tests.support.factors import code_of, sign_in_page
from tests.support.mail import MailCatcher
from tests.support.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
A_DAY = timedelta(hours=24)


def test_a_new_address_is_paid_to_a_day_after_its_mail_was_confirmed(
    product: Product, browser: Browser, mail_catcher: MailCatcher
) -> None:
    assert timedelta(seconds=settings.ADDRESS_HOLD_SECONDS) == A_DAY, "as in production"
    site, user = product.web(), a_person(app=True, only_saved=True)
    page = opened(browser, site)
    sign_in_page(page, site, user, PASSWORD)
    expect(page).to_have_url(f"{site}/dashboard/")
    page.goto("/withdraw/")
    page.get_by_role("link", name="Save an address").click()
    page.fill("[name=label]", "Exchange")
    page.get_by_test_id("address-arbitrum").check()
    page.fill("[name=address]", RECIPIENT)
    page.click("[data-testid=save-address]")
    expect(page.locator("#id_code_error")).to_contain_text("Confirm that it is you")
    page.fill("[name=code]", code_of(user))
    page.click("[data-testid=save-address]")
    expect(page.get_by_test_id("entry-state")).to_have_text("Waiting for your confirmation")

    send_outgoing_mail()
    link = mail_catcher.link(mail_catcher.wait_for(to=user.email, subject="address"), "addresses/confirm")
    page.goto(urlsplit(link).path)
    page.get_by_test_id("confirm-address").click()
    expect(page.get_by_test_id("entry-state")).to_have_text("Confirmed, waits")
    page.goto("/withdraw/")
    choice = page.get_by_test_id(f"saved-{RECIPIENT}")
    expect(choice).to_be_disabled()
    expect(page.get_by_test_id("saved-addresses")).to_contain_text("can be paid to from")
    choice.evaluate("button => button.disabled = false")  # who knows how to get round the page
    choice.check()
    page.fill("[name=amount]", "40")
    page.click("[data-testid=to-review]")
    refusal = page.get_by_test_id("field-error")
    expect(refusal).to_contain_text("This address is new: it can be paid to from")
    active_from = SavedAddress.objects.get(customer=user).active_from
    assert active_from is not None
    assert abs(active_from - timezone.now() - A_DAY) < timedelta(minutes=2)
    expect(refusal).to_contain_text(f"{active_from:%H:%M}")
    assert not WithdrawalRequest.objects.exists()

    later = A_DAY + timedelta(seconds=5)
    product.web_later(later)
    with time_machine.travel(timezone.now() + later, tick=True):
        page.goto("/withdraw/")
        expect(page).to_have_url(re.compile("/account/login/"))  # a session lasts twelve hours
        sign_in_page(page, site, user, PASSWORD)
        page.get_by_test_id(f"saved-{RECIPIENT}").check()
        page.fill("[name=amount]", "40")
        page.click("[data-testid=to-review]")
        expect(page.get_by_test_id("review-label")).to_have_text("Exchange")
        page.fill("[name=code]", code_of(user))
        page.click("[data-testid=submit-withdrawal]")
        expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-state", "requested")
    assert WithdrawalRequest.objects.get(customer=user).address == RECIPIENT
