"""allauth's forms, where ours differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.forms import AddEmailForm as AllauthAddEmailForm
from allauth.account.forms import ConfirmLoginCodeForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_used
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from . import devices, guesses, mailed_codes, sign_ins
from .adapter import DEVICE_ID
from .guesses import Guess
from .models import User
from .second_factor import check_code
from .second_factor.codes import factors_of
from .settings_lock import SettingsLocked, require_unlocked
from .sign_in_audit import REMEMBERS


def _guess(user: User, *, again: bool) -> Guess:
    """A guess at a code or a passkey of `user`, counted; it is to be looked at if this returns."""
    request = context.request
    if again:
        guess = guesses.at_step_up(user, devices.known_device(request, user.email))
    else:
        guess = guesses.at_sign_in(request, user.email, device_id=_sign_in().state.get(DEVICE_ID))
    sign_ins.count(request, guess, user)
    return guess


def _sign_in() -> Login:
    """The one under way in this browser: the password was right, moments ago."""
    login: Login = context.request._login_stage.login  # noqa: SLF001  # allauth's decorator puts it there
    return login


class _OneDoor(mfa_forms.BaseAuthenticateForm):
    """Checks a code where everything else does, so that no code is good twice, and counts where everything else is."""

    def clean_code(self) -> str:
        guess = _guess(self.user, again=isinstance(self, mfa_forms.ReauthenticateForm))
        code = str(self.cleaned_data["code"])
        factor = check_code(self.user, code)
        if factor is None:
            if asked := [each for each in factors_of(self.user) if each.type != Authenticator.Type.WEBAUTHN]:
                self._emit_authentication_failed(asked[0])
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = factor
        guess.was_right()
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


class _PasskeyDoor(AuthenticateWebAuthnForm):
    """As allauth's, but that tries are counted where all others are, and that wrong ones are told of: allauth tells of
    wrong codes only."""

    def clean_credential(self) -> Authenticator:
        guess = _guess(self.user, again=self.reauthenticated)
        try:
            factor = _complete(self.user, self.cleaned_data["credential"])
        except ValidationError:
            authentication_failed.send(
                sender=Authenticator,
                request=context.request,
                user=self.user,
                authenticator=Authenticator(user=self.user, type=Authenticator.Type.WEBAUTHN),
                reauthentication=self.reauthenticated,
            )
            raise
        guess.was_right()
        return factor


class AuthenticatePasskeyForm(_PasskeyDoor):
    """At the sign-in, after the password."""


class ReauthenticatePasskeyForm(_PasskeyDoor, ReauthenticateWebAuthnForm):
    """Before a change of what protects the account."""


class LoginPasskeyForm(LoginWebAuthnForm):
    """In place of the password. Whose passkey it is the browser says itself."""

    def clean_credential(self) -> Authenticator:
        given = self.cleaned_data["credential"]
        with _odd_answers_refused():
            auth.parse_authentication_response(given)
            user = auth.extract_user_from_response(given)
        guess = guesses.at_passkey_sign_in(
            context.request, user.email, device_id=devices.known_device(context.request, user.email)
        )
        sign_ins.count(context.request, guess, user)
        try:
            factor = _complete(user, given)
        except ValidationError:
            sign_ins.passkey_was_refused(context.request, user)
            raise
        guess.was_right()
        return factor


def _complete(user: User, given: Any) -> Authenticator:
    """The passkey of `user` that answered. Raises ValidationError for whatever else was sent."""
    with _odd_answers_refused():
        auth.parse_authentication_response(given)
        factor: Authenticator = auth.complete_authentication(user, given)
        return factor


@contextmanager
def _odd_answers_refused() -> Iterator[None]:
    """What is not even shaped like an answer is a wrong one."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError) as odd:
        raise get_adapter().validation_error("incorrect_code") from odd


class DeviceCodeForm(ConfirmLoginCodeForm):
    """The code that was mailed because we do not know the browser."""

    remember = forms.BooleanField(label=_("Remember this browser"), required=False, initial=True)

    def clean_code(self) -> str:
        """`expected_code` is the code's id. Tries are counted in its row too: two requests at once are two tries."""
        user, typed = _sign_in().user, str(self.cleaned_data["code"])
        guess = _guess(user, again=False)
        try:
            mailed_codes.verify(
                code_id=str(self.expected_code or ""), user_id=user.pk, purpose=mailed_codes.DEVICE, typed=typed
            )
        except mailed_codes.CodeRefused as refused:
            raise forms.ValidationError(str(refused), code="incorrect_code") from refused
        guess.was_right()
        return typed

    def clean(self) -> dict[str, Any] | None:
        """Kept in the session until the sign-in is done: the second factor may come between."""
        cleaned = super().clean()
        if "code" in self.cleaned_data and self.cleaned_data.get("remember"):
            context.request.session[REMEMBERS] = _sign_in().user.pk
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
