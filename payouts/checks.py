"""System checks: settings under which a customer's protection would be none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Critical, register
from django.core.checks import Warning as Advice

AN_HOUR = 3600
HOLDS = ("ADDRESS_HOLD_SECONDS", "WITHDRAWAL_HOLD_SECONDS")


def holds_have_a_length(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A negative hold is a mistake; in production a short one is at least worth a line."""
    found: list[CheckMessage] = [
        Critical(f"{name} is negative.", hint="Give seconds; 86400 is a day.", id="payouts.C001")
        for name in HOLDS
        if getattr(settings, name) < 0
    ]
    if settings.SETTINGS_MODULE == "portal.settings.prod":
        found += [
            Advice(f"{name} is shorter than an hour.", hint="A day is usual: 86400.", id="payouts.W001")
            for name in HOLDS
            if 0 <= getattr(settings, name) < AN_HOUR
        ]
    return found


def register_all() -> None:
    """Called once, when the app is ready."""
    register(holds_have_a_length)
