"""Hears of every try to sign in, and has it written into the login history. Django and allauth tell by signals.

Beside `sign_in_audit.py`, which hears of the same and of much else for the audit. Of somebody who is signed in already
and proves themselves once more only what was wrong is written: it may be another at their keyboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allauth.account import signals
from allauth.account.internal.flows.login import get_authentication_records
from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from . import activity, login_history
from .activity import origin_of
from .guesses import CannotCount, Guess, Locked
from .login_history import Method, Result
from .models import LoginHistory, User

THROTTLED_TOLD_ONCE_SECONDS: Final = 300
THIS_SIGN_IN: Final = "login_history_id"
"""In the session: the line of the sign-in that began it."""
DEVICE_ID: Final = "signed_in_device_id"
"""An attribute of the request: the remembered device that it came from, for whoever knows devices to set."""
NOT_LOOKED_AT: Final = "guess_not_looked_at"
"""Likewise: the guess came too often, so whether it was right nobody knows."""
FACTORS: Final = {"totp": Method.TOTP, "webauthn": Method.PASSKEY, "recovery_codes": Method.RECOVERY_CODE}
STEPS: Final = {"password": Method.PASSWORD, "code": Method.MAILED_CODE, "password_reset": Method.PASSWORD}


def connect() -> None:
    """Called once, by AppConfig.ready, after whoever sets `DEVICE_ID`."""
    user_logged_in.connect(_signed_in, dispatch_uid="history:signed_in")
    user_login_failed.connect(_password_refused, dispatch_uid="history:sign_in_failed")
    signals.login_code_rejected.connect(_mailed_code_refused, dispatch_uid="history:login_code_rejected")
    if apps.is_installed("allauth.mfa"):
        from allauth.mfa.signals import authentication_failed

        authentication_failed.connect(_second_factor_refused, dispatch_uid="history:second_factor_failed")


def code_was_asked(request: HttpRequest, user: User) -> None:
    """An unknown device was asked for the code that is on its way by mail."""
    _refuse(request, user, Result.CODE_ASKED, way_in(request, user))


def was_throttled(request: HttpRequest, credentials: Mapping[str, Any]) -> None:
    """Too many wrong tries: not even the right password is looked at. Noted once in a while, not each time."""
    user = None if _is_signed_in(request) else _named(credentials)
    if user is not None and _is_first(f"sign-in-throttled:{user.pk}"):
        _was_locked(request, user, "address")


def count(request: HttpRequest, guess: Guess, who: User | Mapping[str, Any]) -> None:
    """Count a guess at the account of `who`, or of these credentials. Raises ValidationError, in the reader's words,
    for one that is not to be looked at."""
    try:
        guess.count()
    except CannotCount as away:
        raise ValidationError(_("We cannot check that it is you at the moment. Try again in a minute.")) from away
    except Locked as locked:
        setattr(request, NOT_LOOKED_AT, True)
        if locked.is_first:
            _was_locked(request, who if isinstance(who, User) else _named(who), locked.kind)
        raise ValidationError(locked.message, code="too_many_login_attempts") from locked


def _was_locked(request: HttpRequest, user: User | None, kind: str) -> None:
    """Once per lock. Names of nobody are in no line, but that somebody tried them is."""
    facts = {"locked": kind}
    if _is_signed_in(request):
        activity.record(actor=user, action="step_up.throttled", target=user, facts=facts, request=request)
        return
    action = "account.sign_in_locked"
    activity.record(actor=None, action=action, target=user, facts=facts, request=request, process="sign-in")
    if user is not None:
        _refuse(request, user, Result.THROTTLED, way_in(request, user))


def passkey_was_refused(request: HttpRequest, user: User) -> None:
    """Instead of a password somebody sent a passkey's answer that is not one of `user`'s. Who it was is not known."""
    activity.record(actor=None, action="account.sign_in_failed", target=user, request=request, process="sign-in")
    _refuse(request, user, Result.WRONG_PASSKEY, Method.PASSKEY)


def way_in(request: HttpRequest | None, user: User) -> str:
    """The steps that this session took so far, in their order: "password+totp"."""
    if request is None or not hasattr(request, "session"):
        return ""
    steps: list[str] = []
    for record in get_authentication_records(request, user):
        step = FACTORS.get(record.get("type", "")) if record.get("method") == "mfa" else STEPS.get(record["method"])
        if step and step not in steps:
            steps.append(step)
    return "+".join(steps)


def _signed_in(request: HttpRequest | None = None, user: User | None = None, **_other: Any) -> None:
    if user is None:
        return
    row = login_history.record_sign_in(
        user=user,
        origin=origin_of(request) if request else None,
        method=way_in(request, user),
        device_id=getattr(request, DEVICE_ID, None),
    )
    if request is not None and hasattr(request, "session"):
        request.session[THIS_SIGN_IN] = row.pk


def _password_refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_other: Any) -> None:
    if _is_signed_in(request):
        return
    user = _named(credentials)
    if user is None:
        _take_as_long(request)
        return
    # An account that is closed is not told apart from a wrong password by whoever tries; here it is.
    _refuse(request, user, Result.WRONG_PASSWORD if user.is_active else Result.CLOSED, Method.PASSWORD)


def _take_as_long(request: HttpRequest | None) -> None:
    """The name of nobody costs what a wrong password of somebody costs: the line here and the audit's. Else the time
    that the answer takes would tell who has an account. Nothing of it stays, and the name is in none of it."""
    nobody = User(pk=0)
    with transaction.atomic():
        activity.record(actor=None, action="account.sign_in_failed", target=nobody, request=request, process="sign-in")
        _refuse(request, nobody, Result.WRONG_PASSWORD, Method.PASSWORD)
        transaction.set_rollback(True)


def _mailed_code_refused(request: HttpRequest, user: User, **_other: Any) -> None:
    if getattr(request, NOT_LOOKED_AT, False):
        return
    _refuse(request, user, Result.WRONG_CODE, _with(way_in(request, user), Method.MAILED_CODE))


def _second_factor_refused(
    request: HttpRequest, user: User, authenticator: Any = None, reauthentication: bool = False, **_other: Any
) -> None:
    factor = FACTORS.get(str(getattr(authenticator, "type", "")), "")
    result = Result.WRONG_PASSKEY if factor == Method.PASSKEY else Result.WRONG_CODE
    _refuse(request, user, result, _with(Method.CONFIRMATION if reauthentication else way_in(request, user), factor))


def _refuse(request: HttpRequest | None, user: User, result: LoginHistory.Result, method: str) -> None:
    login_history.record_refusal(
        user=user,
        result=result,
        origin=origin_of(request) if request else None,
        method=method,
        device_id=getattr(request, DEVICE_ID, None),
    )


def _is_signed_in(request: HttpRequest | None) -> bool:
    return bool(getattr(getattr(request, "user", None), "is_authenticated", False))


def email_in(credentials: Mapping[str, Any]) -> str:
    """The name that was typed, as accounts have it."""
    return str(credentials.get("email") or credentials.get("username") or "").strip().lower()


def _named(credentials: Mapping[str, Any]) -> User | None:
    """Whose account was tried; None for one that does not exist: those names are not collected."""
    email = email_in(credentials)
    return User.objects.filter(email=email).first() if email else None


def _with(steps: str, step: str) -> str:
    return "+".join(part for part in (steps, step) if part)


def _is_first(key: str) -> bool:
    try:
        return bool(cache.add(key, 1, THROTTLED_TOLD_ONCE_SECONDS))
    except RedisError:
        return True
