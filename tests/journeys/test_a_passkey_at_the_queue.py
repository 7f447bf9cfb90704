"""Support approves with a passkey in Chromium, and the signer's own check believes what the browser made."""

from __future__ import annotations

import dataclasses

import pytest
from allauth.mfa.models import Authenticator
from fido2 import cbor
from fido2.cose import CoseKey
from playwright.sync_api import Browser, expect

from accounts.second_factor.evidence import evidence_key, fingerprint, public_key_of
from payouts.models import WithdrawalApproval
from tests.journeys.test_security import give_authenticator
from tests.journeys.test_the_staff import QUEUE, Desk, press
from tests.payouts.people import USDT, a_customer, in_review, staff
from tests.support.approvers import write_key
from tests.support.factors import code_of
from tests.support.product import Product
from treasury.approvals import Approval
from treasury.signing.evidence import TrustedKey, check_evidence
from treasury.signing.rules import OrderFacts, Refused

pytestmark = [pytest.mark.browser]


def test_support_approves_with_a_passkey_and_the_signer_can_check_it(product: Product, browser: Browser) -> None:
    row = in_review(a_customer(micro=100 * USDT), 40 * USDT)
    site = product.web()
    desk = Desk(browser, site, staff("support"))
    page, person = desk.page, desk.person
    give_authenticator(page)
    page.goto(f"{site}/account/2fa/webauthn/add/")
    page.fill("input[name=code]", code_of(person))
    page.get_by_role("button", name="Go on").click()
    page.fill("input[name=name]", "Desk key")
    page.get_by_test_id("use-passkey").click()
    page.wait_for_url(lambda url: "/add/" not in url)
    passkey = Authenticator.objects.get(user=person, type="webauthn")
    page.goto(f"{site}/account/2fa/webauthn/")
    expect(page.get_by_test_id("passkeys")).to_contain_text(fingerprint(public_key_of(passkey)))
    write_key(person.pk, person.email, "webauthn", evidence_key(passkey), public_key_of(passkey))

    desk.open(QUEUE)
    press(page, "j")
    press(page, "a")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(row.address)
    dialog.get_by_role("button", name="Confirm with a passkey").click()
    expect(page.get_by_text("is approved and will be sent")).to_be_visible()
    assert desk.complaints == []

    given = WithdrawalApproval.objects.get()
    assert given.evidence["kind"] == "webauthn"
    order = an_order(given)
    trusted = {person.pk: {evidence_key(passkey): trusted_key(passkey)}}
    check_evidence(order, trusted, site_url=site)
    other = dataclasses.replace(order, approvals=[dataclasses.replace(order.approvals[0], digest="0" * 64)])
    with pytest.raises(Refused):
        check_evidence(other, trusted, site_url=site)
    with pytest.raises(Refused):
        check_evidence(order, trusted, site_url="https://exchequer.example")


def an_order(given: WithdrawalApproval) -> OrderFacts:
    """What the engine would make of the approved request."""
    row = given.withdrawal
    return OrderFacts(
        order_id=1, reference=row.reference, network=row.network, address=row.address, amount_micro=row.amount_micro,
        revision=row.revision, approvals_required=1, state="open", wallet_id=None, nonce=None,
        approvals=[
            Approval(given.approver_id, "", given.approved_at, given.revision, given.digest, given.evidence),
        ],
    )  # fmt: skip


def trusted_key(passkey: Authenticator) -> TrustedKey:
    """As the signer reads it back from its table."""
    public_key: dict[int, object] = cbor.decode(public_key_of(passkey))  # type: ignore[assignment]  # what was encoded
    return TrustedKey("webauthn", public_key=CoseKey.parse(public_key))
