"""`/livez`: this process answers. `/readyz`: so does all that it depends on; else 503 and which of it does not.

For machines: JSON, not translated, no secrets, no session.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection
from kombu.exceptions import KombuError, OperationalError

from treasury.chains import registry
from treasury.selectors import NetworkStatus, network_statuses

HEARTBEATS = ("worker", "beat", "signer")
HEARTBEAT_OLDEST_SECONDS = 30
HEAD_OLDEST_SECONDS = 60  # since a node last told us its height
LAG_MOST_SECONDS = 60  # of blocks that are known but not scanned
BROKER_TIMEOUT_SECONDS = 3


@dataclass(frozen=True)
class Check:
    """One thing that has to be well. `detail` says what is wrong, or how well it is."""

    ok: bool
    detail: str


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as this process can answer at all; asks nobody else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker, worker, beat, signer and every chain are well, else 503; names each."""
    found = checks()
    ready = all(check.ok for check in found.values())
    body = {
        "status": "ok" if ready else "failing",
        "failing": [name for name, check in found.items() if not check.ok],
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in found.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def checks() -> dict[str, Check]:
    """Every check by name. One that cannot be carried out counts as failing, and the others are still made."""
    found = {"database": check_database(), "broker": check_broker(), **check_heartbeats()}
    if found["database"].ok:
        found |= {f"chain:{status.code}": check_chain(status) for status in network_statuses()}
    return found


def check_database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Check(ok=False, detail="no answer")
    return Check(ok=True, detail="answers")


def check_broker() -> Check:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT_SECONDS) as broker:
            broker.ensure_connection(max_retries=0, timeout=BROKER_TIMEOUT_SECONDS)
    except (OperationalError, KombuError, OSError):
        return Check(ok=False, detail="no answer")
    return Check(ok=True, detail="answers")


def check_heartbeats(now: Callable[[], float] = time.time) -> dict[str, Check]:
    """The processes that run tasks, by the heartbeat that each leaves in the cache."""
    keys = {name: f"heartbeat:{name}" for name in HEARTBEATS}
    try:
        seen = cache.get_many(keys.values())
    except (redis.exceptions.RedisError, OSError):
        return {name: Check(ok=False, detail="the cache does not answer") for name in HEARTBEATS}
    return {name: _heartbeat(seen.get(key), now()) for name, key in keys.items()}


def _heartbeat(seen_at: float | None, now: float) -> Check:
    if seen_at is None:
        return Check(ok=False, detail="not heard from")
    age = max(int(now - seen_at), 0)
    return Check(ok=age <= HEARTBEAT_OLDEST_SECONDS, detail=f"heard from {age} s ago")


def check_chain(status: NetworkStatus) -> Check:
    """Whether we know the chain's head and have scanned close to it."""
    if status.is_halted:
        return Check(ok=False, detail=f"halted: {status.halt_reason}")
    if status.seconds_since_head is None or status.lag_blocks is None:
        return Check(ok=False, detail="never scanned")
    if status.seconds_since_head > HEAD_OLDEST_SECONDS:
        return Check(ok=False, detail=f"no word from a node for {int(status.seconds_since_head)} s")
    lag = f"{status.lag_blocks} blocks behind the head {status.head_number}"
    return Check(ok=status.lag_blocks <= _lag_most_blocks(status.code), detail=lag)


def _lag_most_blocks(code: str) -> int:
    return max(int(LAG_MOST_SECONDS / registry.network(code).block_seconds), 1)
