"""One network, from its newest block to its customers' balances; what fails is told to an operator, not to others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from treasury.alarms import raise_alarm, resolve_alarm
from treasury.chains import registry
from treasury.chains.errors import ChainError, ContractMismatch, EndpointUnavailable, WrongChain
from treasury.deposits.confirming import confirm_deposits
from treasury.deposits.crediting import credit_deposits
from treasury.deposits.scanning import ScanReport, scan_deposits
from treasury.ledger import LedgerError
from treasury.models import Alarm, NetworkState

logger = logging.getLogger(__name__)

UNREACHABLE_FOR = timedelta(seconds=60)
"""A node that was away for less is not worth an alarm."""

LOCK_CLASS = 0x45584351  # one lock space for these locks: the second key is the network's
_verified: set[str] = set()


def follow_network(network_code: str) -> ScanReport | None:
    """Scan, confirm, credit. None if another process is at it: nothing is lost, it does the same.

    A chain's error raises an alarm, at once if it says that the node serves another chain or token, after a minute if
    the node is merely away; then it is raised.
    """
    with _one_at_a_time(network_code) as is_first:
        if not is_first:
            return None
        try:
            _verify_once(network_code)
            report = scan_deposits(network_code)
            confirm_deposits(network_code)
        except (ChainError, LedgerError) as error:
            _tell(network_code, error)
            raise
        finally:
            credit_deposits(network_code)  # what is confirmed needs no node
    resolve_alarm(key=_alarm_key(network_code), actor_label="system:watcher")
    return report


def _verify_once(network_code: str) -> None:
    """The node's chain id, token and decimals must be what the settings say before anything of it is believed."""
    if network_code not in _verified:
        registry.adapter(network_code).verify()
        _verified.add(network_code)


def forget_verified() -> None:
    """Verify every network again before its next scan (tests change networks within one process)."""
    _verified.clear()


def _tell(network_code: str, error: Exception) -> None:
    is_wrong = isinstance(error, WrongChain | ContractMismatch | LedgerError)
    if isinstance(error, EndpointUnavailable) and _was_seen_lately(network_code):
        return
    raise_alarm(
        key=_alarm_key(network_code),
        severity=Alarm.Severity.CRITICAL if is_wrong else Alarm.Severity.WARNING,
        network=network_code,
        message="The network's deposits wait: its nodes or our books are not what they should be."
        if is_wrong
        else "The network cannot be read: its deposits wait.",
        facts={"error": type(error).__name__, "said": str(error)[:500]},
    )


def _was_seen_lately(network_code: str) -> bool:
    return NetworkState.objects.filter(network=network_code, head_seen_at__gt=timezone.now() - UNREACHABLE_FOR).exists()


def _alarm_key(network_code: str) -> str:
    return f"network_failing:{network_code}"


@contextmanager
def _one_at_a_time(network_code: str) -> Iterator[bool]:
    """A lock of this database session, only to save work: correctness never depends on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK_CLASS, network_code])
        locked = bool(cursor.fetchone()[0])
    try:
        yield locked
    finally:
        if locked and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_CLASS, network_code])
