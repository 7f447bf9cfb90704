"""Stopping a customer's withdrawals."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from accounts import mail
from accounts.freezes import (
    AnotherPersonNeeded,
    ThawRefused,
    ask_to_thaw,
    freeze_account,
    freeze_by_link,
    freeze_withdrawals,
)
from accounts.holds import held_until, lengthen_hold, running_hold
from accounts.links import not_me_url
from accounts.mail import moment
from accounts.models import ActivityLog, OutgoingMail, TrustedDevice, User, UserProfile, WithdrawalHold
from payouts import errors
from tests.accounts.mail_parts import html_of
from tests.payouts.people import USDT, a_customer, ask, saved, staff
from tests.support.factors import known_browser, sign_in

pytestmark = pytest.mark.django_db


def test_a_freeze_is_on_the_profile_and_in_the_audit() -> None:
    user, support = a_customer(), staff("support")
    assert freeze_withdrawals(user_id=user.pk, reason="asked by phone", actor=support)
    profile = UserProfile.objects.get(user=user)
    assert profile.withdrawals_frozen_at is not None
    assert profile.withdrawals_frozen_reason == "asked by phone"
    line = ActivityLog.objects.get(action="withdrawals.frozen")
    assert (line.actor, line.target_type, line.target_id) == (support, "accounts.user", str(user.pk))


def test_the_first_reason_stays() -> None:
    user = a_customer()
    freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert not freeze_withdrawals(user_id=user.pk, reason="second", process="watcher")
    assert UserProfile.objects.get(user=user).withdrawals_frozen_reason == "first"


def test_two_people_end_it() -> None:
    user, first, second = a_customer(), staff("support"), staff("support")
    freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert not ask_to_thaw(user_id=user.pk, reason="called us", actor=first)
    with pytest.raises(AnotherPersonNeeded):
        ask_to_thaw(user_id=user.pk, reason="called us again", actor=first)
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
    assert ask_to_thaw(user_id=user.pk, reason="knows them", actor=second)
    profile = UserProfile.objects.get(user=user)
    assert (profile.withdrawals_frozen_at, profile.thaw_asked_by, profile.thaw_reason) == (None, None, "")
    with pytest.raises(ThawRefused):
        ask_to_thaw(user_id=user.pk, reason="again", actor=second)


def test_a_new_freeze_voids_what_one_person_has_asked() -> None:
    user, first, second = a_customer(), staff("support"), staff("support")
    freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    ask_to_thaw(user_id=user.pk, reason="called us", actor=first)
    freeze_withdrawals(user_id=user.pk, reason="it was not them", process="watcher")
    assert not ask_to_thaw(user_id=user.pk, reason="knows them", actor=second)


def test_the_owner_stops_everything_at_once() -> None:
    user, browser = a_customer(), Client()
    browser.force_login(user)
    assert browser.get("/security/").status_code == 200
    assert freeze_account(user_id=user.pk)
    assert browser.get("/security/").status_code == 302, "signed out"
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
    assert not freeze_account(user_id=user.pk)


def test_the_link_of_a_mail_is_nobodys_deed_in_the_audit_and_the_owners_in_the_mail() -> None:
    """Whoever reads the mail can press it: the audit must not say that its owner was signed in."""
    user, browser = a_customer(), Client()
    browser.force_login(user)
    url = not_me_url(user_id=user.pk, about="new_device")
    assert Client().post(url.removeprefix(settings.SITE_URL)).status_code == 200
    assert browser.get("/security/").status_code == 302, "signed out"
    line = ActivityLog.objects.get(action="withdrawals.frozen")
    assert (line.actor, line.actor_label) == (None, "system:not-me-link")
    assert line.facts == {"reason": "frozen by the link in a mail", "already_frozen": False, "about": "new_device"}
    assert line.ip_address == "127.0.0.1"
    assert "You froze your account, or somebody with a link from your mailbox did." in freeze_mail()


def remembered_device(user: User) -> TrustedDevice:
    known_browser(user)
    return TrustedDevice.objects.get(user=user)


def freeze_mail() -> str:
    row = OutgoingMail.objects.get(template="account_frozen")
    row.language = "en"
    message = mail.render(row)
    assert ("no device is remembered" in str(message.body)) == ("no device is remembered" in html_of(message))
    return str(message.body)


def test_support_that_freezes_shuts_out_whoever_is_in_there_and_the_mail_says_so() -> None:
    user, browser = a_customer(), Client()
    browser.force_login(user)
    device = remembered_device(user)
    assert freeze_withdrawals(user_id=user.pk, reason="asked by phone", actor=staff("support"))
    assert browser.get("/security/").status_code == 302, "signed out"
    device.refresh_from_db()
    assert device.revoked_at is not None
    assert "All sessions were ended, and no device is remembered any more." in freeze_mail()


def test_a_freeze_because_of_the_chain_signs_nobody_out_and_does_not_say_so() -> None:
    user, browser = a_customer(), Client()
    browser.force_login(user)
    device = remembered_device(user)
    assert freeze_withdrawals(user_id=user.pk, reason="a deposit was taken back", process="watcher")
    assert browser.get("/security/").status_code == 200
    device.refresh_from_db()
    assert device.revoked_at is None
    said = freeze_mail()
    assert "Our system has frozen your account" in said
    assert "sessions" not in said


def test_somebody_without_a_profile_can_be_frozen() -> None:
    user = User(email="no-profile@example.com")
    user.save()
    assert freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None


def test_the_page_of_the_brake_says_that_it_was_pulled_already(client: Client) -> None:
    user = a_customer()
    sign_in(client, user)
    asked = client.get("/security/freeze/").content.decode()
    assert 'data-testid="freeze-form"' in asked
    assert 'data-testid="frozen"' not in asked
    freeze_withdrawals(user_id=user.pk, reason="test", process="test")
    assert 'data-testid="frozen"' in client.get("/security/freeze/").content.decode()


def thawed(user: User) -> None:
    for _person in range(2):
        ask_to_thaw(user_id=user.pk, reason="knows them", actor=staff("support"))


def unfrozen_mail() -> str:
    row = OutgoingMail.objects.filter(template="account_unfrozen").latest("pk")
    row.language = "en"
    message = mail.render(row)
    assert ("Withdrawals work again from" in str(message.body)) == ("Withdrawals work again from" in html_of(message))
    return " ".join(str(message.body).split())


@pytest.mark.parametrize("by", ["owner", "link", "support", "owner after a process"])
def test_after_a_freeze_by_a_person_withdrawals_wait_a_day_more(by: str) -> None:
    """What a thief began before the freeze has become usable during it: the owner gets a day to look."""
    user = a_customer()
    if by == "owner after a process":
        freeze_withdrawals(user_id=user.pk, reason="a deposit was taken back", process="watcher")
    if by == "link":
        freeze_by_link(user_id=user.pk, about="new_device")
    elif by == "support":
        freeze_withdrawals(user_id=user.pk, reason="asked by phone", actor=staff("support"))
    else:
        freeze_account(user_id=user.pk)
    assert held_until(user.pk) is None
    thawed(user)
    hold = running_hold(user.pk)
    assert hold is not None
    assert hold.kind == "unfrozen"
    wanted = timedelta(seconds=settings.WITHDRAWAL_HOLD_SECONDS)
    assert wanted - timedelta(seconds=1) < hold.held_until - hold.held_from <= wanted
    with translation.override("en"):
        assert f"from {moment(hold.held_until)} on" in unfrozen_mail()
    assert not UserProfile.objects.get(user=user).frozen_by_person


def test_after_a_freeze_because_of_the_chain_withdrawals_go_on_at_once() -> None:
    user = a_customer()
    freeze_account(user_id=user.pk)
    thawed(user)  # which says nothing about the next freeze
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        freeze_withdrawals(user_id=user.pk, reason="a deposit was taken back", process="watcher")
        before = WithdrawalHold.objects.count()
        thawed(user)
        assert WithdrawalHold.objects.count() == before
        assert "Withdrawals work again. Two people" in unfrozen_mail()


def test_an_address_that_became_usable_during_the_freeze_is_paid_to_a_day_after_it() -> None:
    user = a_customer(micro=100 * USDT)
    entry = saved(user)
    UserProfile.objects.filter(user=user).update(any_address_from=None)
    freeze_account(user_id=user.pk)
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        thawed(user)
        assert entry.active_from < timezone.now()
        with pytest.raises(errors.WithdrawalsHeld):
            ask(user)
    with time_machine.travel(timezone.now() + timedelta(days=4, minutes=1), tick=False):
        assert ask(user).state == "requested"


def test_the_mail_names_the_hold_that_ends_last() -> None:
    user, support = a_customer(), staff("support")
    freeze_account(user_id=user.pk)
    until = timezone.now() + timedelta(days=30)
    lengthen_hold(user_id=user.pk, until=until, reason="a court asks", actor=support)
    thawed(user)
    with translation.override("en"):
        assert f"from {moment(until)} on" in unfrozen_mail()
