"""Sign-ins and changes of a password or an address, into the audit. allauth tells of them by signals."""

from typing import Any

from allauth.account import signals
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from . import activity
from .holds import Kind, hold_withdrawals
from .models import User

AUDITED = {
    user_logged_in: "account.signed_in",
    user_logged_out: "account.signed_out",
    signals.password_changed: "account.password_changed",
    signals.password_set: "account.password_set",
    signals.password_reset: "account.password_reset",
    signals.email_changed: "account.email_changed",
}


def connect() -> None:
    """Called once, by AppConfig.ready."""
    for signal, action in AUDITED.items():
        signal.connect(_receiver(action), weak=False, dispatch_uid=f"audit:{action}")
    signals.email_changed.connect(_email_changed, dispatch_uid="hold:email_changed")
    signals.email_confirmed.connect(_email_confirmed, dispatch_uid="audit:email_confirmed")
    user_login_failed.connect(_sign_in_failed, dispatch_uid="audit:sign_in_failed")


def _receiver(action: str) -> Any:
    def receive(request: HttpRequest | None = None, user: User | None = None, **_other: Any) -> None:
        if user is not None:
            activity.record(actor=user, action=action, target=user, request=request)

    return receive


def _email_changed(
    user: User, request: HttpRequest | None = None, from_email_address: Any = None, **_other: Any
) -> None:
    """Withdrawals wait after a change. Confirming the first address is none; allauth signals it all the same."""
    if from_email_address is not None:
        origin = activity.origin_of(request) if request is not None else None
        hold_withdrawals(user_id=user.pk, kind=Kind.EMAIL, actor=user, origin=origin)


def _email_confirmed(request: HttpRequest, email_address: Any, **_other: Any) -> None:
    user = email_address.user
    activity.record(actor=user, action="account.email_confirmed", target=user, request=request)


def _sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_other: Any) -> None:
    """For an account that exists; names of others are not collected."""
    email = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=email).first() if email else None
    if user is not None:
        activity.record(actor=None, action="account.sign_in_failed", target=user, request=request, process="sign-in")
