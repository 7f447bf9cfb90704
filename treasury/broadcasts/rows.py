"""What the steps of sending share: the wallet's row, alarms by condition, and times."""

from __future__ import annotations

from django.utils import timezone

from treasury import alarms
from treasury.models import Alarm, Wallet

ACTOR = "system:sender"


def hot_wallet(network: str) -> Wallet | None:
    """The wallet that pays on this network, None as long as the signer has not made it known."""
    return Wallet.objects.filter(network=network, role=Wallet.Role.HOT).first()


def no_longer(*keys: str) -> None:
    """Close these warnings, if they are open: what they warned of cannot be the case now."""
    Alarm.objects.filter(key__in=keys, resolved_at=None).update(resolved_at=timezone.now(), resolved_by=ACTOR)


def warn_while(
    condition: bool, *, key: str, network: str, message: str, facts: dict[str, object] | None = None
) -> None:
    """Keep the warning `key` open as long as this is called with a true condition; close it when it no longer is."""
    if condition:
        alarms.raise_alarm(key=key, severity=Alarm.Severity.WARNING, message=message, network=network, facts=facts)
    elif alarms.is_raised(key):
        alarms.resolve_alarm(key=key, actor_label=ACTOR)
