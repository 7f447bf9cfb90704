"""Sessions in the database, as Django's own, read through a statement that each connection plans once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from treasury.statements import columns_of, fetched


class SessionStore(db.SessionStore):
    """Every page of somebody who is signed in begins with reading theirs."""

    def _get_session_from_db(self) -> Any:
        statement = (
            f"SELECT {columns_of(Session, 's')} FROM django_session s"  # noqa: S608  # the names of its columns
            " WHERE session_key = %(key)s AND expire_date > %(now)s"
        )
        for session, _more in fetched(Session, statement, {"key": self.session_key, "now": timezone.now()}):
            return session
        self._session_key = None
        return None
