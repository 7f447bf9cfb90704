"""How long the hot wallets last at last week's pace."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Sum
from django.utils import timezone

from treasury import ledger
from treasury.chains import registry

from .models import WithdrawalRequest

PACE_DAYS = 7
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Runway:
    """What the hot wallet of a network holds per the ledger, and what leaves it a day, micro-USDT."""

    network: str
    hot_micro: int
    daily_micro: int

    @property
    def is_short(self) -> bool:
        """Less than a day's payments are there."""
        return self.daily_micro > 0 and self.hot_micro < self.daily_micro

    @property
    def seconds(self) -> int | None:
        """How long it lasts; None while nothing leaves."""
        return self.hot_micro * DAY_SECONDS // self.daily_micro if self.daily_micro > 0 else None


def paid_in_last_week() -> dict[str, int]:
    """What was paid in the last seven days, by network, micro-USDT."""
    since = timezone.now() - dt.timedelta(days=PACE_DAYS)
    paid = WithdrawalRequest.objects.filter(state=WithdrawalRequest.State.PAID, closed_at__gte=since)
    return {network: int(total) for network, total in paid.values_list("network").annotate(Sum("amount_micro"))}


def runways() -> list[Runway]:
    """Every network's, in the order of the settings."""
    codes = list(registry.networks())
    held = ledger.balances(f"asset:{code}:hot" for code in codes)
    paid = paid_in_last_week()
    return [Runway(code, held[f"asset:{code}:hot"], paid.get(code, 0) // PACE_DAYS) for code in codes]
