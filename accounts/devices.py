"""Remembered devices: browsers that their owner let in by a code mailed to them.

The browser keeps a random token in a cookie, the database its SHA-256; each sign-in changes the token. A cookie that
another browser stole is worth a sign-in without the mailed code, until its owner signs in again or takes it back: the
password and the second factor are asked for all the same, and a step-up never looks at devices. Whichever of the two
comes second shows a token that was changed by the other: two have it, and the device is taken back.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from . import activity, sessions
from .models import TrustedDevice, User, UserSession
from .outbox import queue_mail
from .security_emails import where
from .settings_lock import is_locked
from .user_agents import browser_name

TOKEN_BYTES = 32
PREVIOUS_GOOD = timedelta(minutes=1)
"""For a tab that sent its request before the answer to another brought the new cookie. Later nobody has the old one."""
DEVICES_MAX = 50
"""More than that of one person: the longest unseen are taken back."""

NEW_TOKEN = "_new_device_token"  # noqa: S105  # an attribute, on the request, for the middleware that sets the cookie
KNOWN = "_known_devices"  # likewise: what was found out about its cookie


def is_known(request: HttpRequest, user: User) -> bool:
    """Whether the request comes from a device of `user`: its cookie is a live one of theirs."""
    return known_device(request, user.email) is not None


def known_device(request: HttpRequest, email: str) -> int | None:
    """The number of the device that the request comes from, if it is one of the account with this address.

    Asked once per request: the guess at the password asks first, then who wants to know whether to mail a code. A
    cookie that was changed a while ago is a copy: the device is taken back.
    """
    digest = _digest_in(request)
    if digest is None:
        return None
    known: dict[str, int | None] = request.__dict__.setdefault(KNOWN, {})
    if email not in known:
        known[email] = _of_token(request, digest, email)
    return known[email]


def _of_token(request: HttpRequest, digest: bytes, email: str) -> int | None:
    found = TrustedDevice.objects.select_related("user").filter(
        Q(token_hash=digest) | Q(previous_token_hash=digest),
        user__email=email,
        revoked_at=None,
        expires_at__gt=timezone.now(),
    )
    device = found.first()
    if device is None:
        return None
    if bytes(device.token_hash) == digest or device.last_seen_at > timezone.now() - PREVIOUS_GOOD:
        return device.pk
    with transaction.atomic():
        copied = TrustedDevice.objects.select_for_update().filter(pk=device.pk, revoked_at=None).first()
        if copied is not None:
            _take_back(copied, device.user, "device.copied", activity.origin_of(request), process="device-cookie")
    return None


def remember_device(request: HttpRequest, user: User, *, tell: bool = True) -> TrustedDevice | None:
    """Let this browser in from now on. Call it only where the mailbox was just proven.

    None while the settings are locked: nothing new is trusted then. `tell` False: the person was told by the very mail
    whose link they opened.
    """
    if is_locked(user.pk):
        return None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    origin = activity.origin_of(request)
    now = timezone.now()
    with transaction.atomic():
        device = TrustedDevice.objects.create(
            user_id=user.pk,
            token_hash=_digest(token),
            name=browser_name(origin.user_agent),
            ip_address=origin.ip_address,
            user_agent=origin.user_agent,
            expires_at=now + timedelta(seconds=settings.DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS),
        )
        _forget_the_longest_unseen(user)
        activity.record(
            actor=user, action="device.remembered", target=device, facts={"name": device.name}, origin=origin
        )
        if tell:
            _tell(user, "new_device", device, origin)
    setattr(request, NEW_TOKEN, token)
    return device


def arrived(request: HttpRequest, user: User) -> UserSession:
    """Write the sign-in down: the session's row, and the device that it came from if that is a known one of `user`.

    The device's token changes by this; the one before is good for a minute, for the tab that still sends it. One
    statement.
    """
    if request.session.session_key is None:
        request.session.save()
    key = str(request.session.session_key)
    token, origin, now = secrets.token_urlsafe(TOKEN_BYTES), activity.origin_of(request), timezone.now()
    values = {
        "old": _digest_in(request),
        "new": _digest(token),
        "now": now,
        "ip": origin.ip_address,
        "agent": origin.user_agent,
        "previous_good": now - PREVIOUS_GOOD,
        "until": now + timedelta(seconds=settings.DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS),
        "user": user.pk,
        "key": key,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVED, values)
        number, device_id = cursor.fetchone()
    if device_id is not None:
        setattr(request, NEW_TOKEN, token)
    else:
        is_known(request, user)  # with a passkey nobody has looked at the cookie yet
    return UserSession(pk=number, user_id=user.pk, session_key=key, device_id=device_id)


_ARRIVED = """
WITH device AS (
    UPDATE accounts_trusteddevice
       SET previous_token_hash = %(old)s, token_hash = %(new)s, last_seen_at = %(now)s, ip_address = %(ip)s::inet,
           expires_at = %(until)s
     WHERE (token_hash = %(old)s OR (previous_token_hash = %(old)s AND last_seen_at > %(previous_good)s))
       AND user_id = %(user)s
       AND revoked_at IS NULL AND expires_at > %(now)s
    RETURNING id)
