"""Codes that a person types: of an authenticator app, or from the list of recovery codes. Each is good once.

allauth's own check forgets a used code with the cache; here each step of an app's clock is spent in the database, so
that a code that somebody read over a shoulder, or out of the traffic, is worth nothing, whatever became of the cache.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.db import connection

from accounts.models import User

from . import secrets

TOTP_STEP_SECONDS = 30
STEPS_EITHER_WAY = 1
"""A clock may be half a minute off, or the person slow. RFC 6238, section 5.2, recommends at most one step."""


def factors_of(user: User) -> list[Authenticator]:
    """Every factor of `user`, the app first; read once for this very object, which lives as long as a request."""
    known: list[Authenticator] | None = user.__dict__.get(_KNOWN)
    if known is None:
        known = list(Authenticator.objects.filter(user=user.pk).order_by("-type", "pk"))
        for factor in known:
            factor.user = user
        user.__dict__[_KNOWN] = known
    return known


def forget_factors(user: User) -> None:
    """They have changed: read them anew when they are asked for."""
    user.__dict__.pop(_KNOWN, None)


def check_code(user: User, code: str) -> Authenticator | None:
    """The factor of `user` that `code` belongs to, the code being spent by this; None if it is wrong or was used.

    One query for the factors, unless they are known, and one that spends the code and notes the factor's use.
    """
    spent = spend_app_code(user, code)
    if spent is not None:
        return spent.factor
    given = _digits(code)
    for factor in factors_of(user):
        if given and factor.type == Authenticator.Type.RECOVERY_CODES and factor.wrap().validate_code(given):
            factor.record_usage()
            return factor
    return None


@dataclass(frozen=True, slots=True)
class SpentAppCode:
    """An app's code that was good and no longer is: whose, of which half minute, and the seed that it was made of."""

    factor: Authenticator
    step: int
    seed: str = field(repr=False)


def spend_app_code(user: User, code: str) -> SpentAppCode | None:
    """As `check_code`, of an app alone: a recovery code is neither taken nor used up."""
    given = _digits(code)
    if len(given) != settings.MFA_TOTP_DIGITS:
        return None
    for factor in factors_of(user):
        if factor.type == Authenticator.Type.TOTP and (spent := _spend(factor, given)) is not None:
            return spent
    return None


def totp_code(seed: str, step: int) -> str:
    """The six digits of an app's clock at `step` (RFC 6238)."""
    return format_hotp_value(hotp_value(seed, step))


def current_step() -> int:
    """Half minutes since 1970."""
    return int(time.time()) // TOTP_STEP_SECONDS


def matching_step(seed: str, code: str, *, now_step: int) -> int | None:
    """The step near `now_step` whose code is `code`, or None. Every step is compared, so that none is told by time."""
    found = None
    for step in range(now_step - STEPS_EITHER_WAY, now_step + STEPS_EITHER_WAY + 1):
        if hmac.compare_digest(totp_code(seed, step), code):
            found = step
    return found


def _digits(code: str) -> str:
    """The code as it is compared; empty if it cannot be one."""
    given = "".join(code.split()).replace("-", "")
    return given if given.isascii() and given.isdigit() else ""


def _spend(factor: Authenticator, code: str) -> SpentAppCode | None:
    seed = secrets.decrypt(factor.data["secret"])
    step = matching_step(seed, code, now_step=current_step())
    if step is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [factor.pk, step])
        return SpentAppCode(factor, step, seed) if cursor.rowcount else None


_SPEND = """
WITH spent AS (INSERT INTO accounts_spentcode (factor, step, at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING
               RETURNING factor)
UPDATE mfa_authenticator SET last_used_at = now() FROM spent WHERE mfa_authenticator.id = spent.factor
"""
_KNOWN = "_known_second_factors"
