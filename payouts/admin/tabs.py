"""The queue's tabs: each a condition that a partial index serves, counted no further than "99+"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.staff.keyset import capped_count, shown_count
from payouts.models import WithdrawalApproval, WithdrawalRequest

State = WithdrawalRequest.State
Requests = QuerySet[WithdrawalRequest]


def to_review(found: Requests, user_id: int) -> Requests:
    return found.filter(state=State.IN_REVIEW)


def mine(found: Requests, user_id: int) -> Requests:
    """What this person has claimed, while the claim runs."""
    return found.filter(
        claimed_by=user_id, claimed_until__gt=timezone.now(), state__in=[State.IN_REVIEW, State.ON_HOLD]
    )


def second_approval(found: Requests, user_id: int) -> Requests:
    """One person has said yes to what it is now; another must. Those who have said yes already need not look."""
    current = WithdrawalApproval.objects.filter(withdrawal=OuterRef("pk"), revision=OuterRef("revision"))
    return found.filter(
        Exists(current), ~Exists(current.filter(approver=user_id)), state=State.IN_REVIEW, approvals_required__gt=1
    )


def on_hold(found: Requests, user_id: int) -> Requests:
    return found.filter(state=State.ON_HOLD)


def under_way(found: Requests, user_id: int) -> Requests:
    return found.filter(state__in=[State.APPROVED, State.ORDERED, State.SENT])


def failed(found: Requests, user_id: int) -> Requests:
    return found.filter(state=State.FAILED)


def everything(found: Requests, user_id: int) -> Requests:
    return found


@dataclass(frozen=True, slots=True)
class Tab:
    """`narrow` takes all requests to the tab's; `newest_first` is the order that its work is done in."""

    key: str
    title: Any
    narrow: Callable[[Requests, int], Requests]
    newest_first: bool = False
    counted: bool = True


TABS: tuple[Tab, ...] = (
    Tab("review", _("To review"), to_review),
    Tab("mine", _("Mine"), mine),
    Tab("second", _("Second approval"), second_approval),
    Tab("hold", _("On hold"), on_hold),
    Tab("sent", _("Sent"), under_way, newest_first=True),
    Tab("failed", _("Failed"), failed),
    Tab("all", _("All"), everything, newest_first=True, counted=False),
)
BY_KEY = {tab.key: tab for tab in TABS}


def tab_of(params: dict[str, Any]) -> Tab:
    """The tab that a query string asks for. A search looks everywhere."""
    if params.get("q"):
        return BY_KEY["all"]
    return BY_KEY.get(str(params.get("tab", "")), TABS[0])


def tab_links(chosen: Tab, user_id: int) -> list[dict[str, Any]]:
    """What the row of tabs shows: a handful of bounded index reads."""
    links = []
    for tab in TABS:
        count = capped_count(tab.narrow(WithdrawalRequest.objects.all(), user_id)) if tab.counted else 0
        links.append(
            {
                "key": tab.key,
                "title": tab.title,
                "count": shown_count(count) if tab.counted else "",
                "empty": not count,
                "active": tab is chosen,
                "href": f"?tab={tab.key}",
            }
        )
    return links
