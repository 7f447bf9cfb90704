"""The security centre as a customer uses it, in Chromium: an app, a passkey, recovery codes, devices, the brake."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, CDPSession, Page, expect

from accounts.models import TrustedDevice, User, UserProfile, UserSession
from accounts.second_factor.codes import current_step, totp_code
from accounts.tasks import send_outgoing_mail
from payouts.models import WithdrawalRequest
from tests.payouts.people import PASSWORD, RECIPIENT, USDT, a_customer, staff
from tests.support.factors import code_of, give_app, known_browser, sign_in_page
from tests.support.mail import MailCatcher
from tests.support.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
def site(product: Product) -> str:
    return product.web()


def a_person(*, app: bool, only_saved: bool = False) -> User:
    user = a_customer(micro=1000 * USDT, only_saved=only_saved)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if not app:
        Authenticator.objects.filter(user=user).delete()
    return user


def opened(browser: Browser, site: str) -> Page:
    context = browser.new_context(base_url=site, locale="en")
    context.add_cookies([{"name": "django_language", "value": "en", "url": site}])
    page = context.new_page()
    page.goto("/account/login/")
    return page


def without_factor(browser: Browser, site: str, user: User) -> Page:
    """Signed in by the password alone, in a known browser."""
    page = opened(browser, site)
    page.context.add_cookies([known_browser(user) | {"url": site}])
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("[data-testid=login-form] button")
    expect(page).to_have_url(f"{site}/dashboard/")
    return page


def give_authenticator(page: Page) -> CDPSession:
    """Chromium's virtual authenticator: a platform key that always recognises its owner."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return session


