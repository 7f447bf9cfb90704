"""Alarms about what the token's owner can do to us: none of it needs our consent, all of it stops payments."""

from __future__ import annotations

from treasury.alarms import is_raised, raise_alarm, resolve_alarm
from treasury.chains import registry
from treasury.models import Alarm, Wallet

MESSAGES = {
    "deprecated": "The token has moved its logic to another contract. Check what it says before anything is paid.",
    "paused": "The token is paused: no payment can be made until its owner resumes it.",
    "fee": "The token keeps a fee of each transfer now: payments wait, and deposits arrive short of it.",
    "blocked": "The hot wallet is on the token's blacklist: it can receive and never pay again.",
}


def watch_token(network_code: str) -> tuple[str, ...]:
    """Keep one alarm open for each thing that the token's owner has done to our payments; returns which.

    Raises ChainError. Call it outside a transaction.
    """
    wallet = Wallet.objects.filter(network=network_code, role=Wallet.Role.HOT).first()
    if registry.network(network_code).family != "tron" or wallet is None:
        return ()
    found = registry.expiring_chain(network_code).token_warnings(wallet.address)
    for name, message in MESSAGES.items():
        key = f"token-{name}:{network_code}"
        if name in found:
            raise_alarm(
                key=key,
                severity=Alarm.Severity.CRITICAL,
                network=network_code,
                message=message,
                facts={"wallet": wallet.address},
            )
        elif is_raised(key):
            resolve_alarm(key=key, actor_label="system:watcher")
    return found
