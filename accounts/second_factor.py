"""The one door to proving, right now, that the person at the keyboard is the account's owner.

For now the proof is the password again; real second factors come behind the same call.
"""

from dataclasses import dataclass, field

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from . import activity
from .models import User

TRIES_MAX = 5
TRIES_WINDOW_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class StepUp:
    """What the person gave. Never logged, stored or put into a task."""

    password: str = field(repr=False)


class StepUpFailed(Exception):
    """The proof is wrong, missing, or cannot be checked now. `message` may be shown."""

    message = _("The password is not right.")

    def __str__(self) -> str:
        return str(self.message)


class StepUpThrottled(StepUpFailed):
    message = _("Too many wrong passwords. Try again in 15 minutes.")


class StepUpUnavailable(StepUpFailed):
    message = _("Your password cannot be checked at the moment. Try again in a minute.")


def verify_step_up(*, user: User, credential: StepUp, origin: activity.Origin | None = None) -> None:
    """Return if `credential` proves that `user` is there; raise StepUpFailed otherwise.

    Call it before the transaction of the deed: it hashes a password (slow) and asks the cache (network).
    Five wrong tries within fifteen minutes close the door until they are over, for the right password too.
    """
    key = f"step-up:{user.pk}"
    tries = _count_try(key)
    if tries > TRIES_MAX:
        if tries == TRIES_MAX + 1:
            activity.record(actor=user, action="step_up.throttled", target=user, origin=origin)
        raise StepUpThrottled
    if not (user.is_active and credential.password and user.check_password(credential.password)):
        activity.record(actor=user, action="step_up.failed", target=user, origin=origin)
        raise StepUpFailed
    _forget_tries(key)


def _count_try(key: str) -> int:
    """Tries in the window with this one, counted before the check so that parallel guesses count too."""
    try:
        cache.add(key, 0, TRIES_WINDOW_SECONDS)
        return cache.incr(key)
    except ValueError:  # the window closed between the two calls
        return 1
    except RedisError as error:
        raise StepUpUnavailable from error


def _forget_tries(key: str) -> None:
    try:
        cache.delete(key)
    except RedisError as error:
        raise StepUpUnavailable from error
