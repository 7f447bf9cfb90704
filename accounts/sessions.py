"""Signed-in browsers: which there are, and ending them. Ending one deletes Django's session, so its next page is the
sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from . import activity
from .models import User, UserSession

SESSIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A signed-in browser. `is_current`: the one that asks."""

    session: UserSession
    is_current: bool


def live_sessions(*, user_id: int, current_key: str | None) -> list[LiveSession]:
    """The person's signed-in browsers, this one first, then the newest; in one query."""
    rows = UserSession.objects.raw(
        "SELECT s.* FROM accounts_usersession AS s"
        " JOIN django_session AS d ON d.session_key = s.session_key AND d.expire_date > now()"
        " WHERE s.user_id = %s AND s.ended_at IS NULL ORDER BY (s.session_key = %s) DESC, s.id DESC LIMIT %s",
        [user_id, current_key or "", SESSIONS_SHOWN],
    )
    return [LiveSession(row, row.session_key == current_key) for row in rows]


def end_sessions(
    *,
    user_id: int,
    by: str,
    session_id: int | None = None,
    device_id: int | None = None,
    except_key: str | None = None,
) -> int:
    """End the person's sessions, or only those of one id or device; returns how many. `by` says why.

    Joins the caller's transaction.
    """
    narrowed = "".join(
        (
            " AND id = %(session)s" if session_id is not None else "",
            " AND device_id = %(device)s" if device_id is not None else "",
            " AND session_key <> %(kept)s" if except_key else "",
        )
    )
    statement = (
        "WITH ended AS (UPDATE accounts_usersession SET ended_at = now(), ended_by = %(by)s"  # noqa: S608  # constants
        f" WHERE user_id = %(user)s AND ended_at IS NULL{narrowed} RETURNING session_key)"
        " DELETE FROM django_session WHERE session_key IN (SELECT session_key FROM ended)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"by": by, "user": user_id, "session": session_id, "device": device_id, "kept": except_key},
        )
        return cursor.rowcount


def close(*, session_key: str, by: str) -> None:
    """The session has ended by itself: its row says so."""
    UserSession.objects.filter(session_key=session_key, ended_at=None).update(ended_at=timezone.now(), ended_by=by)


def end_session(*, user_id: int, session_id: int, origin: activity.Origin | None = None) -> bool:
    """End one session of this person, by their own wish. False for one that is not theirs, or is over."""
    with transaction.atomic():
        ended = end_sessions(user_id=user_id, session_id=session_id, by="owner")
        if ended:
            _audit(user_id, ended, origin)
    return bool(ended)


def end_other_sessions(*, user_id: int, current_key: str | None, origin: activity.Origin | None = None) -> int:
    """End all but the session that asks; returns how many."""
    with transaction.atomic():
        ended = end_sessions(user_id=user_id, by="owner", except_key=current_key or "-")
        if ended:
            _audit(user_id, ended, origin)
    return ended


def _audit(user_id: int, ended: int, origin: activity.Origin | None) -> None:
    user = User.objects.get(pk=user_id)
    activity.record(actor=user, action="sessions.ended", target=user, facts={"sessions": ended}, origin=origin)
