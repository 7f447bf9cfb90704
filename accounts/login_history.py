"""The login history: writes a line for each try at an account, and says which sign-ins are odd.

Who hears of tries is `sign_ins.py`. A sign-in costs one read of the one before it and one insert, a refusal one insert;
an odd sign-in is also told to its owner and to the audit, in one commit with its line.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Exists
from django.utils import timezone

from . import activity
from .activity import Origin
from .geoip import place_of
from .models import LoginHistory, User
from .odd_sign_ins import Seen, is_impossible_travel, is_new_country
from .outbox import queue_mail
from .user_agents import browser_of

Result = LoginHistory.Result
Method = LoginHistory.Method
PAGE = 20
ODD_MAIL = "new_sign_in"


def record_sign_in(
    *, user: User, origin: Origin | None, method: str = "", device_id: int | None = None
) -> LoginHistory:
    """Note that `user` signed in. What is odd about it is in the row."""
    row = _row(user, Result.SUCCESS, origin, method, device_id)
    before = _before(row) if row.country else None
    if before is not None:
        row.new_country = is_new_country(row.country, known_before=True, seen_before=before.seen_here)  # type: ignore[attr-defined]  # annotated
        row.impossible_travel = is_impossible_travel(_seen(before), _seen(row))
    if not row.is_flagged:
        row.save(force_insert=True)
        return row
    with transaction.atomic():
        row.save(force_insert=True)
        activity.record(actor=user, action="account.sign_in_flagged", target=user, facts=_facts(row), origin=origin)
        queue_mail(key=f"{ODD_MAIL}:{row.pk}", template=ODD_MAIL, user=user, facts=_facts(row))
    return row


def record_refusal(
    *, user: User, result: LoginHistory.Result, origin: Origin | None, method: str = "", device_id: int | None = None
) -> LoginHistory:
    """Note that somebody tried to sign in as `user` and was not let in, or not yet."""
    if result == Result.SUCCESS:
        raise ValueError("a sign-in is no refusal")
    row = _row(user, result, origin, method, device_id)
    row.save(force_insert=True)
    return row


def sign_ins_of(user_id: int, *, before_id: int | None = None, limit: int = PAGE) -> list[LoginHistory]:
    """The tries at one account, newest first. `before_id`: the last id of the page before."""
    rows = LoginHistory.objects.filter(user=user_id).order_by("-id")
    return list((rows if before_id is None else rows.filter(pk__lt=before_id))[:limit])


def last_sign_in_of(user_id: int) -> LoginHistory | None:
    """The latest that got in."""
    return LoginHistory.objects.filter(user=user_id, result=Result.SUCCESS).order_by("-id").first()


def last_flagged_of(user_id: int) -> LoginHistory | None:
    """The latest that got in and was odd."""
    odd = LoginHistory.objects.filter(new_country=True) | LoginHistory.objects.filter(impossible_travel=True)
    return odd.filter(user=user_id).order_by("-id").first()


def _row(
    user: User, result: LoginHistory.Result, origin: Origin | None, method: str, device_id: int | None
) -> LoginHistory:
    origin = origin or Origin()
    place, browser = place_of(origin.ip_address), browser_of(origin.user_agent)
    return LoginHistory(
        user=user,
        at=timezone.now(),
        result=result,
        method=method[:64],
        ip_address=origin.ip_address,
        country=place.country,
        city=place.city,
        latitude=place.latitude,
        longitude=place.longitude,
        browser=browser.name,
        system=browser.system,
        device_id=device_id,
    )


def _before(row: LoginHistory) -> LoginHistory | None:
    """The last sign-in from a known place, and whether there was ever one from this country (`seen_here`)."""
    signed_in = LoginHistory.objects.filter(user=row.user_id, result=Result.SUCCESS)
    return (
        signed_in.exclude(country="")
        .annotate(seen_here=Exists(signed_in.filter(country=row.country)))
        .order_by("-id")
        .first()
    )


def _seen(row: LoginHistory) -> Seen:
    return Seen(row.at, row.country, row.latitude, row.longitude)


def _facts(row: LoginHistory) -> dict[str, Any]:
    """What the mail and the audit tell of an odd sign-in."""
    return {
        "sign_in_id": row.pk,
        "at": row.at.isoformat(),
        "ip": row.ip_address,
        "country": row.country,
        "city": row.city,
        "browser": row.browser,
        "system": row.system,
        "method": row.method,
        "new_country": row.new_country,
        "impossible_travel": row.impossible_travel,
    }
