"""The fields of a step-up, for any form: a code, a passkey's answer, or the password of who has nothing else yet."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.activity import Origin
from accounts.models import User

from . import in_session
from .step_up import FACTORS, StepUp, StepUpFailed, kinds_of, verify_step_up


class StepUpFields(forms.Form):
    """Knows who is asked and what they have; call `ask` when the form is made."""

    code = forms.CharField(
        label=_("Code from your app"),
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )
    credential = forms.JSONField(required=False, widget=forms.HiddenInput)
    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def ask(self, request: HttpRequest, *, factor_needed: bool = True, each_time: bool = False) -> None:
        """Look who is there and what they can be asked for.

        `factor_needed` False lets the password do for who has no factor yet; `each_time` takes no proof from minutes
        ago.
        """
        if not isinstance(request.user, User):
            raise TypeError("a step-up is asked of who is signed in")
        self.stepping_up, self.asker = request, request.user
        kinds = kinds_of(self.asker)
        self.has_app = Authenticator.Type.TOTP in kinds
        self.has_passkey = Authenticator.Type.WEBAUTHN in kinds
        self.is_missing = factor_needed and not kinds
        self.asks_password = not kinds and not factor_needed
        proof = None if each_time or self.is_missing else in_session.proof_in(request, self.asker)
        self.proof = None if proof is not None and kinds and proof.method not in FACTORS else proof

    @property
    def is_fresh(self) -> bool:
        """Whether nothing needs to be asked: it was proven minutes ago."""
        return self.proof is not None

    def challenge_text(self) -> bytes | None:
        """What exactly the passkey is to sign; None for a random challenge."""
        return None

    def passkey_options(self) -> dict[str, Any] | None:
        """What to ask the passkey; a new challenge each time that the form is drawn."""
        if not self.has_passkey or self.is_fresh:
            return None
        return in_session.challenge(self.stepping_up, self.asker, text=self.challenge_text())

    def given(self) -> StepUp:
        """For an operation that keeps the proof as evidence. Call it on a form that is valid."""
        return in_session.given(self.stepping_up, self.asker, self.cleaned_data, proof=self.proof)

    def prove(self, origin: Origin | None = None) -> StepUp:
        """For any other operation: checked now and kept in the session, so that what is refused for another reason is
        not asked for a new code. Raises StepUpFailed."""
        proof = verify_step_up(
            user=self.asker, credential=self.given(), origin=origin, factor_needed=not self.asks_password
        )
        if proof is not self.proof:
            in_session.keep(self.stepping_up, self.asker, proof)
            self.proof = proof
        return StepUp(proven=proof)

    def refuse_step_up(self, error: StepUpFailed) -> None:
        """Show what the operation says beside the field that was used."""
        used = next((name for name in ("code", "password") if self.cleaned_data.get(name)), None)
        shown = used or ("code" if self.has_app else "password" if self.asks_password else None)
        self.add_error(shown, str(error.message))
