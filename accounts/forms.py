"""allauth's forms, where a page of ours refuses what theirs would take."""

from typing import Any

from allauth.account.forms import AddEmailForm as AllauthAddEmailForm
from django import forms

from .settings_lock import SettingsLocked, require_unlocked


class AddEmailForm(AllauthAddEmailForm):
    """No new e-mail address while the settings are locked; no mail goes out either."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        try:
            require_unlocked(self.user.pk)
        except SettingsLocked as locked:
            raise forms.ValidationError(str(locked.message), code="settings_locked") from locked
        return cleaned
