"""Passkeys beside allauth's own pages: asked for on any form of ours, and bound to what is approved.

A challenge is random, or the digest of exactly what somebody approves; it is kept in the session and good once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError
from fido2.webauthn import UserVerificationRequirement

from accounts.models import User


def begin(user: User, *, challenge: bytes | None = None) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What to ask the browser for, and the state to check its answer with; None for somebody without a passkey."""
    credentials = auth.get_credentials(user)
    if not credentials:
        return None
    options, state = auth.get_server().authenticate_begin(
        credentials=credentials, user_verification=UserVerificationRequirement.PREFERRED, challenge=challenge
    )
    return dict(options), dict(state)


def factor_of(user: User, assertion: Mapping[str, Any], state: Mapping[str, Any] | None) -> Authenticator | None:
    """The passkey of `user` that signed the challenge of `state`, or None."""
    if not state:
        return None
    try:
        auth.parse_authentication_response(dict(assertion))
        found = auth.get_server().authenticate_complete(dict(state), auth.get_credentials(user), dict(assertion))
    except (ValidationError, ValueError, TypeError, KeyError):
        return None
    factor = auth.get_authenticator_by_credential_id(user, found.credential_id)
    if factor is not None:
        factor.user = user
    return factor
