"""Proving who is at the keyboard."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts import second_factor
from accounts.models import ActivityLog
from accounts.second_factor import StepUp, StepUpFailed, StepUpThrottled, StepUpUnavailable, verify_step_up
from tests.payouts.people import PASSWORD, a_customer

pytestmark = pytest.mark.django_db
WRONG = StepUp("not it")


def test_the_password_is_the_proof() -> None:
    verify_step_up(user=a_customer(), credential=StepUp(PASSWORD))


@pytest.mark.parametrize("given", ["", "not it", PASSWORD + " ", PASSWORD.upper()])
def test_anything_else_is_not(given: str) -> None:
    with pytest.raises(StepUpFailed):
        verify_step_up(user=a_customer(), credential=StepUp(given))


def test_five_wrong_tries_close_the_door_for_the_right_one_too() -> None:
    user = a_customer()
    for _try in range(second_factor.TRIES_MAX):
        with pytest.raises(StepUpFailed) as caught:
            verify_step_up(user=user, credential=WRONG)
        assert type(caught.value) is StepUpFailed
    for _try in range(2):
        with pytest.raises(StepUpThrottled):
            verify_step_up(user=user, credential=StepUp(PASSWORD))
    assert ActivityLog.objects.filter(action="step_up.failed").count() == 5
    assert ActivityLog.objects.filter(action="step_up.throttled").count() == 1


def test_one_persons_tries_are_not_anothers() -> None:
    guessed, other = a_customer(), a_customer()
    for _try in range(6):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=guessed, credential=WRONG)
    verify_step_up(user=other, credential=StepUp(PASSWORD))


def test_a_right_password_forgives_the_tries_before() -> None:
    user = a_customer()
    for _round in range(3):
        for _try in range(4):
            with pytest.raises(StepUpFailed):
                verify_step_up(user=user, credential=WRONG)
        verify_step_up(user=user, credential=StepUp(PASSWORD))


def test_the_door_opens_again_when_the_window_is_over() -> None:
    user = a_customer()
    for _try in range(6):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=user, credential=WRONG)
    cache.delete(f"step-up:{user.pk}")  # what Valkey does by itself after fifteen minutes
    verify_step_up(user=user, credential=StepUp(PASSWORD))


def test_without_the_cache_nobody_gets_in(settings: Settings) -> None:
    user = a_customer()
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere?db=0"}
    }
    with pytest.raises(StepUpUnavailable):
        verify_step_up(user=user, credential=StepUp(PASSWORD))


def test_a_closed_account_proves_nothing() -> None:
    with pytest.raises(StepUpFailed):
        verify_step_up(user=a_customer(is_active=False), credential=StepUp(PASSWORD))


def test_the_password_shows_in_no_message() -> None:
    assert PASSWORD not in repr(StepUp(PASSWORD))
