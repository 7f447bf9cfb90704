"""What is kept of a proof beside an approval: enough for somebody who trusts neither the row nor us to check it again.

A passkey's answer is a signature over exactly what was approved. A code of an app is six digits, which say nothing of
what they were given for and could be tried out; so beside the half minute whose code was given stands a keyed hash of
what was approved, under a key made of the app's seed, which the database does not hold in the clear.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from fido2 import cbor
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse

TOTP = "totp"
WEBAUTHN = "webauthn"

_RECORD = b"exchequer-approval-by-app:v1"


@dataclass(frozen=True, slots=True)
class Witness:
    """The proof itself, for as long as the request lasts: the app's half minute, or the passkey's checked answer."""

    key: str
    seed: str = field(default="", repr=False)
    step: int = 0
    assertion: Mapping[str, Any] | None = field(default=None, repr=False)

    def evidence_of(self, *, digest: str, approver_id: int) -> dict[str, Any] | None:
        """What to keep of it for an approval with this digest (64 hex digits); None if it was given for another one."""
        if self.assertion is None:
            record = app_record(self.seed, digest=digest, approver_id=approver_id, step=self.step)
            return {"kind": TOTP, "key": self.key, "step": self.step, "record": record}
        answer = AuthenticationResponse.from_dict(dict(self.assertion)).response
        if answer.client_data.challenge != bytes.fromhex(digest):
            return None
        return {
            "kind": WEBAUTHN,
            "key": self.key,
            "client_data": websafe_encode(answer.client_data),
            "authenticator_data": websafe_encode(answer.authenticator_data),
            "signature": websafe_encode(answer.signature),
        }


def evidence_key(factor: Authenticator) -> str:
    """What evidence calls the factor: a passkey by its credential's id, an app by its number here."""
    if factor.type == Authenticator.Type.WEBAUTHN:
        return websafe_encode(factor.wrap().authenticator_data.credential_data.credential_id)
    return f"{TOTP}:{factor.pk}"


def public_key_of(passkey: Authenticator) -> bytes:
    """The passkey's public key: COSE (RFC 9052), in CBOR."""
    return cbor.encode(dict(passkey.wrap().authenticator_data.credential_data.public_key))


def fingerprint(public_key: bytes) -> str:
    """64 bits of SHA-256 in groups of four hex digits, for two people to compare."""
    digits = hashlib.sha256(public_key).hexdigest()[:16]
    return " ".join(digits[place : place + 4] for place in range(0, 16, 4))


def app_record(seed: str, *, digest: str, approver_id: int, step: int) -> str:
    """64 hex digits that nobody makes without the app's seed: HMAC-SHA256 over who approved what, and when."""
    key = hmac.digest(seed.encode("ascii"), _RECORD, hashlib.sha256)
    return hmac.new(key, f"{approver_id}\n{step}\n{digest}".encode("ascii"), hashlib.sha256).hexdigest()
