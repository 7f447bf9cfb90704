"""Stopping a customer's withdrawals."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.freezes import AnotherPersonNeeded, ThawRefused, ask_to_thaw, freeze_account, freeze_withdrawals
from accounts.models import ActivityLog, User, UserProfile
from tests.payouts.people import a_customer, staff

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


def test_somebody_without_a_profile_can_be_frozen() -> None:
    user = User(email="no-profile@example.com")
    user.save()
    assert freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