INSERT INTO accounts_usersession (user_id, session_key, device_id, ip_address, user_agent, signed_in_at, ended_by)
VALUES (%(user)s, %(key)s, (SELECT id FROM device), %(ip)s::inet, %(agent)s, %(now)s, '')
RETURNING id, device_id
"""


def rename_device(*, user_id: int, device_id: int, name: str) -> bool:
    """Call the device `name` from now on. False for one that is not theirs, or is gone."""
    return bool(
        TrustedDevice.objects.filter(pk=device_id, user=user_id, revoked_at=None).update(
            name=" ".join(name.split())[:80] or "-"
        )
    )


def revoke_device(*, user_id: int, device_id: int, origin: activity.Origin | None = None) -> bool:
    """Take the device back and end its sessions. False for one that is not theirs, or is gone already."""
    with transaction.atomic():
        device = TrustedDevice.objects.select_for_update().filter(pk=device_id, user=user_id, revoked_at=None).first()
        if device is None:
            return False
        owner = User.objects.get(pk=user_id)
        _take_back(device, owner, "device.revoked", origin, actor=owner)
    return True


def _take_back(
    device: TrustedDevice,
    owner: User,
    action: str,
    origin: activity.Origin | None,
    *,
    actor: User | None = None,
    process: str = "",
) -> None:
    """Revoke the locked device and end its sessions, and tell its owner."""
    TrustedDevice.objects.filter(pk=device.pk).update(revoked_at=timezone.now())
    ended = sessions.end_sessions(user_id=owner.pk, device_id=device.pk, by="device_revoked")
    facts = {"name": device.name, "sessions_ended": ended}
    activity.record(actor=actor, action=action, target=device, facts=facts, origin=origin, process=process)
    _tell(owner, "device_revoked", device, origin)


def _tell(user: User, template: str, device: TrustedDevice, origin: activity.Origin | None) -> None:
    queue_mail(
        key=f"{template}:{device.pk}", template=template, user=user, facts={"device": device.name, **where(origin)}
    )


def revoke_all_devices(*, user_id: int) -> int:
    """Take every device back; whoever freezes an account or resets its password does so. Sessions are ended apart."""
    return TrustedDevice.objects.filter(user=user_id, revoked_at=None).update(revoked_at=timezone.now())


def devices_of(user_id: int) -> list[TrustedDevice]:
    """Live devices, the last seen first."""
    return list(
        TrustedDevice.objects.filter(user=user_id, revoked_at=None, expires_at__gt=timezone.now()).order_by(
            "-last_seen_at", "-id"
        )[:DEVICES_MAX]
    )


def set_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Hand a new token to the browser, if this request made one."""
    token = getattr(request, NEW_TOKEN, "")
    if token:
        response.set_cookie(
            settings.DEVICE_TOKEN_COOKIE_NAME,
            token,
            max_age=settings.DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS,
            path="/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _forget_the_longest_unseen(user: User) -> None:
    kept = TrustedDevice.objects.filter(user=user.pk, revoked_at=None).order_by("-last_seen_at", "-id")
    surplus = list(kept.values_list("pk", flat=True)[DEVICES_MAX : 2 * DEVICES_MAX])
    if surplus:
        TrustedDevice.objects.filter(pk__in=surplus).update(revoked_at=timezone.now())


def _digest_in(request: HttpRequest) -> bytes | None:
    token = request.COOKIES.get(settings.DEVICE_TOKEN_COOKIE_NAME, "")
    return _digest(token) if token else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def which(request: HttpRequest, known: list[TrustedDevice]) -> TrustedDevice | None:
    """Which of the devices at hand this browser is, without asking the database."""
    digest = _digest_in(request)
    return next(
        (
            each
            for each in known
            if digest is not None and digest in {bytes(each.token_hash), bytes(each.previous_token_hash or b"")}
        ),
        None,
    )
