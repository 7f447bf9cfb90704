"""allauth's forms, where ours differ."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import AddEmailForm as AllauthAddEmailForm
from allauth.account.forms import ConfirmLoginCodeForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .second_factor import check_code
from .second_factor.codes import factors_of
from .settings_lock import SettingsLocked, require_unlocked
from .sign_in_audit import REMEMBERS


class _OneDoor(mfa_forms.BaseAuthenticateForm):
    """Checks a code where everything else does, so that no code is good twice."""

    def clean_code(self) -> str:
        clear_tries = check_rate_limit(self.user)
        code = str(self.cleaned_data["code"])
        factor = check_code(self.user, code)
        if factor is None:
            if asked := [each for each in factors_of(self.user) if each.type != Authenticator.Type.WEBAUTHN]:
                self._emit_authentication_failed(asked[0])
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = factor
        clear_tries()
        return code

    def save(self) -> None:
        """As allauth's `post_authentication`, whose noting of the factor's use the check has done already."""
        factor, again = self.authenticator, isinstance(self, mfa_forms.ReauthenticateForm)
        told = {"id": factor.pk, "type": factor.type} | ({"reauthenticated": True} if again else {})
        record_authentication(context.request, factor.user, "mfa", **told)
        authenticator_used.send(
            sender=Authenticator,
            request=context.request,
            user=factor.user,
            authenticator=factor,
            reauthenticated=again,
            passwordless=False,
        )


class AuthenticateForm(_OneDoor, mfa_forms.AuthenticateForm):
    """At the sign-in."""


class ReauthenticateForm(_OneDoor, mfa_forms.ReauthenticateForm):
    """Before a change of what protects the account."""


class DeviceCodeForm(ConfirmLoginCodeForm):
    """The code that was mailed because we do not know the browser."""

    remember = forms.BooleanField(label=_("Remember this browser"), required=False, initial=True)

    def clean(self) -> dict[str, Any] | None:
        """Kept in the session until the sign-in is done: the second factor may come between."""
        cleaned = super().clean()
        if "code" in self.cleaned_data and self.cleaned_data.get("remember"):
            stage = context.request._login_stage  # noqa: SLF001  # allauth's decorator puts it there
            context.request.session[REMEMBERS] = stage.login.user.pk
        return cleaned


class SignupForm(AllauthSignupForm):
    """Takes as long for an address that has an account as for a new one, whose password is hashed."""

    def try_save(self, request: HttpRequest) -> tuple[Any, Any]:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        saved: tuple[Any, Any] = super().try_save(request)
        return saved


class AddEmailForm(AllauthAddEmailForm):
    """No new e-mail address while the settings are locked; no mail goes out either."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        try:
            require_unlocked(self.user.pk)
        except SettingsLocked as locked:
            raise forms.ValidationError(str(locked.message), code="settings_locked") from locked
        return cleaned
