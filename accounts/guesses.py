"""How often somebody may guess a password or a code: counted before it is looked at, and past the limit the right one
is refused too, for a quarter of an hour.

A browser that the account's owner has let in (`devices.py`) is counted for itself alone: whoever guesses elsewhere
locks nobody out of the browser that they use. All others are strangers. Each of them is counted over all the accounts
that it tries, and all of them together at one account, however many browsers, cookies and addresses they are. allauth
counts strangers by address, besides (`login_failed` of ACCOUNT_RATE_LIMITS).

    guess = guesses.at_sign_in(request, email, device_id=devices.known_device(request, email))
    guess.count()  # raises Locked
    ...            # look at it
    guess.was_right()
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from . import browsers
from .models import User

TRIES_MAX: Final = 5
"""Wrong guesses of one browser, known or not, and of one person who is signed in."""
STRANGERS_TRIES_MAX: Final = 10
"""Wrong guesses of all unknown browsers together at one account."""
ADDRESS_MINUTES: Final = 1
"""The window of allauth's limit per address."""


class Locked(Exception):
    """Nothing is looked at before `minutes` have passed. `kind` says what is locked, `is_first` whether only now."""

    def __init__(self, kind: str, minutes: int, *, is_first: bool) -> None:
        super().__init__(kind)
        self.kind, self.minutes, self.is_first = kind, minutes, is_first

    @property
    def message(self) -> str:
        """For the person at the keyboard. The same for an account that does not exist."""
        if self.kind != "account":
            return too_many(self.minutes)
        text = ngettext(
            "Too many wrong tries at this account. Try again in %(minutes)s minute, or use a browser in which you"
            " have signed in before.",
            "Too many wrong tries at this account. Try again in %(minutes)s minutes, or use a browser in which you"
            " have signed in before.",
            self.minutes,
        )
        return text % {"minutes": self.minutes}


def too_many(minutes: int) -> str:
    """What somebody reads who has to wait."""
    text = ngettext(
        "Too many wrong tries. Try again in %(minutes)s minute.",
        "Too many wrong tries. Try again in %(minutes)s minutes.",
        minutes,
    )
    return text % {"minutes": minutes}


class CannotCount(Exception):
    """The cache is away: nothing can be guessed meanwhile."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`kind` is "device", "browser", "account" or "step_up"."""

    kind: str
    name: str
    most: int = TRIES_MAX

    @property
    def key(self) -> str:
        return f"guesses:{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess, before it is looked at. `forgives`: once it was right the wrong ones before it are forgotten."""

    limits: tuple[Limit, ...]
    forgives: bool = False

    @property
    def is_of_known_device(self) -> bool:
        return self.limits[0].kind == "device"

    def count(self) -> None:
        """Raises Locked where there were too many, CannotCount without the cache."""
        try:
            for limit in self.limits:
                _count(limit)
        except RedisError as error:
            raise CannotCount from error

    def was_right(self) -> None:
        """This one was no guess. Elsewhere than in a step-up the others stay: who knows a password, and signs in with
        it now and then, gets no more tries at somebody else's, or at the second step."""
        try:
            for limit in self.limits:
                if self.forgives:
                    cache.delete(limit.key)
                else:
                    _take_back(limit)
        except RedisError as error:
            raise CannotCount from error


def at_sign_in(request: HttpRequest, email: str, *, device_id: int | None) -> Guess:
    """At the password, the mailed code or the second step of the account with this address, be there one or not."""
    if device_id is not None:
        return Guess((Limit("device", str(device_id)),))
    return Guess((Limit("browser", browsers.name_of(request)), Limit("account", _digest(email), STRANGERS_TRIES_MAX)))


def at_passkey_sign_in(request: HttpRequest, email: str, *, device_id: int | None) -> Guess:
    """As `at_sign_in`, but that the account's strangers are not counted: whose passkey it is, the browser says itself,
    and could lock them with a word."""
    return Guess(at_sign_in(request, email, device_id=device_id).limits[:1])


def at_step_up(user: User, device_id: int | None) -> Guess:
    """At the code or passkey of somebody who is signed in, on a device of theirs or on some other."""
    return Guess((Limit("step_up", f"{user.pk}:{device_id or 'strangers'}"),), forgives=True)


def _count(limit: Limit) -> None:
    """Each parallel one counts. The last that is looked at starts the quarter of an hour anew."""
    seconds = settings.GUESSES_LOCKED_SECONDS
    cache.add(limit.key, 0, seconds)
    try:
        tries = cache.incr(limit.key)
    except ValueError:  # the window closed between the two calls
        return
    if tries == limit.most:
        cache.touch(limit.key, seconds)
        cache.set(f"{limit.key}:until", time.time() + seconds, seconds)
    if tries > limit.most:
        left = float(cache.get(f"{limit.key}:until", time.time() + seconds)) - time.time()
        raise Locked(limit.kind, max(1, math.ceil(left / 60)), is_first=tries == limit.most + 1)


def _take_back(limit: Limit) -> None:
    try:
        cache.decr(limit.key)
    except ValueError:  # the window has closed
        return


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode("utf-8", "surrogatepass")).hexdigest()
