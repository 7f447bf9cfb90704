"""The secrets in links of mails about an account: made when the mail is rendered, stored nowhere.

Each purpose has its own salt, so that no token opens another's page. Mail scanners open links: a page behind one shows
what would happen, and only its button (a POST) does it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing

from .mail import link

NOT_ME_SALT = "accounts.not-me:v1"
NOT_ME_PATH = "/security/not-me/{token}/"
NOT_ME_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class NotMe:
    """ "This wasn't me": whose account is to be closed up, and what they were told of. `expired`: its week is over."""

    user_id: int
    about: str
    expired: bool


def not_me_url(*, user_id: int, about: str) -> str:
    """The link by which a person who did not do what the mail `about` tells stops withdrawals and ends sessions.

    It needs no sign-in: whoever took the account over may have changed the password.
    """
    return link(NOT_ME_PATH.format(token=signing.dumps([user_id, about], salt=NOT_ME_SALT)))


def read_not_me(token: str) -> NotMe | None:
    """What the token of such a link says, or None for one that we did not make."""
    try:
        user_id, about = signing.loads(token, salt=NOT_ME_SALT)
        return NotMe(int(user_id), str(about), expired=_is_too_old(token, NOT_ME_SALT, NOT_ME_SECONDS))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def _is_too_old(token: str, salt: str, seconds: int) -> bool:
    try:
        signing.loads(token, salt=salt, max_age=seconds)
    except signing.SignatureExpired:
        return True
    return False
