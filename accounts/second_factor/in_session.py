"""Proofs that somebody is at the keyboard, between the pages and the operations: asked for, kept for five minutes.

allauth keeps, in the session, how and when somebody proved themselves there; a proof given on a form of ours is kept in
the same place, so that a page of allauth's, or of ours, asks once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts import devices
from accounts.models import User

from . import passkeys
from .step_up import Proof, StepUp, is_fresh

CHALLENGE = "step_up_challenge"


def proof_in(request: HttpRequest, user: User) -> Proof | None:
    """What this session has proven within the last minutes, if anything."""
    for record in reversed(get_authentication_records(request, user)):
        if record.get("reauthenticated") and record["method"] in ("mfa", "password"):
            kind = record.get("type", "password")
            if kind == Authenticator.Type.RECOVERY_CODES:
                continue  # opens the way back to one's factors, not to money
            proof = Proof(user.pk, kind, datetime.fromtimestamp(record["at"], UTC), record.get("id"))
            return proof if is_fresh(proof) else None
    return None


def keep(request: HttpRequest, user: User, proof: Proof) -> None:
    """Remember `proof` in the session, unless it came from there."""
    if proof.method == "password":
        record_authentication(request, user, "password", reauthenticated=True)
    else:
        record_authentication(request, user, "mfa", type=proof.method, id=proof.factor_id, reauthenticated=True)


def challenge(request: HttpRequest, user: User, *, text: bytes | None = None) -> dict[str, Any] | None:
    """What to ask this browser's passkey; None for somebody without one. The answer is good once, for this session."""
    begun = passkeys.begin(user, challenge=text)
    if begun is None:
        return None
    options, state = begun
    request.session[CHALLENGE] = state
    return options


def given(request: HttpRequest, user: User, cleaned: Mapping[str, Any], *, proof: Proof | None) -> StepUp:
    """The step-up that the form holds, or else `proof`, which the session remembers."""
    code, password = str(cleaned.get("code") or ""), str(cleaned.get("password") or "")
    assertion = cleaned.get("credential") or None
    if code or assertion or password:
        state = request.session.pop(CHALLENGE, None) if assertion else None
        device_id = devices.known_device(request, user.email)
        return StepUp(password=password, code=code, assertion=assertion, challenge=state, device_id=device_id)
    return StepUp(proven=proof)
