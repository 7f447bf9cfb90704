"""What a withdrawal's page tells the person who decides: facts only, in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from accounts.holds import running_hold
from accounts.login_history import last_flagged_of, last_sign_in_of
from accounts.models import ActivityLog
from accounts.staff.display import age, duration, moment
from accounts.staff.keyset import CAP, shown_count
from payouts.admin.states import staff_state
from payouts.models import SavedAddress, WithdrawalRequest
from treasury import ledger
from treasury.admin.display import network_name, transaction, usdt
from treasury.models import PaymentOrder

RECENT = 10
YOUNG_DAYS = 3
RECORDS = 50
ODD_DAYS = 7
State = WithdrawalRequest.State
OPEN_STATES = (
    State.REQUESTED,
    State.CONFIRMED,
    State.IN_REVIEW,
    State.ON_HOLD,
    State.APPROVED,
    State.ORDERED,
    State.SENT,
)


def page_facts(row: WithdrawalRequest) -> dict[str, Any]:
    """The context of the page, beside the row itself."""
    return {
        "amount": usdt(row.amount_micro),
        "fee": usdt(row.fee_micro),
        "debit": usdt(row.debit_micro),
        "network_name": network_name(row.network),
        "requested": moment(row.requested_at),
        "waiting": age(row.confirmed_at) if row.state in {State.IN_REVIEW, State.ON_HOLD} else "",
        "hold_until": moment(row.hold_until) if row.hold_until else "",
        "claim": claim_of(row),
        "balances": _balances(row),
        "signals": _signals(row),
        "velocity": _velocity(row),
        "timeline": _timeline(row),
        "approvals": _approvals(row),
        "notes": [
            {"author": note.author.email, "at": moment(note.at), "text": note.text}
            for note in row.notes.select_related("author").order_by("-id")[:RECORDS]
        ],
        "movements": _movements(row),
        "records": _records(row),
        "payments": _payments(row),
    }


def claim_of(row: WithdrawalRequest) -> str:
    """Who is working on it, or an empty string."""
    if row.claimed_by is None or row.claimed_until is None or row.claimed_until <= timezone.now():
        return ""
    return row.claimed_by.email


def _balances(row: WithdrawalRequest) -> list[dict[str, Any]]:
    """What we owe the customer now, and when this is paid. It is reserved already: nothing else can take it."""
    available, reserved = f"customer:{row.customer_id}:available", f"customer:{row.customer_id}:reserved"
    now = ledger.balances([available, reserved])
    leaves = row.debit_micro if row.state in {*OPEN_STATES, State.FAILED} else 0
    return [
        {"name": _("Available"), "before": usdt(now[available]), "after": usdt(now[available])},
        {"name": _("Reserved"), "before": usdt(now[reserved]), "after": usdt(now[reserved] - leaves)},
        {
            "name": _("Altogether"),
            "before": usdt(now[available] + now[reserved]),
            "after": usdt(now[available] + now[reserved] - leaves),
        },
    ]


def _signals(row: WithdrawalRequest) -> list[dict[str, Any]]:
    """What a careful person would look at first; `kind` is the label's colour."""
    same_address = WithdrawalRequest.objects.filter(address=row.address).exclude(pk=row.pk)
    paid_before = same_address.filter(customer=row.customer_id, state=State.PAID)[:CAP].count()
    others = same_address.exclude(customer=row.customer_id)[:CAP].count()
    profile = getattr(row.customer, "profile", None)
    joined_days = (timezone.now() - row.customer.date_joined).days
    signals = [
        {
            "name": _("This address"),
            "text": _("paid %(count)s times before") % {"count": shown_count(paid_before)}
            if paid_before
            else _("never paid before by this customer"),
            "kind": "success" if paid_before else "warning",
        },
        _in_the_book(row),
        {
            "name": _("Customer for"),
            "text": duration((timezone.now() - row.customer.date_joined).total_seconds()),
            "kind": "warning" if joined_days < 7 else "success",
        },
        _last_sign_in(row),
        {
            "name": _("Four eyes"),
            "text": _("two approvals are needed") if row.approvals_required > 1 else _("one approval is enough"),
            "kind": "info" if row.approvals_required > 1 else "",
        },
    ]
    if flagged := _odd_lately(row):
        signals.insert(0, flagged)
    if others:
        signals.insert(
            0,
            {
                "name": _("Shared address"),
                "text": _("other customers asked to be paid there: %(count)s") % {"count": shown_count(others)},
                "kind": "danger",
            },
        )
    if row.resembles:
        signals.insert(
            0,
            {
                "name": _("Look-alike address"),
                "text": _("begins and ends like %(address)s, which this customer knows; they were warned")
                % {"address": row.resembles},
                "kind": "danger",
            },
        )
    hold = running_hold(row.customer_id)
    if hold is not None:
        signals.insert(
            0,
            {
                "name": _("Held"),
                "text": format_html("{} {} · {}", _("until"), moment(hold.held_until), hold.get_kind_display()),
                "kind": "danger",
            },
        )
    if profile is not None and profile.withdrawals_frozen_at:
        signals.insert(0, {"name": _("Frozen"), "text": profile.withdrawals_frozen_reason, "kind": "danger"})
    return signals


