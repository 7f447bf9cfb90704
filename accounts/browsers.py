"""Browsers that nobody has let in, told apart for as long as wrong guesses are remembered.

A page of the sign-in gives each a random name in a signed cookie that lives for a day. Whoever sends none is known by
address and User-Agent: throwing the cookie away makes nobody new. See `guesses.py`; remembered browsers are in
`devices.py`.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from . import activity

SALT: Final = "accounts.browsers:v1"
LIVES_SECONDS: Final = 24 * 3600
PAGES: Final = "/account/"


def name_of(request: HttpRequest) -> str:
    """What tells this browser from others: its cookie if it is one of ours, else where it comes from and what it is."""
    given = _cookie_in(request)
    if given:
        return f"cookie:{given}"
    origin = activity.origin_of(request)
    seen = f"{origin.ip_address}\n{origin.user_agent}".encode("utf-8", "surrogatepass")
    return f"seen:{hashlib.sha256(seen).hexdigest()}"


def set_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Name the browser, on a page where somebody may sign in."""
    if request.path.startswith(PAGES) and not _cookie_in(request):
        response.set_signed_cookie(
            settings.BROWSER_COOKIE_NAME,
            secrets.token_urlsafe(16),
            salt=SALT,
            max_age=LIVES_SECONDS,
            path="/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _cookie_in(request: HttpRequest) -> str:
    """A changed one, one of another installation and an old one are none."""
    return str(request.get_signed_cookie(settings.BROWSER_COOKIE_NAME, "", salt=SALT, max_age=LIVES_SECONDS))
