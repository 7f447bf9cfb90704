"""The security centre: how somebody signs in, from where they are signed in, and the brake for when it was not them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import devices, sessions
from accounts.activity import origin_of
from accounts.freezes import freeze_account, freeze_by_link
from accounts.links import read_not_me
from accounts.models import TrustedDevice, User, UserProfile
from accounts.profiles import ensure_profile
from accounts.user_agents import browser_name
from portal.people import customer_of

LOW_RECOVERY_CODES = 3


@dataclass(frozen=True)
class Check:
    """A line of the checklist: done, or worth doing."""

    done: bool
    text: str | Promise
    advice: str | Promise = ""
    url: str = ""


@login_required
@never_cache
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Everything at a glance, in a fixed number of queries: factors, devices, sessions, and the profile."""
    user = customer_of(request)
    factors = list(Authenticator.objects.filter(user=user.pk).order_by("pk"))
    app = next((each for each in factors if each.type == Authenticator.Type.TOTP), None)
    codes = next((each for each in factors if each.type == Authenticator.Type.RECOVERY_CODES), None)
    passkeys = [each for each in factors if each.type == Authenticator.Type.WEBAUTHN]
    left = _codes_left(codes)
    known = devices.devices_of(user.pk)
    profile = ensure_profile(user)
    return render(
        request,
        "portal/security.html",
        {
            "app": app,
            "passkeys": passkeys,
            "codes_left": left,
            "has_factor": bool(app or passkeys),
            "checks": _checks(app, passkeys, left),
            "devices": known,
            "this_device": _this_device(request, known),
            "sessions": [
                {"live": each, "browser": browser_name(each.session.user_agent)}
                for each in sessions.live_sessions(user_id=user.pk, current_key=request.session.session_key)
            ],
            "profile": profile,
            "frozen": profile.withdrawals_frozen_at is not None,
            "staff_waits": user.is_staff and not user.is_verified(),
        },
    )


def _codes_left(codes: Authenticator | None) -> int:
    """Unused recovery codes, without deciphering any."""
    if codes is None:
        return 0
    return int(mfa_settings.RECOVERY_CODE_COUNT) - int(codes.data.get("used_mask", 0)).bit_count()


def _checks(app: Authenticator | None, passkeys: list[Authenticator], left: int) -> list[Check]:
    return [
        Check(True, _("The password is at least 10 characters long and was checked against common ones.")),
        Check(
            bool(app or passkeys),
            _("Two-step sign-in") if app or passkeys else _("Two-step sign-in is off"),
            _("Without it nothing can be withdrawn."),
        ),
        Check(
            left >= LOW_RECOVERY_CODES,
            ngettext("%(left)s recovery code is left", "%(left)s recovery codes are left", left) % {"left": left}
            if left
            else _("No recovery codes"),
            _("They let you in when the phone is lost. Keep them on paper."),
        ),
        Check(
            bool(passkeys),
            _("A passkey, which no false site can ask for") if passkeys else _("No passkey yet"),
            _("The strongest way to sign in: a fingerprint or a key, and nothing to type."),
        ),
    ]


def _this_device(request: HttpRequest, known: list[TrustedDevice]) -> int | None:
    """Which of the listed devices this browser is."""
    found = devices.which(request, known)
    return found.pk if found else None


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one; somebody else's is not found."""
    if not sessions.end_session(user_id=customer_of(request).pk, session_id=session_id, origin=origin_of(request)):
        raise Http404
    messages.success(request, _("The session is ended."))
    return redirect("security")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    ended = sessions.end_other_sessions(
        user_id=customer_of(request).pk, current_key=request.session.session_key, origin=origin_of(request)
    )
    messages.success(
        request,
        ngettext("%(count)s session is ended.", "%(count)s sessions are ended.", ended) % {"count": ended},
    )
    return redirect("security")


@login_required
@require_POST
def revoke_device(request: HttpRequest, device_id: int) -> HttpResponse:
    """Forget a browser and end its sessions; somebody else's is not found."""
    if not devices.revoke_device(user_id=customer_of(request).pk, device_id=device_id, origin=origin_of(request)):
        raise Http404
    messages.success(request, _("The device is forgotten and signed out."))
    return redirect("security")


@login_required
@require_POST
def rename_device(request: HttpRequest, device_id: int) -> HttpResponse:
    name = request.POST.get("name", "")
    if not devices.rename_device(user_id=customer_of(request).pk, device_id=device_id, name=name):
        raise Http404
    messages.success(request, _("The name is saved."))
    return redirect("security")


@login_required
@never_cache
def freeze(request: HttpRequest) -> HttpResponse:
    """GET asks, POST freezes: no step-up, because the person may be in a hurry, and it only ever makes things safer."""
    user = customer_of(request)
    if request.method == "POST":
        freeze_account(user_id=user.pk, origin=origin_of(request))
        logout(request)
        return render(request, "portal/frozen.html")
    return render(request, "portal/freeze.html", _frozen(ensure_profile(user).withdrawals_frozen_at is not None))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a mail: "this wasn't me". Opening it changes nothing (scanners open links); the button freezes.

    No sign-in: whoever took the account over may have changed the password.
    """
    said = read_not_me(token)
    if said is None or said.expired or not User.objects.filter(pk=said.user_id).exists():
        return render(request, "portal/not_me_link.html", status=410)
    if request.method == "POST":
        freeze_by_link(user_id=said.user_id, about=said.about, origin=origin_of(request))
        return render(request, "portal/frozen.html")
    profile = UserProfile.objects.filter(user=said.user_id).first()
    return render(request, "portal/not_me.html", _frozen(bool(profile and profile.withdrawals_frozen_at)))


def _frozen(frozen: bool) -> dict[str, Any]:
    return {"frozen": frozen, "support": settings.DEFAULT_FROM_EMAIL}
