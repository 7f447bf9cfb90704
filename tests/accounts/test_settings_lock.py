"""The lock on the settings: what it stops, how it ends, and what nobody can do about it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import signing
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import settings_lock
from accounts.activity import Origin
from accounts.mail import NothingToTell, render
from accounts.models import ActivityLog, OutgoingMail, SettingsLock, User, WithdrawalHold
from accounts.second_factor import StepUp, StepUpFailed
from accounts.settings_lock import (
    SettingsLocked,
    confirm_unlock,
    current_lock,
    end_settings_locks,
    ends_at,
    is_locked,
    keep_locked,
    lock_settings,
    request_unlock,
    require_unlocked,
    unlock_token,
)
from tests.accounts.test_holds import NEW_PASSWORD, new_email_link, reset_link, signed_in
from tests.payouts.people import PASSWORD, a_customer
from tests.payouts.test_double_submit import at_once
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from tests.support.mail import MailCatcher

DATABASE = pytest.mark.django_db
DAY = timedelta(days=1)


def lock(user: User, days: int = 7, wait_days: int = 3) -> SettingsLock:
    return lock_settings(user_id=user.pk, days=days, wait_days=wait_days, step_up=proven(user))


def asked(user: User) -> str:
    """The token of the mail that a request to unlock sends."""
    request_unlock(user_id=user.pk)
    found = current_lock(user.pk)
    assert found is not None
    return unlock_token(found)


@DATABASE
def test_it_holds_for_the_days_chosen_and_ends_by_itself() -> None:
    user = a_customer()
    require_unlocked(user.pk)
    made = lock(user)
    assert timedelta(days=7) - timedelta(seconds=5) < made.locked_until - timezone.now() <= timedelta(days=7)
    with pytest.raises(SettingsLocked) as caught:
        require_unlocked(user.pk)
    assert caught.value.until == made.locked_until
    assert OutgoingMail.objects.get(template="settings_locked").facts["wait_days"] == 3
    assert ActivityLog.objects.get(action="settings.locked").actor == user
    with time_machine.travel(made.locked_until - timedelta(seconds=1), tick=False):
        assert is_locked(user.pk)
        assert end_settings_locks() == 0
    with time_machine.travel(made.locked_until, tick=False):
        require_unlocked(user.pk)
        assert end_settings_locks() == 1
        assert end_settings_locks() == 0
    assert OutgoingMail.objects.filter(template="settings_unlocked", user=user).count() == 1


@DATABASE
@pytest.mark.parametrize(
    ("days", "wait_days", "error"),
    [
        (0, 1, settings_lock.BadLockDays),
        (31, 1, settings_lock.BadLockDays),
        (-1, 1, settings_lock.BadLockDays),
        (7, 0, settings_lock.BadWaitDays),
        (7, 8, settings_lock.BadWaitDays),
        (30, 31, settings_lock.BadWaitDays),
    ],
)
def test_it_lasts_from_one_day_to_thirty(days: int, wait_days: int, error: type[Exception]) -> None:
    user = a_customer()
    with pytest.raises(error):
        lock(user, days, wait_days)
    assert not is_locked(user.pk)


@DATABASE
def test_locking_needs_a_step_up_as_a_thief_could_lock_the_owner_out() -> None:
    user = a_customer()
    with pytest.raises(StepUpFailed):
        lock_settings(user_id=user.pk, days=30, wait_days=30, step_up=StepUp(code="000000"))
    assert not is_locked(user.pk)


@DATABASE
def test_it_can_be_lengthened_and_not_shortened() -> None:
    user = a_customer()
    first = lock(user, 7, 3)
    with pytest.raises(settings_lock.LockNotStronger):
        lock(user, 6, 2)
    second = lock(user, 20, 2)
    assert second.pk == first.pk
    assert second.locked_until > first.locked_until
    assert second.wait_days == 3
    assert SettingsLock.objects.count() == 1


@DATABASE
def test_a_new_lock_after_the_old_one_is_a_lock_of_its_own() -> None:
    user = a_customer()
    first = lock(user, 1, 1)
    with time_machine.travel(first.locked_until + DAY, tick=True):
        second = lock(user, 1, 1)
        assert second.pk != first.pk
        assert is_locked(user.pk)
        assert end_settings_locks() == 0


# --- unlocking early ---


@DATABASE
def test_unlocking_early_takes_the_mail_and_then_the_waiting_time() -> None:
    user = a_customer()
    lock(user, 30, 3)
    token = asked(user)
    assert OutgoingMail.objects.filter(template="settings_unlock_confirm", user=user).count() == 1
    assert token not in str(OutgoingMail.objects.values_list("facts", flat=True))
    assert settings_lock.lock_of_link(token=token, user_id=user.pk).unlock_at is None
    done = confirm_unlock(token=token, user_id=user.pk)
    assert is_locked(user.pk)
    assert ends_at(done) - timezone.now() > 3 * DAY - timedelta(seconds=5)
    with time_machine.travel(timezone.now() + 3 * DAY - timedelta(seconds=5), tick=False):
        assert is_locked(user.pk)
    with time_machine.travel(timezone.now() + 3 * DAY + timedelta(seconds=1), tick=False):
        require_unlocked(user.pk)
        assert end_settings_locks() == 1


@DATABASE
def test_asking_alone_unlocks_nothing() -> None:
    user = a_customer()
    lock(user, 30, 1)
    asked(user)
    with time_machine.travel(timezone.now() + 29 * DAY, tick=False):
        assert is_locked(user.pk)


@DATABASE
def test_a_second_confirmation_does_not_begin_anew_or_shorten() -> None:
    user = a_customer()
    lock(user, 30, 3)
    token = asked(user)
    first = confirm_unlock(token=token, user_id=user.pk)
    again = confirm_unlock(token=token, user_id=user.pk)
    assert again.unlock_at == first.unlock_at
    assert request_unlock(user_id=user.pk).unlock_at == first.unlock_at


@DATABASE
def test_the_wish_can_be_taken_back_and_its_link_is_dead_then() -> None:
    user = a_customer()
    lock(user, 30, 1)
    token = asked(user)
    confirm_unlock(token=token, user_id=user.pk)
    assert keep_locked(user_id=user.pk).unlock_at is None
    with pytest.raises(settings_lock.UnlockLinkInvalid):
        confirm_unlock(token=token, user_id=user.pk)
    with time_machine.travel(timezone.now() + 2 * DAY, tick=False):
        assert is_locked(user.pk)


@DATABASE
def test_lengthening_voids_the_wish_to_unlock() -> None:
    user = a_customer()
    lock(user, 7, 1)
    token = asked(user)
    confirm_unlock(token=token, user_id=user.pk)
    assert lock(user, 8, 1).unlock_at is None
    with pytest.raises(settings_lock.UnlockLinkInvalid):
        confirm_unlock(token=token, user_id=user.pk)


@DATABASE
def test_links_of_others_old_ones_and_forged_ones_are_refused() -> None:
    user, other = a_customer(), a_customer()
    lock(user)
    lock(other)
    token = asked(user)
    made = current_lock(user.pk)
    assert made is not None
    wrong = [token[:-1], "", "x", signing.dumps([made.pk, user.pk, 1], salt=settings_lock.PURPOSE)]
    for each in wrong:
        with pytest.raises(settings_lock.UnlockLinkInvalid):
            confirm_unlock(token=each, user_id=user.pk)
    with pytest.raises(settings_lock.UnlockLinkInvalid):
        confirm_unlock(token=token, user_id=other.pk)
    with time_machine.travel(timezone.now() + settings_lock.AGAIN_AFTER, tick=False):
        asked(user)
    with pytest.raises(settings_lock.UnlockLinkInvalid):
        confirm_unlock(token=token, user_id=user.pk)  # a newer mail is on its way
    assert not SettingsLock.objects.exclude(unlock_at=None).exists()


@DATABASE
def test_a_link_is_good_for_a_day() -> None:
    user = a_customer()
    lock(user, 30, 1)
    token = asked(user)
    with time_machine.travel(timezone.now() + DAY + timedelta(seconds=1), tick=False):
        with pytest.raises(settings_lock.UnlockLinkExpired):
            confirm_unlock(token=token, user_id=user.pk)
        assert is_locked(user.pk)


@DATABASE
def test_who_is_not_locked_has_nothing_to_unlock() -> None:
    user = a_customer()
    for deed in (request_unlock, keep_locked):
        with pytest.raises(settings_lock.NotLocked):
            deed(user_id=user.pk)


@DATABASE
def test_only_the_newest_mail_has_a_link() -> None:
    user = a_customer()
    lock(user)
    asked(user)
    with time_machine.travel(timezone.now() + settings_lock.AGAIN_AFTER, tick=False):
        token = asked(user)
    old, new = OutgoingMail.objects.filter(template="settings_unlock_confirm").order_by("id")
    with pytest.raises(NothingToTell):
        render(old)
    assert token.split(":")[0] in str(render(new).body)


# --- what it stops in allauth's pages ---


def test_the_password_cannot_be_changed(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    browser = signed_in(user)
    lock(user)
    answer = browser.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert answer.status_code == 200
    assert "Your settings are locked until" in answer.content.decode()
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert not WithdrawalHold.objects.exists()


def test_the_password_cannot_be_reset_by_mail_either(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    browser, page = reset_link(user, mail_catcher)
    lock(user)
    answer = browser.post(page, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert "Your settings are locked until" in answer.content.decode()
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_asking_for_a_reset_looks_the_same_for_who_is_locked(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    lock(user)
    _browser, page = reset_link(user, mail_catcher)
    assert page


def test_the_address_cannot_be_changed(committed_db: CommittedDatabase) -> None:
    user = a_customer()
    browser = signed_in(user)
    lock(user)
    answer = browser.post(reverse("account_email"), {"email": "thief@example.com", "action_add": "1"})
    assert "Your settings are locked until" in answer.content.decode()
    assert not OutgoingMail.objects.filter(recipient="thief@example.com").exists()
    assert EmailAddress.objects.filter(user=user).count() == 1


def test_an_address_that_waits_for_its_confirmation_does_not_take_over(
    committed_db: CommittedDatabase, mail_catcher: MailCatcher
) -> None:
    user = a_customer()
    browser = signed_in(user)
    path = new_email_link(user, browser, mail_catcher)
    lock(user)
    answer = browser.post(path, follow=True)
    assert "Your settings are locked until" in answer.content.decode()
    assert User.objects.get(pk=user.pk).email == user.email
    assert not EmailAddress.objects.get(email="new@example.com").verified


@pytest.mark.parametrize(
    "name",
    [
        "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes",
        "mfa_remove_webauthn", "mfa_edit_webauthn",
    ],
)  # fmt: skip
def test_second_factors_cannot_be_changed(committed_db: CommittedDatabase, name: str) -> None:
    user = a_customer()
    browser = signed_in(user)
    path = reverse(name, args=[1] if "remove" in name or "edit" in name else [])
    lock(user)
    before = list(Authenticator.objects.values_list("pk", "data"))
    for method in (browser.get, browser.post):
        assert method(path)["Location"] == "/security/"
    assert list(Authenticator.objects.values_list("pk", "data")) == before
    assert "Your settings are locked until" in browser.get("/security/").content.decode()


@DATABASE
def test_its_mails_say_from_where_it_was_done() -> None:
    user, origin = a_customer(), Origin(ip_address="192.0.2.7", user_agent="Firefox")
    lock_settings(user_id=user.pk, days=7, wait_days=3, step_up=proven(user), origin=origin)
    request_unlock(user_id=user.pk, origin=origin)
    for template in ("settings_locked", "settings_unlock_confirm"):
        row = OutgoingMail.objects.get(template=template)
        body = str(render(row).body)
        assert "IP address: 192.0.2.7" in body
        assert "Browser: Firefox" in body
        assert "/security/not-me/" in body


@DATABASE
def test_asking_again_and_again_fills_no_mailbox() -> None:
    user = a_customer()
    lock(user)
    now = timezone.now()
    mails = OutgoingMail.objects.filter(template="settings_unlock_confirm")
    first = request_unlock(user_id=user.pk)
    assert request_unlock(user_id=user.pk).unlock_asked_at == first.unlock_asked_at
    assert mails.count() == 1
    for number in range(2, 6):
        with time_machine.travel(now + number * timedelta(minutes=6), tick=False):
            request_unlock(user_id=user.pk)
        assert mails.count() == number
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        keep_locked(user_id=user.pk)
        with pytest.raises(settings_lock.UnlockAskedTooOften):
            request_unlock(user_id=user.pk)
    with time_machine.travel(now + timedelta(days=1, hours=1), tick=False):
        request_unlock(user_id=user.pk)


# --- races and the database ---


def test_two_locks_at_once_are_one(committed_db: CommittedDatabase) -> None:
    user = a_customer()

    def strengthen() -> object:
        try:
            return lock(user)
        except settings_lock.LockNotStronger as error:
            return error

    at_once(*[strengthen] * 3)
    assert SettingsLock.objects.count() == 1


@DATABASE
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"locked_until": timedelta(days=1)}, "never becomes weaker"),
        ({"wait_days": 1}, "never becomes weaker"),
        ({"unlock_at": timedelta(hours=1), "unlock_asked_at": timedelta()}, "takes its waiting time"),
        ({"unlock_at": timedelta(days=9)}, "takes its waiting time"),
        ({"ended_at": timedelta()}, "does not end early"),
        ({"user_id": 1}, "whose lock it is"),
    ],
)
def test_the_application_cannot_weaken_a_lock(changes: dict[str, object], said: str) -> None:
    made, now = lock(a_customer()), timezone.now()
    moved = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    with pytest.raises(DatabaseError, match=said), transaction.atomic():
        SettingsLock.objects.filter(pk=made.pk).update(**moved)


@DATABASE
def test_there_is_one_lock_of_a_person_at_a_time() -> None:
    user, now = a_customer(), timezone.now()
    lock(user)
    with pytest.raises(IntegrityError), transaction.atomic():
        SettingsLock.objects.create(user=user, locked_at=now, locked_until=now + DAY, wait_days=1)


def test_not_even_the_owner_of_the_database_deletes_a_lock(committed_db: CommittedDatabase) -> None:
    lock(a_customer())
    for statement in ("DELETE FROM accounts_settingslock", "TRUNCATE accounts_settingslock"):
        with psycopg.connect(committed_db.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(statement)
