"""The day in figures: what came, what went, what waits. Numbers only; the mail writes them out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from treasury.models import Alarm, Deposit
from treasury.position import treasury_position

from .models import WithdrawalRequest

State = WithdrawalRequest.State
WAITING = (State.CONFIRMED, State.IN_REVIEW)
UNDER_WAY = (State.APPROVED, State.ORDERED, State.SENT)


def digest_of(day: dt.date) -> dict[str, Any]:
    """The figures of `day` (UTC), and what waits now."""
    start = dt.datetime.combine(day, dt.time.min, dt.UTC)
    end = start + dt.timedelta(days=1)
    came = Deposit.objects.filter(state=Deposit.State.CREDITED, credited_at__gte=start, credited_at__lt=end)
    went = WithdrawalRequest.objects.filter(state=State.PAID, closed_at__gte=start, closed_at__lt=end)
    promised = timezone.now() - dt.timedelta(seconds=settings.WITHDRAWAL_REVIEW_SLA_SECONDS)
    position = treasury_position()
    return {
        "day": day.isoformat(),
        **_summed("deposits", came),
        **_summed("withdrawals", went),
        "waiting": WithdrawalRequest.objects.filter(state__in=WAITING).count(),
        "late": WithdrawalRequest.objects.filter(state=State.IN_REVIEW, confirmed_at__lt=promised).count(),
        "on_hold": WithdrawalRequest.objects.filter(state=State.ON_HOLD).count(),
        "under_way": WithdrawalRequest.objects.filter(state__in=UNDER_WAY).count(),
        "failed": WithdrawalRequest.objects.filter(state=State.FAILED).count(),
        "alarms": Alarm.objects.filter(resolved_at=None).count(),
        "assets_micro": position.assets_micro,
        "liabilities_micro": position.liabilities_micro,
        "coverage_basis_points": position.coverage_basis_points,
    }


def is_empty(digest: dict[str, Any]) -> bool:
    """Nothing happened, nothing waits and nothing is kept: an installation that is not used yet."""
    return not any(value for name, value in digest.items() if name != "day")


def _summed(name: str, rows: Any) -> dict[str, int]:
    found = rows.aggregate(count=Count("pk"), total=Sum("amount_micro"))
    return {f"{name}_count": int(found["count"]), f"{name}_micro": int(found["total"] or 0)}
