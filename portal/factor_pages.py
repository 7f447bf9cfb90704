"""allauth's pages that change second factors, each in one commit with what follows, and closed by the settings lock.

Around the views themselves and not in a middleware: allauth runs a POST that waited for a proof by calling the view.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path

from accounts.activity import origin_of
from accounts.factor_changes import changing_factors
from accounts.settings_lock import SettingsLocked, require_unlocked

View = Callable[..., HttpResponseBase]
READING = ("GET", "HEAD", "OPTIONS")


def changes_factors(view: View) -> View:
    """While the settings are locked nobody gets to `view`, whatever they can prove; what it does is one commit."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user_id = request.user.pk
        if user_id is None:  # allauth leads to the sign-in
            return view(request, *args, **kwargs)
        try:
            if request.method in READING:
                require_unlocked(user_id)
                return view(request, *args, **kwargs)
            with changing_factors(user_id=user_id, origin=origin_of(request)):
                return view(request, *args, **kwargs)
        except SettingsLocked as locked:
            messages.warning(request, str(locked.message))
            return redirect("security")

    return guarded


urlpatterns = [
    path("totp/activate/", changes_factors(app.activate_totp), name="mfa_activate_totp"),
    path("totp/deactivate/", changes_factors(app.deactivate_totp), name="mfa_deactivate_totp"),
    path("webauthn/add/", changes_factors(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("webauthn/keys/<int:pk>/remove/", changes_factors(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("webauthn/keys/<int:pk>/edit/", changes_factors(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path(
        "recovery-codes/generate/",
        changes_factors(codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
]