def test_an_app_is_set_up_and_asked_for_at_the_next_sign_in(site: str, browser: Browser) -> None:
    user = a_person(app=False)
    page = without_factor(browser, site, user)
    page.goto("/withdraw/")
    page.goto("/security/")
    expect(page.get_by_test_id("checklist")).to_contain_text("Two-step sign-in is off")
    page.get_by_test_id("add-app").click()
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    seed = page.get_by_test_id("totp-secret").get_attribute("data-secret") or ""
    page.fill("input[name=code]", "000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_test_id("field-error")).to_be_visible()
    assert page.get_by_test_id("totp-secret").get_attribute("data-secret") == seed, "a typing error costs no new scan"
    page.fill("input[name=code]", totp_code(seed, current_step()))
    page.get_by_role("button", name="Turn on").click()
    codes = page.get_by_test_id("recovery-codes").locator("li")
    expect(codes).to_have_count(10)
    recovery = re.sub(r"\s", "", codes.first.inner_text())
    page.get_by_test_id("codes-saved").click()
    expect(page.get_by_test_id("factor-app")).to_contain_text("On")
    page.goto("/account/2fa/recovery-codes/")
    assert recovery not in page.content(), "shown once"

    page.goto("/dashboard/")
    page.get_by_test_id("logout").click()
    for code, let_in in ((totp_code(seed, current_step() + 1), True), (recovery, True), (recovery, False)):
        page.goto("/account/login/")
        page.fill("input[name=login]", user.email)
        page.fill("input[name=password]", PASSWORD)
        page.click("[data-testid=login-form] button")
        page.fill("[data-testid=second-factor-form] input[name=code]", code)
        page.click("[data-testid=second-factor-form] button")
        if not let_in:
            expect(page.get_by_test_id("field-error")).to_be_visible()
            continue
        expect(page).to_have_url(f"{site}/dashboard/")
        page.get_by_test_id("logout").click()


def test_a_passkey_is_added_signs_in_alone_and_confirms_a_withdrawal(product: Product, browser: Browser) -> None:
    site = product.web(env={"WITHDRAWAL_HOLD_SECONDS": "0"})  # else a new factor holds withdrawals for a day
    user = a_person(app=False)
    page = without_factor(browser, site, user)
    give_authenticator(page)
    page.goto("/security/")
    page.get_by_test_id("add-passkey").click()
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.fill("input[name=name]", "Laptop")
    page.get_by_test_id("use-passkey").click()
    expect(page.get_by_test_id("recovery-codes")).to_be_visible()
    page.goto("/account/2fa/webauthn/")
    expect(page.get_by_test_id("passkeys")).to_contain_text("Laptop")

    page.goto("/dashboard/")
    page.get_by_test_id("logout").click()
    page.goto("/account/login/")
    page.get_by_test_id("use-passkey").click()
    expect(page).to_have_url(f"{site}/dashboard/")
    key = Authenticator.objects.get(user=user, type="webauthn")
    assert key.last_used_at is not None

    page.goto("/withdraw/")
    page.get_by_test_id("withdraw-arbitrum").check()
    page.fill("[name=address]", RECIPIENT)
    page.fill("[name=amount]", "40")
    page.click("[data-testid=to-review]")
    expect(page.locator("[name=code]")).to_have_count(0)
    page.click("[data-testid=submit-withdrawal]")
    expect(page.get_by_test_id("step-up-error")).to_contain_text("Confirm that it is you")
    assert not WithdrawalRequest.objects.exists(), "the sign-in is no step-up"
    page.get_by_test_id("use-passkey").click()
    expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-state", "requested")
    assert WithdrawalRequest.objects.get(customer=user).address == RECIPIENT
    assert Authenticator.objects.get(pk=key.pk).last_used_at > key.last_used_at


def test_an_unknown_browser_waits_for_the_mailed_code_and_can_be_forgotten(
    site: str, browser: Browser, mail_catcher: MailCatcher
) -> None:
    user = a_person(app=True)
    page = opened(browser, site)
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("[data-testid=login-form] button")
    form = page.get_by_test_id("device-code-form")
    expect(form).to_contain_text("Code from the mail")
    send_outgoing_mail()
    text = mail_catcher.wait_for(to=user.email).text
    found = re.search(r"^\s*(\d{4}[ \u00a0]?\d{4})\s*$", text, re.MULTILINE)
    assert found, text
    form.locator("input[name=code]").fill(found.group(1))
    form.locator("button").first.click()
    page.fill("[data-testid=second-factor-form] input[name=code]", code_of(user))
    page.click("[data-testid=second-factor-form] button")
    expect(page).to_have_url(f"{site}/dashboard/")

    elsewhere = opened(browser, site)
    sign_in_page(elsewhere, site, user, PASSWORD)
    expect(elsewhere).to_have_url(f"{site}/dashboard/")
    elsewhere.goto("/security/")
    expect(elsewhere.get_by_test_id("devices").locator("li")).to_have_count(2)
    elsewhere.get_by_test_id("devices").locator("li").filter(has_not_text="This one").get_by_test_id(
        "revoke-device"
    ).click()
    expect(elsewhere.get_by_test_id("devices").locator("li")).to_have_count(1)
    page.reload()
    expect(page).to_have_url(re.compile("/account/login/"))
    assert TrustedDevice.objects.filter(user=user, revoked_at=None).count() == 1


def test_the_brake_stops_withdrawals_and_signs_everybody_out(site: str, browser: Browser) -> None:
    user = a_person(app=True)
    here, there = opened(browser, site), opened(browser, site)
    for page in (here, there):
        sign_in_page(page, site, user, PASSWORD)
        expect(page).to_have_url(f"{site}/dashboard/")
    here.goto("/security/")
    here.get_by_test_id("freeze").click()
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is None, "opening the page changes nothing"
    here.get_by_role("button", name="Freeze now").click()
    expect(here.get_by_test_id("frozen")).to_be_visible()
    there.reload()
    expect(there).to_have_url(re.compile("/account/login/"))
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
    assert not UserSession.objects.filter(user=user, ended_at=None).exists()


def test_a_step_up_is_asked_again_after_five_minutes(site: str, browser: Browser) -> None:
    user = a_person(app=True)
    page = opened(browser, site)
    sign_in_page(page, site, user, PASSWORD)
    page.goto("/account/2fa/recovery-codes/generate/")
    page.fill("[data-testid=reauthenticate-form] input[name=code]", code_of(user))
    page.click("[data-testid=reauthenticate-form] button")
    expect(page.get_by_role("button", name="Make them")).to_be_visible()
    page.goto("/account/password/change/")
    expect(page.locator("input[name=oldpassword]")).to_be_visible()
    age_session(user, timedelta(seconds=301))
    page.goto("/account/password/change/")
    expect(page.get_by_test_id("reauthenticate-form")).to_be_visible()


def age_session(user: User, by: timedelta) -> None:
    """As if what was proven in the person's sessions had been proven so long ago."""
    from portal.sessions import SessionStore

    for row in UserSession.objects.filter(user=user, ended_at=None):
        store = SessionStore(row.session_key)
        records = store["account_authentication_methods"]
        store["account_authentication_methods"] = [each | {"at": each["at"] - by.total_seconds()} for each in records]
        store.save()


def test_a_colleague_without_a_second_step_is_led_to_set_one_up(site: str, browser: Browser) -> None:
    person = staff("support")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    Authenticator.objects.filter(user=person).delete()
    page = without_factor(browser, site, person)
    page.goto("/admin/")
    expect(page.get_by_test_id("staff-waits")).to_contain_text("Set up an authenticator app or a passkey")
    give_app(person)
    page.get_by_test_id("logout").click()
    page.goto("/account/login/")
    sign_in_page(page, site, person, PASSWORD)
    page.goto("/admin/")
    expect(page.get_by_role("heading").first).to_be_visible()


def test_the_strength_of_a_new_password_is_said_while_it_is_typed(site: str, browser: Browser) -> None:
    page = opened(browser, site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/account/signup/")
    words = page.get_by_test_id("strength")
    expect(words).to_be_hidden()
    for typed, said in (
        ("qwerty123456", "Very easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaa1", "Easy to guess"),
        ("Anna1987", "Easy to guess"),
        ("heron at 9 noon", "Good"),
        ("heron noon violet 17 ladder", "Very good"),
    ):
        page.fill("input[name=password1]", typed)
        expect(words).to_contain_text(said)
    assert all(url.startswith(site) for url in asked), "nobody else hears of it"
