"""Proving who is at the keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.guesses import TRIES_MAX
from accounts.models import ActivityLog, SecondFactorDevice, User
from accounts.second_factor import (
    Proof,
    SecondFactorMissing,
    StepUp,
    StepUpFailed,
    StepUpMissing,
    StepUpThrottled,
    StepUpUnavailable,
    WrongCode,
    check_code,
    verify_step_up,
)
from accounts.second_factor.codes import current_step, matching_step, totp_code
from accounts.second_factor.secrets import SeedUnreadable, decrypt, encrypt
from tests.payouts.people import PASSWORD, a_customer, staff
from tests.support.factors import code_of, proven, seed_of

pytestmark = pytest.mark.django_db
WRONG = StepUp(code="000000")


def without_factor() -> User:
    return User.objects.create_user("new@example.com", PASSWORD)


def test_a_code_of_the_app_is_the_proof() -> None:
    user = a_customer()
    proof = verify_step_up(user=user, credential=StepUp(code=code_of(user)))
    assert (proof.user_id, proof.method) == (user.pk, "totp")


def test_the_code_may_be_typed_with_a_space() -> None:
    user = a_customer()
    code = code_of(user)
    verify_step_up(user=user, credential=StepUp(code=f"{code[:3]} {code[3:]}"))


@pytest.mark.parametrize("given", ["12345", "1234567", "abcdef", "٠١٢٣٤٥", "0x1234", "-12345", "1" * 100_000])
def test_anything_else_is_not(given: str) -> None:
    with pytest.raises(WrongCode):
        verify_step_up(user=a_customer(), credential=StepUp(code=given))


def test_no_code_is_good_twice_not_even_for_something_else() -> None:
    user = a_customer()
    code = code_of(user)
    verify_step_up(user=user, credential=StepUp(code=code))
    with pytest.raises(WrongCode):
        verify_step_up(user=user, credential=StepUp(code=code))
    cache.clear()  # what is spent is in the database
    assert check_code(user, code) is None


def test_two_people_may_have_the_same_code() -> None:
    one, other = a_customer(), a_customer()
    Authenticator.objects.filter(user=other).update(data=Authenticator.objects.get(user=one).data)
    code = code_of(one)
    assert check_code(one, code) is not None
    assert check_code(other, code) is not None


@pytest.mark.parametrize(("seconds", "good"), [(-31, True), (0, True), (31, True), (61, False), (3600, False)])
def test_a_code_is_good_for_half_a_minute_before_and_after(seconds: int, good: bool) -> None:
    user = a_customer()
    now = timezone.now().replace(second=15, microsecond=0)
    with time_machine.travel(now, tick=False):
        code = totp_code(seed_of(user), current_step())
    with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
        assert (check_code(user, code) is not None) is good


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, SHA-1, the last six digits."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for moment, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert totp_code(seed, moment // 30) == code
        assert matching_step(seed, code, now_step=moment // 30 + 1) == moment // 30


def test_the_password_is_no_proof_for_who_has_an_app() -> None:
    with pytest.raises(StepUpMissing):
        verify_step_up(user=a_customer(), credential=StepUp(password=PASSWORD))


def test_who_has_no_second_factor_is_told_to_set_one_up() -> None:
    with pytest.raises(SecondFactorMissing):
        verify_step_up(user=without_factor(), credential=StepUp(password=PASSWORD))


def test_where_that_is_enough_the_password_does_for_who_has_nothing_else() -> None:
    user = without_factor()
    assert verify_step_up(user=user, credential=StepUp(password=PASSWORD), factor_needed=False).method == "password"
    with pytest.raises(StepUpFailed):
        verify_step_up(user=user, credential=StepUp(password=PASSWORD + " "), factor_needed=False)


def test_a_recovery_code_opens_no_money_and_is_not_used_up_by_trying() -> None:
    user = a_customer()
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    with pytest.raises(WrongCode):
        verify_step_up(user=user, credential=StepUp(code=code))
    assert check_code(user, code) is not None


def test_a_recovery_code_signs_in_once() -> None:
    user = a_customer()
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    assert check_code(user, code) is not None
    assert check_code(user, code) is None


@pytest.mark.parametrize(("age_seconds", "good"), [(0, True), (299, True), (301, False), (-60, False)])
def test_a_proof_of_this_session_is_good_for_five_minutes(age_seconds: int, good: bool) -> None:
    user = a_customer()
    proof = Proof(user.pk, "totp", timezone.now() - timedelta(seconds=age_seconds))
    if good:
        assert verify_step_up(user=user, credential=StepUp(proven=proof)) == proof
    else:
        with pytest.raises(StepUpMissing):
            verify_step_up(user=user, credential=StepUp(proven=proof))


def test_nobody_elses_proof_is_taken_and_no_password_as_a_second_factor() -> None:
    user, other = a_customer(), a_customer()
    for proof in (Proof(other.pk, "totp", timezone.now()), Proof(user.pk, "password", timezone.now())):
        with pytest.raises(StepUpMissing):
            verify_step_up(user=user, credential=StepUp(proven=proof))


def test_five_wrong_tries_close_the_door_for_the_right_one_too() -> None:
    user = a_customer()
    for _try in range(TRIES_MAX):
        with pytest.raises(WrongCode):
            verify_step_up(user=user, credential=WRONG)
    for _try in range(2):
        with pytest.raises(StepUpThrottled):
            verify_step_up(user=user, credential=StepUp(code=code_of(user)))
    assert ActivityLog.objects.filter(action="step_up.failed").count() == 5
    assert ActivityLog.objects.filter(action="step_up.throttled").count() == 1


def test_of_a_hundred_guesses_five_are_looked_at() -> None:
    user = a_customer()
    for number in range(100):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=user, credential=StepUp(code=f"{number:06}"))
    assert ActivityLog.objects.filter(action="step_up.failed").count() == 5


def test_one_persons_tries_are_not_anothers() -> None:
    guessed, other = a_customer(), a_customer()
    for _try in range(6):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=guessed, credential=WRONG)
    verify_step_up(user=other, credential=StepUp(code=code_of(other)))


def test_a_right_code_forgives_the_tries_before() -> None:
    user = a_customer()
    for _round in range(2):
        for _try in range(4):
            with pytest.raises(StepUpFailed):
                verify_step_up(user=user, credential=WRONG)
        verify_step_up(user=user, credential=StepUp(code=code_of(user)))


def test_without_the_cache_nobody_gets_in(settings: Settings) -> None:
    user = a_customer()
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere?db=0"}
    }
    with pytest.raises(StepUpUnavailable):
        verify_step_up(user=user, credential=StepUp(code=code_of(user)))


def test_a_closed_account_proves_nothing() -> None:
    user = a_customer(is_active=False)
    for credential in (StepUp(code=code_of(user)), proven(user)):
        with pytest.raises(StepUpFailed):
            verify_step_up(user=user, credential=credential)


def test_nothing_that_was_given_shows_in_a_message() -> None:
    shown = repr(StepUp(password=PASSWORD, code="123456", assertion={"signature": "s3cret"}))
    assert PASSWORD not in shown
    assert "123456" not in shown
    assert "s3cret" not in shown


def test_a_seed_is_stored_encrypted_and_a_changed_one_is_noticed(settings: Settings) -> None:
    user = a_customer()
    stored = Authenticator.objects.get(user=user).data["secret"]
    assert seed_of(user) not in stored
    assert decrypt(stored) == seed_of(user)
    with pytest.raises(SeedUnreadable):
        decrypt(stored[:-3] + "AAA")
    old = settings.SECOND_FACTOR_KEYS
    settings.SECOND_FACTOR_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", *old]
    assert decrypt(stored) == seed_of(user), "keys are turned over without anybody's phone being asked"
    settings.SECOND_FACTOR_KEYS = settings.SECOND_FACTOR_KEYS[:1]
    with pytest.raises(SeedUnreadable):
        decrypt(stored)
    assert decrypt(encrypt("seed")) == "seed"


def test_django_otp_sees_the_same_factors_and_no_recovery_codes() -> None:
    user = a_customer()
    RecoveryCodes.activate(user)
    device = SecondFactorDevice.objects.get(user=user)
    assert device.name == "totp"
    code = code_of(user)
    assert device.verify_token(code)
    assert not device.verify_token(code)


def test_checking_a_code_costs_two_queries(django_assert_num_queries: object) -> None:
    user = a_customer()
    code = code_of(user)
    with django_assert_num_queries(2):  # type: ignore[operator]  # pytest-django's fixture
        check_code(user, code)


def test_a_spent_code_cannot_be_unspent_by_the_application() -> None:
    user = a_customer()
    check_code(user, code_of(user))
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('exchequer_app', 'accounts_spentcode', 'DELETE, UPDATE')")
        assert cursor.fetchone() == (False,)


def test_staff_keep_one_factor() -> None:
    from accounts.second_factor.adapter import SecondFactorAdapter

    adapter = SecondFactorAdapter()
    assert not adapter.can_delete_authenticator(Authenticator.objects.get(user=staff("support")))
    assert adapter.can_delete_authenticator(Authenticator.objects.get(user=a_customer()))
