"""The lock on a person's settings: while it holds nobody changes them, whoever has the password and the mailbox.

What a thief would change first stays as it is: password, e-mail, second factors, anti-phishing phrase, new addresses,
the choice of saved addresses only, which devices are remembered. What protects stays possible: withdrawals to active
saved addresses, freezing, removing an address, forgetting a device, ending sessions. A lock ends by itself; before
that it takes a request confirmed by mail, and then the waiting time that was chosen when locking. It can be lengthened
at any time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core import signing
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import activity
from .models import OutgoingMail, SettingsLock, User, UserProfile
from .outbox import queue_mail
from .profiles import ensure_profile
from .second_factor import StepUp, verify_step_up
from .security_emails import where

DAYS_MIN, DAYS_MAX = 1, 30
LINK_SECONDS = 24 * 3600
AGAIN_AFTER = timedelta(minutes=5)
ASKED_PER_DAY_MAX = 5
PURPOSE = "accounts.settings.unlock:v1"
UNLOCK_MAIL = "settings_unlock_confirm"
BATCH = 500


class SettingsLockError(Exception):
    """Base of what can be wrong about locking and unlocking. `message` may be shown."""

    message: str | Promise = _("This is not possible.")
    field = ""

    def __str__(self) -> str:
        return str(self.message)


class SettingsLocked(SettingsLockError):
    """The settings are locked; `until` is when the lock ends."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
        self.message = _("Your settings are locked until %(until)s UTC. Nobody can change this before.") % {
            "until": date_format(until, "j E Y, H:i")
        }


class BadLockDays(SettingsLockError):
    message = _("Choose from 1 to 30 days.")
    field = "days"


class BadWaitDays(SettingsLockError):
    message = _("Choose from 1 to 30 days, and not more than the lock itself.")
    field = "wait_days"


class LockNotStronger(SettingsLockError):
    message = _("Your settings are locked for longer than that already. A lock can only be lengthened.")
    field = "days"


class NotLocked(SettingsLockError):
    message = _("Your settings are not locked.")


class UnlockAskedTooOften(SettingsLockError):
    message = _("We have sent you several mails about this today. Open the newest one, or ask again tomorrow.")


class UnlockLinkInvalid(SettingsLockError):
    message = _("This link is not valid. Please open it from the newest mail, signed in as the one who asked for it.")


class UnlockLinkExpired(SettingsLockError):
    message = _("This link has expired, and your settings stay locked. Ask again if you want to unlock them.")


# --- is it locked? --------------------------------------------------------------------------------------------------


def ends_at(lock: SettingsLock) -> datetime:
    """When the lock ends, as things are."""
    return min(lock.locked_until, lock.unlock_at) if lock.unlock_at else lock.locked_until


def current_lock(user_id: int) -> SettingsLock | None:
    """The lock that holds now."""
    rows = SettingsLock.objects.filter(user_id=user_id, locked_until__gt=timezone.now()).order_by("-id")
    return next((lock for lock in rows if ends_at(lock) > timezone.now()), None)


def is_locked(user_id: int) -> bool:
    return current_lock(user_id) is not None


def require_unlocked(user_id: int) -> None:
    """Return if this person's settings may be changed. Raises SettingsLocked.

    Within a transaction it keeps anybody from locking them until the change is committed; call it first there.
    """
    if connection.in_atomic_block:
        UserProfile.objects.select_for_update(of=("self",)).filter(user_id=user_id).first()
    lock = current_lock(user_id)
    if lock is not None:
        raise SettingsLocked(ends_at(lock))


# --- locking --------------------------------------------------------------------------------------------------------


