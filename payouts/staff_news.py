"""Staff hear of work that waits too long, wallets that run low, and the day: each fact once, whoever runs first."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.models import ToldFact
from accounts.outbox import Mail, queue_mails
from accounts.staff_users import people_who_may
from accounts.told import first_time

from .digest import digest_of, is_empty
from .models import WithdrawalRequest
from .runway import runways

BATCH = 500
SHOWN_AT_MOST = 20
PEOPLE_AT_MOST = 20


def tell_late_reviews() -> int:
    """Tell those who may approve of withdrawals that wait longer than promised; returns how many are new."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        rows = list(_late(now)[:BATCH])
        new = first_time(_late_key(row) for row in rows)
        told = [row for row in rows if _late_key(row) in new]
        if told:
            facts = {
                "withdrawals": [_late_facts(row, now) for row in told[:SHOWN_AT_MOST]],
                "count": len(told),
                "promised_seconds": settings.WITHDRAWAL_REVIEW_SLA_SECONDS,
            }
            name = f"reviews-late:{told[0].pk}:{told[-1].pk}:{len(told)}"
            _tell("reviews_late", "payouts.approve_withdrawalrequest", name, facts)
    return len(told)


def _late(now: dt.datetime) -> Any:
    promised = now - dt.timedelta(seconds=settings.WITHDRAWAL_REVIEW_SLA_SECONDS)
    key = Concat(
        Value("review-late:"), Cast(OuterRef("pk"), CharField()), Value(":"), Cast(OuterRef("revision"), CharField())
    )
    return (
        WithdrawalRequest.objects.filter(state=WithdrawalRequest.State.IN_REVIEW, confirmed_at__lt=promised)
        .exclude(Exists(ToldFact.objects.filter(key=key)))
        .order_by(F("confirmed_at").asc(), "pk")
    )


def _late_key(row: WithdrawalRequest) -> str:
    return f"review-late:{row.pk}:{row.revision}"


def _late_facts(row: WithdrawalRequest, now: dt.datetime) -> dict[str, Any]:
    since = row.confirmed_at or now
    return {
        "id": row.pk,
        "amount_micro": row.amount_micro,
        "network": row.network,
        "seconds": int((now - since).total_seconds()),
    }


def tell_low_wallets() -> int:
    """Tell those who see the wallets of hot ones that last less than a day: once a day while it is so."""
    today = timezone.now().astimezone(dt.UTC).date()
    short = [each for each in runways() if each.is_short]
    with transaction.atomic(durable=True):
        new = first_time(f"hot-wallet-low:{each.network}:{today}" for each in short)
        for each in short:
            name = f"hot-wallet-low:{each.network}:{today}"
            if name in new:
                facts = {
                    "network": each.network,
                    "hot_micro": each.hot_micro,
                    "daily_micro": each.daily_micro,
                    "seconds": each.seconds,
                }
                _tell("hot_wallet_low", "treasury.view_wallet", name, facts)
    return len(new)


def tell_daily_digest() -> bool:
    """Yesterday's figures to those who see the position, from the hour of `DAILY_DIGEST_HOUR_UTC` on, once."""
    now = timezone.now().astimezone(dt.UTC)
    day = now.date() - dt.timedelta(days=1)
    name = f"daily-digest:{day}"
    if now.hour < settings.DAILY_DIGEST_HOUR_UTC or ToldFact.objects.filter(key=name).exists():
        return False
    with transaction.atomic(durable=True):
        if not first_time([name]):
            return False
        digest = digest_of(day)
        if not is_empty(digest):
            _tell("daily_digest", "treasury.view_position", name, digest)
    return True


def _tell(template: str, permission: str, name: str, facts: dict[str, Any]) -> None:
    people = people_who_may(permission).values_list("pk", flat=True)[:PEOPLE_AT_MOST]
    queue_mails(Mail(f"{name}:{user_id}", template, user_id, facts) for user_id in people)
