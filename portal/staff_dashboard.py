"""The staff's overview. The first number first: do we hold what we owe?

Every figure is read from our own tables and the cache, none from a chain; the two that sum a fortnight are kept for
half a minute. Each part is shown to those who may see its pages.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.activity_chain import chain_health
from accounts.models import OutgoingMail
from accounts.staff.display import age, duration
from accounts.staff.keyset import capped_count, shown_count
from payouts.models import WithdrawalRequest
from payouts.runway import PACE_DAYS, paid_in_last_week
from portal.staff_chart import flow_chart
from treasury.admin.display import usdt, usdt_text
from treasury.audit_watch import LATE_SECONDS
from treasury.chains import registry
from treasury.models import Alarm, Broadcast, Deposit, Wallet
from treasury.money import NBSP
from treasury.position import Position, treasury_position
from treasury.selectors import network_statuses
from treasury.wallet_balances import wallet_balances

FLOW_DAYS = 14
KEPT_SECONDS = 30
LAG_SECONDS = 60
State = WithdrawalRequest.State


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, a line of context, the page behind it, and how it looks: "", ok, warning or danger."""

    name: str
    value: str
    hint: str = ""
    kind: str = ""
    href: str = ""


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback: what this person may see."""
    may = request.user.has_perm
    position = may("treasury.view_position")
    context["figures"] = [
        *(work_figures() if may("payouts.view_withdrawalrequest") else []),
        *(deposit_figures() if may("treasury.view_deposit") else []),
        *(payment_figures() if may("treasury.view_broadcast") else []),
        *(alarm_figures() if may("treasury.view_alarm") else []),
        *(mail_figures() if may("accounts.view_outgoingmail") else []),
        *(audit_figures() if may("accounts.view_activitylog") else []),
    ]
    if position:
        found = treasury_position()
        context["coverage"] = coverage(found)
        context["wallets"] = wallet_lines(found)
        context["flow"] = flow_chart(daily_flow())
    if may("treasury.view_networkstate"):
        context["networks"] = network_lines()
    return context


def coverage(position: Position) -> dict[str, Any]:
    """On-chain assets over what we owe customers, both per the ledger."""
    share = position.coverage_basis_points
    return {
        "share": "—" if share is None else f"{number_format(Decimal(share) / 100, 2)}{NBSP}%",
        "kind": "" if share is None else "ok" if share >= 10_000 else "danger",
        "assets": usdt(position.assets_micro),
        "liabilities": usdt(position.liabilities_micro),
        "surplus": usdt(position.assets_micro - position.liabilities_micro),
        "receivable": usdt(position.receivable_micro) if position.receivable_micro else "",
        "suspense": usdt(position.suspense_micro) if position.suspense_micro else "",
    }


def wallet_lines(position: Position) -> list[dict[str, Any]]:
    """Position by network and place, with how long the hot wallet lasts at last week's pace."""
    wallets = {wallet.network: wallet for wallet in Wallet.objects.filter(role=Wallet.Role.HOT)}
    on_chain = wallet_balances(wallet.pk for wallet in wallets.values())
    spent = paid_lately()
    lines = []
    for code, network in registry.networks().items():
        held = position.by_network.get(code, {})
        hot = held.get("hot", 0)
        daily = spent.get(code, 0) // PACE_DAYS
        seen = on_chain.get(wallets[code].pk) if code in wallets else None
        lines.append(
            {
                "network": network.name,
                "deposit": usdt(held.get("deposit", 0)),
                "hot": usdt(hot),
                "cold": usdt(held.get("cold", 0) + held.get("in_transit", 0)),
                "on_chain": usdt(seen.token_micro) if seen else "",
                "difference": usdt(seen.token_micro - hot) if seen and seen.token_micro != hot else "",
                "runway": runway(hot, daily),
                "short": bool(daily) and hot < daily,
            }
        )
    return lines


