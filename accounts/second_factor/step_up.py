"""The one door to proving, right now, that the person at the keyboard is the account's owner.

The proof is a code of their authenticator app or a passkey, given with the deed or at most five minutes before it. The
password alone proves it only for somebody who has no second factor yet, and only where that is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import activity, guesses
from accounts.guesses import CannotCount, Locked
from accounts.login_history import Method, Result, record_refusal
from accounts.models import User

from . import passkeys
from .codes import factors_of, spend_app_code
from .evidence import Witness, evidence_key

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@dataclass(frozen=True, slots=True)
class Proof:
    """That `user_id` was there at `at`, by `method`: "totp", "webauthn", or "password" of who has no second factor."""

    user_id: int
    method: str
    at: datetime
    factor_id: int | None = None
    witness: Witness | None = field(default=None, repr=False)
    """The proof itself, where it was given just now and not earlier in the session."""

    def evidence_of(self, digest: str) -> dict[str, Any]:
        """What to keep beside an approval with this digest. Raises StepUpMissing, WrongPasskey."""
        if self.witness is None:
            raise StepUpMissing
        evidence = self.witness.evidence_of(digest=digest, approver_id=self.user_id)
        if evidence is None:
            raise WrongPasskey
        return evidence


@dataclass(frozen=True, slots=True)
class StepUp:
    """What the person gave, or gave within this session (`proven`). Never logged, stored or put into a task.

    `assertion` is a passkey's answer, and `challenge` the state that it was asked with. `device_id` is the remembered
    device that they are at, None on any other.
    """

    password: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    assertion: Mapping[str, Any] | None = field(default=None, repr=False)
    challenge: Mapping[str, Any] | None = field(default=None, repr=False)
    proven: Proof | None = None
    device_id: int | None = None


class StepUpFailed(Exception):
    """The proof is wrong, missing, or cannot be checked now. `message` may be shown."""

    message: str | Promise = _("The password is not right.")

    def __str__(self) -> str:
        return str(self.message)


class WrongCode(StepUpFailed):
    message = _("The code is not right, or was used already. Wait for the next one.")


class WrongPasskey(StepUpFailed):
    message = _("The passkey was not accepted. Try again.")


class StepUpMissing(StepUpFailed):
    message = _("Confirm that it is you: with a code from your app, or with a passkey.")


class StepUpThrottled(StepUpFailed):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StepUpUnavailable(StepUpFailed):
    message = _("We cannot check that it is you at the moment. Try again in a minute.")


class SecondFactorMissing(StepUpFailed):
    message = _("Set up two-step sign-in first: an authenticator app or a passkey.")


WRONG = {
    WrongCode: (Result.WRONG_CODE, Method.TOTP),
    WrongPasskey: (Result.WRONG_PASSKEY, Method.PASSKEY),
    StepUpFailed: (Result.WRONG_PASSWORD, Method.PASSWORD),
}
"""What a failure is in the login history, and by which step. What was missing was not wrong."""


def has_second_factor(user: User) -> bool:
    """Whether `user` has an authenticator app or a passkey."""
    return bool(kinds_of(user))


def kinds_of(user: User) -> set[str]:
    """Which of an app and passkeys `user` has."""
    return {factor.type for factor in factors_of(user)} & set(FACTORS)


def verify_step_up(
    *, user: User, credential: StepUp, origin: activity.Origin | None = None, factor_needed: bool = True
) -> Proof:
    """Return the proof if `credential` proves that `user` is there; raise StepUpFailed otherwise.

    `factor_needed` False lets the password do for somebody who has no second factor yet.

    Call it before the transaction of the deed: it hashes a password (slow) and asks the cache (network).
    Five wrong tries close the door for a quarter of an hour, for the right answer too: of the remembered device that
    they were made on, or of all other browsers of this person. A proof from this session is no try.
    """
    kinds = kinds_of(user)
    if not kinds and factor_needed:
        raise SecondFactorMissing
    if credential.proven is not None:
        return _still_good(user, credential.proven, has_factor=bool(kinds))
    if not (credential.code or credential.assertion or credential.password):
        raise StepUpMissing
    guess = guesses.at_step_up(user, credential.device_id)
    try:
        guess.count()
    except CannotCount as away:
        raise StepUpUnavailable from away
    except Locked as locked:
        if locked.is_first:
            facts = {"locked": locked.kind}
            activity.record(actor=user, action="step_up.throttled", target=user, facts=facts, origin=origin)
        raise StepUpThrottled(locked.message) from locked
    try:
        proof = _proof(user, credential, has_factor=bool(kinds))
    except StepUpFailed as failed:
        _write_down(user, failed, credential, origin)
        raise
    try:
        guess.was_right()
    except CannotCount as away:
        raise StepUpUnavailable from away
    return proof


def _write_down(user: User, failed: StepUpFailed, credential: StepUp, origin: activity.Origin | None) -> None:
    """In the audit; and what was wrong in the login history too, where the account's owner reads of it."""
    result, method = WRONG.get(type(failed), (None, ""))
    with transaction.atomic():
        activity.record(actor=user, action="step_up.failed", target=user, facts={"method": method}, origin=origin)
        if result is not None:
            record_refusal(
                user=user,
                result=result,
                origin=origin,
                method=f"{Method.CONFIRMATION}+{method}",
                device_id=credential.device_id,
            )


def is_fresh(proof: Proof) -> bool:
    """Whether `proof` is at most STEP_UP_MAX_AGE_SECONDS old (and not of the future)."""
    age = timezone.now() - proof.at
    return timedelta(seconds=-5) <= age <= timedelta(seconds=settings.STEP_UP_MAX_AGE_SECONDS)


def _still_good(user: User, proof: Proof, *, has_factor: bool) -> Proof:
    by_factor = proof.method in FACTORS
    if not user.is_active or proof.user_id != user.pk or not is_fresh(proof) or (has_factor and not by_factor):
        raise StepUpMissing
    return proof


def _proof(user: User, credential: StepUp, *, has_factor: bool) -> Proof:
    if not user.is_active:
        raise StepUpFailed
    now = timezone.now()
    if not has_factor:
        if not (credential.password and user.check_password(credential.password)):
            raise StepUpFailed
        return Proof(user.pk, "password", now)
    if credential.assertion is not None:
        factor = passkeys.factor_of(user, credential.assertion, credential.challenge)
        if factor is None:
            raise WrongPasskey
        factor.record_usage()
        witness = Witness(evidence_key(factor), assertion=credential.assertion)
    elif credential.code:
        # Of an app: a recovery code opens the way back to one's factors, not to money, and is not used up by trying.
        spent = spend_app_code(user, credential.code)
        if spent is None:
            raise WrongCode
        factor = spent.factor
        witness = Witness(evidence_key(factor), seed=spent.seed, step=spent.step)
    else:
        raise StepUpMissing
    return Proof(user.pk, factor.type, now, factor.pk, witness)
