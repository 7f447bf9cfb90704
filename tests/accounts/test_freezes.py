"""Stopping a customer's withdrawals."""

from __future__ import annotations

import pytest

from accounts.freezes import freeze_withdrawals, unfreeze_withdrawals
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


def test_a_thaw_ends_it() -> None:
    user = a_customer()
    freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert unfreeze_withdrawals(user_id=user.pk, actor=staff("support"))
    assert not unfreeze_withdrawals(user_id=user.pk, actor=staff("support"))
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is None


def test_somebody_without_a_profile_can_be_frozen() -> None:
    user = User(email="no-profile@example.com")
    user.save()
    assert freeze_withdrawals(user_id=user.pk, reason="first", process="watcher")
    assert UserProfile.objects.get(user=user).withdrawals_frozen_at is not None