def runway(hot_micro: int, daily_micro: int) -> str:
    """How long `hot_micro` lasts when `daily_micro` leaves a day."""
    if daily_micro <= 0:
        return _("no payments lately")
    return duration(hot_micro * 86_400 // daily_micro)


def paid_lately() -> dict[str, int]:
    """What was paid in the last week, by network, micro-USDT."""

    return dict(cache.get_or_set("staff:paid-lately", paid_in_last_week, KEPT_SECONDS) or {})


def daily_flow() -> list[tuple[dt.date, int, int]]:
    """(day, deposited, paid out) for the last fortnight in micro-USDT, oldest first, today last."""

    def read() -> list[tuple[dt.date, int, int]]:
        today = timezone.now().astimezone(dt.UTC).date()
        days = [today - dt.timedelta(days=back) for back in range(FLOW_DAYS - 1, -1, -1)]
        start = dt.datetime.combine(days[0], dt.time.min, dt.UTC)
        credited = Deposit.objects.filter(state=Deposit.State.CREDITED, credited_at__gte=start)
        paid = WithdrawalRequest.objects.filter(state=State.PAID, closed_at__gte=start)
        came = dict(credited.values_list(TruncDate("credited_at", tzinfo=dt.UTC)).annotate(Sum("amount_micro")))
        went = dict(paid.values_list(TruncDate("closed_at", tzinfo=dt.UTC)).annotate(Sum("amount_micro")))
        return [(day, int(came.get(day) or 0), int(went.get(day) or 0)) for day in days]

    return list(cache.get_or_set("staff:daily-flow", read, KEPT_SECONDS) or [])


def work_figures() -> list[Figure]:
    """The queue: how much, how old, how late, and what failed."""
    waiting = WithdrawalRequest.objects.filter(state=State.IN_REVIEW)
    oldest = waiting.aggregate(at=Min("confirmed_at"))["at"]
    promised = settings.WITHDRAWAL_REVIEW_SLA_SECONDS
    late = capped_count(waiting.filter(confirmed_at__lt=timezone.now() - dt.timedelta(seconds=promised)))
    failed = capped_count(WithdrawalRequest.objects.filter(state=State.FAILED))
    held = capped_count(WithdrawalRequest.objects.filter(state=State.ON_HOLD))
    queue = reverse("admin:payouts_withdrawalrequest_changelist")
    figures = [
        Figure(
            _("Withdrawals to review"),
            shown_count(capped_count(waiting)),
            _("the oldest waits %(age)s") % {"age": age(oldest)} if oldest else _("nothing waits"),
            "danger" if late else "",
            queue,
        ),
        Figure(
            _("Later than promised"),
            shown_count(late),
            _("promised within %(time)s") % {"time": duration(promised)},
            "danger" if late else "ok",
            queue,
        ),
        Figure(_("On hold"), shown_count(held), "", "", f"{queue}?tab=hold"),
    ]
    if failed:
        figures.append(
            Figure(
                _("Failed payments"), shown_count(failed), _("to return or pay again"), "danger", f"{queue}?tab=failed"
            )
        )
    return figures


def deposit_figures() -> list[Figure]:
    """What is on its way in."""
    on_the_way = Deposit.objects.filter(state__in=[Deposit.State.SEEN, Deposit.State.CONFIRMED])
    found = on_the_way.aggregate(count=Count("pk"), total=Sum("amount_micro"))
    return [
        Figure(
            _("Deposits confirming"),
            str(found["count"]),
            usdt_text(int(found["total"] or 0)),
            "",
            reverse("admin:treasury_deposit_changelist") + "?state=seen",
        )
    ]


def payment_figures() -> list[Figure]:
    """Transactions that are sent but not final for too long, and those the signer refused."""
    since = timezone.now() - dt.timedelta(seconds=settings.BROADCAST_STUCK_SECONDS)
    live = [Broadcast.State.SENT, Broadcast.State.SIGNED, Broadcast.State.RESERVED]
    stuck = capped_count(Broadcast.objects.filter(state__in=live, reserved_at__lt=since))
    refused = capped_count(Broadcast.objects.filter(state=Broadcast.State.REFUSED))
    page = reverse("admin:treasury_broadcast_changelist")
    return [
        Figure(
            _("Stuck broadcasts"),
            shown_count(stuck),
            _("not mined after %(time)s") % {"time": duration(settings.BROADCAST_STUCK_SECONDS)},
            "danger" if stuck else "ok",
            f"{page}?state=sent",
        ),
        *(
            [Figure(_("Refused by the signer"), shown_count(refused), "", "danger", f"{page}?state=refused")]
            if refused
            else []
        ),
    ]


def alarm_figures() -> list[Figure]:
    """Alarms that nobody has resolved."""
    open_alarms = Alarm.objects.filter(resolved_at=None)
    count = capped_count(open_alarms)
    critical = capped_count(open_alarms.filter(severity=Alarm.Severity.CRITICAL))
    return [
        Figure(
            _("Open alarms"),
            shown_count(count),
            _("critical: %(count)s") % {"count": shown_count(critical)},
            "danger" if critical else "warning" if count else "ok",
            reverse("admin:treasury_alarm_changelist") + "?state=open",
        )
    ]


def mail_figures() -> list[Figure]:
    """Mails given up; nothing to see when there are none."""
    failed = capped_count(OutgoingMail.objects.filter(state=OutgoingMail.State.FAILED))
    page = reverse("admin:accounts_outgoingmail_changelist")
    return (
        [Figure(_("Mails not delivered"), shown_count(failed), "", "warning", f"{page}?state=failed")] if failed else []
    )


def audit_figures() -> list[Figure]:
    """How far the activity log is linked and anchored: late is as bad here as an alarm."""
    health = chain_health()
    late = max(health.unlinked_seconds(), health.unanchored_seconds())
    words = _("%(time)s behind") % {"time": duration(late)} if late > LATE_SECONDS else _("Up to date")
    hint = (
        _("the last anchor is %(age)s old") % {"age": age(health.anchored_at)}
        if health.anchored_at
        else _("no anchor yet")
    )
    page = reverse("admin:accounts_activitylog_changelist")
    return [Figure(_("Chain of the activity log"), words, hint, "danger" if late > LATE_SECONDS else "ok", page)]


def network_lines() -> list[dict[str, Any]]:
    """How closely each chain is followed."""
    lines = []
    for status in network_statuses():
        seconds = status.seconds_since_head
        silent = seconds is None or seconds > LAG_SECONDS
        lines.append(
            {
                "name": status.name,
                "head": status.head_number,
                "lag": status.lag_blocks,
                "age": duration(seconds) if seconds is not None else "",
                "kind": "danger" if status.is_halted or silent else "ok",
                "state": _("Halted") if status.is_halted else _("No answer") if silent else _("Following"),
                "reason": status.halt_reason,
            }
        )
    return lines