def _last_sign_in(row: WithdrawalRequest) -> dict[str, Any]:
    """When, from where and by what the customer came in last."""
    found = last_sign_in_of(row.customer_id)
    if found is None:  # from before there was a history
        return {"name": _("Last sign-in"), "text": moment(row.customer.last_login), "kind": ""}
    told = [
        moment(found.at),
        found.place or _("place unknown"),
        found.ip_address or "",
        found.program or _("browser unknown"),
        *found.flags,
    ]
    return {
        "name": _("Last sign-in"),
        "text": format_html_join(" · ", "{}", ((part,) for part in told if part)),
        "kind": "danger" if found.impossible_travel else "warning" if found.new_country else "",
    }


def _odd_lately(row: WithdrawalRequest) -> dict[str, Any] | None:
    """An odd sign-in of the last days, also when others came after it: a second one from there is no longer new."""
    found = last_flagged_of(row.customer_id)
    if found is None or found.at < timezone.now() - dt.timedelta(days=ODD_DAYS):
        return None
    told = [moment(found.at), found.place, found.ip_address or "", *found.flags]
    return {
        "name": _("Odd sign-in"),
        "text": format_html_join(" · ", "{}", ((part,) for part in told if part)),
        "kind": "danger" if found.impossible_travel else "warning",
    }


def _in_the_book(row: WithdrawalRequest) -> dict[str, Any]:
    """How long the recipient has been in the customer's address book; whoever steals an account saves theirs first."""
    name = _("Address book")
    entry = (
        SavedAddress.objects.filter(customer=row.customer_id, network=row.network, address=row.address)
        .order_by("-id")
        .first()
    )
    if entry is None:
        return {"name": name, "text": _("not saved: this customer allows any address"), "kind": "warning"}
    facts = {"label": entry.label, "age": age(entry.confirmed_at)}
    if entry.state != SavedAddress.State.CONFIRMED or entry.confirmed_at is None:
        text = _("“%(label)s”: %(state)s") % {"label": entry.label, "state": entry.get_state_display()}
        return {"name": name, "text": text, "kind": "danger"}
    is_young = (timezone.now() - entry.confirmed_at).days < YOUNG_DAYS
    text = _("saved as “%(label)s” for %(age)s") % facts
    if entry.resembles:
        text = _("saved as “%(label)s” for %(age)s, though it looks like %(address)s") % {
            **facts,
            "address": entry.resembles,
        }
    return {"name": name, "text": text, "kind": "danger" if entry.resembles else "warning" if is_young else "success"}


def _velocity(row: WithdrawalRequest) -> list[dict[str, Any]]:
    """How much this customer asked for lately, this request included, whatever became of it."""
    now = timezone.now()
    windows = {"day": now - dt.timedelta(days=1), "week": now - dt.timedelta(days=7)}
    kept = ~Q(state__in=[State.EXPIRED, State.CANCELLED, State.REJECTED, State.RETURNED])
    sums = WithdrawalRequest.objects.filter(
        kept, customer=row.customer_id, requested_at__gte=windows["week"]
    ).aggregate(
        day=Sum("amount_micro", filter=Q(requested_at__gte=windows["day"])),
        day_count=Count("pk", filter=Q(requested_at__gte=windows["day"])),
        week=Sum("amount_micro"),
        week_count=Count("pk"),
    )
    return [
        {"name": _("Last 24 hours"), "amount": usdt(int(sums["day"] or 0)), "count": sums["day_count"]},
        {"name": _("Last 7 days"), "amount": usdt(int(sums["week"] or 0)), "count": sums["week_count"]},
    ]


def _timeline(row: WithdrawalRequest) -> list[dict[str, Any]]:
    return [
        {
            "at": moment(event.at),
            "state": staff_state(event.to_state),
            "actor": event.actor.email if event.actor else "",
            "reason": event.reason,
        }
        for event in row.events.select_related("actor").order_by("id")[:RECORDS]
    ]


def _approvals(row: WithdrawalRequest) -> list[dict[str, Any]]:
    return [
        {
            "who": each.approver.email,
            "at": moment(each.approved_at),
            "reason": each.reason,
            "digest": each.digest,
            "current": each.revision == row.revision,
            "ip": each.ip_address or "",
        }
        for each in row.approvals.select_related("approver").order_by("id")[:RECORDS]
    ]


def _movements(row: WithdrawalRequest) -> list[dict[str, Any]]:
    """The latest movements of what the customer can spend."""
    return [
        {"at": moment(line.posted_at), "kind": line.kind, "group": line.group or line.key, "amount": usdt(line.amount)}
        for line in ledger.history(f"customer:{row.customer_id}:available", limit=RECENT)
    ]


def _records(row: WithdrawalRequest) -> list[dict[str, Any]]:
    found = ActivityLog.objects.filter(target_type="payouts.withdrawalrequest", target_id=str(row.pk)).order_by("-id")
    return [
        {
            "at": moment(entry.at),
            "who": entry.actor_label,
            "action": entry.action,
            "ip": entry.ip_address or "",
            "agent": entry.user_agent,
        }
        for entry in found[:RECORDS]
    ]


def _payments(row: WithdrawalRequest) -> list[dict[str, Any]]:
    """Each order made for it, with the transactions made for that."""
    orders = PaymentOrder.objects.filter(reference=row.reference).prefetch_related("broadcasts").order_by("id")
    return [
        {
            "order": order,
            "state": order.get_state_display(),
            "broadcasts": [
                {"state": each.get_state_display(), "tx": transaction(each.network, each.tx_hash), "pk": each.pk}
                for each in order.broadcasts.all()
            ],
        }
        for order in orders[:RECENT]
    ]
