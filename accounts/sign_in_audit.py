"""What follows a sign-in, a sign-out, and each change of what protects an account. allauth tells of them by signals."""

from typing import Any

from allauth.account import signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY

from . import activity, devices, sessions, sign_ins
from .holds import Kind, hold_withdrawals
from .models import SecondFactorDevice, User, UserSession
from .outbox import queue_mail
from .second_factor.codes import forget_factors
from .security_emails import where

AUDITED = {
    user_logged_in: "account.signed_in",
    user_logged_out: "account.signed_out",
    signals.password_changed: "account.password_changed",
    signals.password_set: "account.password_set",
    signals.password_reset: "account.password_reset",
    signals.email_changed: "account.email_changed",
}
LOW_RECOVERY_CODES = 3
REMEMBERS = "remembers_device"  # in the session of a sign-in under way: whose browser is to be remembered
SESSION_ID = "user_session"  # in the session: the number of its row


def connect() -> None:
    """Called once, by AppConfig.ready."""
    for signal, action in AUDITED.items():
        signal.connect(_receiver(action), weak=False, dispatch_uid=f"audit:{action}")
    mfa_signals.authentication_failed.connect(_factor_failed, dispatch_uid="audit:second_factor.failed")
    for signal in (mfa_signals.authenticator_removed, mfa_signals.authenticator_reset):
        signal.connect(_factors_changed, dispatch_uid="factors:changed")
    signals.email_changed.connect(_email_changed, dispatch_uid="hold:email_changed")
    signals.email_confirmed.connect(_email_confirmed, dispatch_uid="audit:email_confirmed")
    user_login_failed.connect(_sign_in_failed, dispatch_uid="audit:sign_in_failed")
    user_logged_in.connect(_signed_in, dispatch_uid="sessions:signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="sessions:signed_out")
    for signal in (signals.password_changed, signals.password_set):
        signal.connect(_password_changed, dispatch_uid="sessions:password_changed")
    signals.password_reset.connect(_password_reset, dispatch_uid="sessions:password_reset")
    mfa_signals.authenticator_used.connect(_factor_used, dispatch_uid="otp:used")
    mfa_signals.authenticator_added.connect(_factor_added, dispatch_uid="otp:added")


def _receiver(action: str) -> Any:
    def receive(request: HttpRequest | None = None, user: User | None = None, **_other: Any) -> None:
        if user is not None:
            activity.record(actor=user, action=action, target=user, request=request)

    return receive


def _factor_failed(request: HttpRequest, user: User, authenticator: Authenticator, **_other: Any) -> None:
    facts = {"kind": str(authenticator.type)}
    activity.record(actor=user, action="second_factor.failed", target=user, request=request, facts=facts)


def _factors_changed(user: User, **_other: Any) -> None:
    """What follows from it is in the change's own commit: see `factor_changes.py`."""
    forget_factors(user)


def _email_changed(
    user: User, request: HttpRequest | None = None, from_email_address: Any = None, **_other: Any
) -> None:
    """Withdrawals wait after a change. Confirming the first address is none; allauth signals it all the same."""
    if from_email_address is not None:
        origin = activity.origin_of(request) if request is not None else None
        hold_withdrawals(user_id=user.pk, kind=Kind.EMAIL, actor=user, origin=origin)


def _email_confirmed(request: HttpRequest, email_address: Any, **_other: Any) -> None:
    """The link out of the mailbox proves as much as a mailed code does: this browser is let in from now on."""
    user = email_address.user
    activity.record(actor=user, action="account.email_confirmed", target=user, request=request)
    if not devices.is_known(request, user):
        devices.remember_device(request, user, tell=False)


def _sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_other: Any) -> None:
    """For an account that exists; names of others are not collected."""
    email = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=email).first() if email else None
    if user is not None:
        activity.record(actor=None, action="account.sign_in_failed", target=user, request=request, process="sign-in")


def _signed_in(request: HttpRequest, user: User, **_other: Any) -> None:
    """The browser's place among the person's devices and sessions."""
    wants = request.session.pop(REMEMBERS, None) == user.pk
    row = devices.arrived(request, user)
    if wants and row.device_id is None:
        row.device = devices.remember_device(request, user)
        UserSession.objects.filter(pk=row.pk).update(device=row.device)
    request.session[SESSION_ID] = row.pk
    setattr(request, sign_ins.DEVICE_ID, row.device_id)  # for the login history, which hears of it next


def _signed_out(request: HttpRequest, user: User | None = None, **_other: Any) -> None:
    if user is not None and request.session.session_key:
        sessions.close(session_key=request.session.session_key, by="signed_out")


def _password_changed(request: HttpRequest, user: User, **_other: Any) -> None:
    """Every other session is over; this one goes on under a new key."""
    number = request.session.get(SESSION_ID)
    if number is not None:
        UserSession.objects.filter(pk=number, user=user.pk).update(session_key=request.session.session_key)
    sessions.end_sessions(user_id=user.pk, by="password_changed", except_key=request.session.session_key or "-")


def _password_reset(request: HttpRequest, user: User, **_other: Any) -> None:
    """Whoever had to reset it may have lost it: nobody else stays in, no other browser is known any more."""
    sessions.end_sessions(user_id=user.pk, by="password_reset")
    devices.revoke_all_devices(user_id=user.pk)
    devices.remember_device(request, user, tell=False)


def _factor_used(request: HttpRequest, user: User, authenticator: Authenticator, **_other: Any) -> None:
    """What django-otp calls verified: by an app's code or a passkey. A recovery code signs in, and no more."""
    _verify(request, authenticator)
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        authenticator.refresh_from_db(fields=["data"])  # another object of the same row has spent the code
        left = len(authenticator.wrap().get_unused_codes())
        queue_mail(
            key=f"recovery_code:{authenticator.pk}:{left}",
            template="recovery_codes_low" if left <= LOW_RECOVERY_CODES else "recovery_code_used",
            user=user,
            facts={"left": left, **where(activity.origin_of(request))},
        )


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_other: Any) -> None:
    """Setting one up has proven that it is at hand."""
    forget_factors(user)
    if request.user.is_authenticated and request.user.pk == user.pk:
        _verify(request, authenticator)


def _verify(request: HttpRequest, authenticator: Authenticator) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    device = SecondFactorDevice(pk=authenticator.pk, user_id=authenticator.user_id)
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id