def lock_settings(
    *, user_id: int, days: int, wait_days: int, step_up: StepUp, origin: activity.Origin | None = None
) -> SettingsLock:
    """Lock the settings for `days` from now; unlocking them earlier takes `wait_days`.

    A lock that runs is lengthened, and a request to unlock it early is void. Raises StepUpFailed, BadLockDays,
    BadWaitDays, LockNotStronger.
    """
    if not DAYS_MIN <= days <= DAYS_MAX:
        raise BadLockDays
    if not DAYS_MIN <= wait_days <= min(days, DAYS_MAX):
        raise BadWaitDays
    user = User.objects.get(pk=user_id)
    verify_step_up(user=user, credential=step_up, origin=origin, factor_needed=False)
    ensure_profile(user)
    with transaction.atomic(durable=True):
        UserProfile.objects.select_for_update(of=("self",)).get(user_id=user_id)
        now = timezone.now()
        until, running = now + timedelta(days=days), current_lock(user_id)
        if running is None:
            _end(user_id, now)
            lock = SettingsLock.objects.create(user=user, locked_at=now, locked_until=until, wait_days=wait_days)
        else:
            lock = _strengthened(running, until, wait_days)
        activity.record(
            actor=user,
            action="settings.locked",
            target=user,
            facts={"until": lock.locked_until.isoformat(), "wait_days": lock.wait_days, "lengthened": bool(running)},
            origin=origin,
        )
        queue_mail(
            key=f"settings-lock:{lock.pk}:locked:{int(now.timestamp() * 1000)}",
            template="settings_locked",
            user=user,
            facts={
                "until": lock.locked_until.isoformat(),
                "days": days,
                "wait_days": lock.wait_days,
                **where(origin),
            },
        )
    return lock


def _strengthened(lock: SettingsLock, until: datetime, wait_days: int) -> SettingsLock:
    if until <= lock.locked_until and wait_days <= lock.wait_days and lock.unlock_asked_at is None:
        raise LockNotStronger
    lock.locked_until = max(until, lock.locked_until)
    lock.wait_days = max(wait_days, lock.wait_days)
    lock.unlock_asked_at, lock.unlock_at = None, None
    lock.save(update_fields=["locked_until", "wait_days", "unlock_asked_at", "unlock_at"])
    return lock


def _end(user_id: int, now: datetime) -> None:
    """Close locks whose time is over and that the clock's job has not come to yet. Nobody needs a mail of it now."""
    SettingsLock.objects.filter(user_id=user_id, ended_at=None).update(ended_at=now)


# --- unlocking early ------------------------------------------------------------------------------------------------


def request_unlock(*, user_id: int, origin: activity.Origin | None = None) -> SettingsLock:
    """Send the mail whose link asks for unlocking. Nothing is unlocked by it.

    Who asks again within minutes is meant by the mail that is under way. Raises NotLocked, UnlockAskedTooOften.
    """
    with transaction.atomic(durable=True):
        lock, user = _locked(user_id)
        if lock.unlock_at is not None:
            return lock  # it runs already
        now = timezone.now()
        if lock.unlock_asked_at is not None and lock.unlock_asked_at > now - AGAIN_AFTER:
            return lock
        mails = OutgoingMail.objects.filter(template=UNLOCK_MAIL, user=user, queued_at__gt=now - timedelta(days=1))
        if mails.count() >= ASKED_PER_DAY_MAX:
            raise UnlockAskedTooOften
        lock.unlock_asked_at = now
        lock.save(update_fields=["unlock_asked_at"])
        activity.record(actor=user, action="settings.unlock_asked", target=user, origin=origin)
        queue_mail(
            key=f"settings-lock:{lock.pk}:unlock:{_stamp(lock)}",
            template=UNLOCK_MAIL,
            user=user,
            facts={"lock_id": lock.pk, "asked": _stamp(lock), "wait_days": lock.wait_days, **where(origin)},
        )
    return lock


def lock_of_link(*, token: str, user_id: int) -> SettingsLock:
    """The lock that the link would unlock, for the page with the button. Changes nothing.

    Raises UnlockLinkInvalid, UnlockLinkExpired.
    """
    lock = current_lock(user_id)
    if lock is None:
        raise UnlockLinkInvalid
    _require_link(token, user_id, lock)
    return lock


