"""System checks: contradictions in the settings that endanger money stop a process before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Critical, register

SIGNER_SETTINGS = "portal.settings.signer"
KEY_SETTINGS = ("SIGNER_KEYSTORE_FILE", "SIGNER_PASSPHRASE", "SIGNER_PASSPHRASE_FILE")


def keys_are_the_signers_alone(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Only the signer's settings may know where keys are, or how to open them."""
    if settings.SETTINGS_MODULE == SIGNER_SETTINGS:
        return []
    present = [name for name in KEY_SETTINGS if getattr(settings, name, "")]
    if not present:
        return []
    return [
        Critical(
            f"{', '.join(present)}: key material is known outside the signer's settings.",
            hint=f"Only a process with DJANGO_SETTINGS_MODULE={SIGNER_SETTINGS} may have it.",
            id="treasury.C001",
        )
    ]


def failpoints_are_off_in_production(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A process that people's money depends on has no failpoints."""
    if settings.SETTINGS_MODULE == "portal.settings.prod" and settings.FAILPOINTS_ALLOWED:
        return [Critical("Failpoints are allowed in production.", id="treasury.C002")]
    return []


def register_all() -> None:
    """Called once, when the app is ready."""
    register(keys_are_the_signers_alone)
    register(failpoints_are_off_in_production)