def confirm_unlock(*, token: str, user_id: int, origin: activity.Origin | None = None) -> SettingsLock:
    """The request from the mail, confirmed by the signed-in owner: the settings are unlocked after the waiting time.

    Raises UnlockLinkInvalid, UnlockLinkExpired.
    """
    with transaction.atomic(durable=True):
        try:
            lock, user = _locked(user_id)
        except NotLocked as error:
            raise UnlockLinkInvalid from error
        _require_link(token, user_id, lock)
        if lock.unlock_at is None:
            lock.unlock_at = timezone.now() + timedelta(days=lock.wait_days)
            lock.save(update_fields=["unlock_at"])
            activity.record(
                actor=user,
                action="settings.unlock_confirmed",
                target=user,
                facts={"unlock_at": lock.unlock_at.isoformat()},
                origin=origin,
            )
    return lock


def keep_locked(*, user_id: int, origin: activity.Origin | None = None) -> SettingsLock:
    """Take back the request to unlock early; the lock goes on as it was. Raises NotLocked."""
    with transaction.atomic(durable=True):
        lock, user = _locked(user_id)
        if lock.unlock_asked_at is not None or lock.unlock_at is not None:
            lock.unlock_asked_at, lock.unlock_at = None, None
            lock.save(update_fields=["unlock_asked_at", "unlock_at"])
            activity.record(actor=user, action="settings.unlock_taken_back", target=user, origin=origin)
    return lock


def end_settings_locks(*, limit: int = BATCH) -> int:
    """Note the end of locks whose time is over and tell their owners; returns how many."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        rows = list(
            SettingsLock.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .filter(Q(locked_until__lte=now) | Q(unlock_at__lte=now), ended_at=None)
            .order_by("id")[:limit]
        )
        for lock in rows:
            lock.ended_at = now
            lock.save(update_fields=["ended_at"])
            activity.record(actor=None, action="settings.unlocked", target=lock.user, process="settings-lock")
            queue_mail(key=f"settings-lock:{lock.pk}:unlocked", template="settings_unlocked", user=lock.user)
    return len(rows)


def unlock_token(lock: SettingsLock) -> str:
    """The secret of the mailed link: bound to this lock, its owner and this request. Made when the mail is rendered."""
    return signing.dumps([lock.pk, lock.user_id, _stamp(lock)], salt=PURPOSE)


def link_is_open(lock: SettingsLock, *, asked: int) -> bool:
    """Whether the request `asked` for is the newest, and still waits for its confirmation."""
    return lock.unlock_at is None and ends_at(lock) > timezone.now() and asked == _stamp(lock)


def _require_link(token: str, user_id: int, lock: SettingsLock) -> None:
    try:
        said = signing.loads(token, salt=PURPOSE)
    except signing.BadSignature as error:
        raise UnlockLinkInvalid from error
    if lock.unlock_asked_at is None or said != [lock.pk, user_id, _stamp(lock)]:
        raise UnlockLinkInvalid
    try:
        signing.loads(token, salt=PURPOSE, max_age=LINK_SECONDS)
    except signing.SignatureExpired as error:
        raise UnlockLinkExpired from error


def _locked(user_id: int) -> tuple[SettingsLock, User]:
    """The lock that holds, and whose it is, locked for a change. Raises NotLocked."""
    profile = UserProfile.objects.select_for_update(of=("self",)).select_related("user").filter(user_id=user_id).first()
    lock = current_lock(user_id)
    if profile is None or lock is None:
        raise NotLocked
    return lock, profile.user


def _stamp(lock: SettingsLock) -> int:
    """The request to unlock as a number: its time, in microseconds."""
    return round(lock.unlock_asked_at.timestamp() * 1_000_000) if lock.unlock_asked_at else 0
