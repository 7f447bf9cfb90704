"""A passkey in software: keeps its key here and answers as a browser would, or as a thief would like to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestedCredentialData, AuthenticatorData

from accounts.models import User

USER_PRESENT, USER_VERIFIED = 0x01, 0x04


@dataclass
class Passkey:
    """P-256, for the site of the settings."""

    credential_id: bytes = field(default_factory=lambda: token_bytes(32))
    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    @property
    def key(self) -> str:
        return websafe_encode(self.credential_id)

    @property
    def public_key(self) -> bytes:
        """COSE, in CBOR."""
        return cbor.encode(dict(ES256.from_cryptography_key(self.secret.public_key())))

    def enrol(self, user: User, name: str = "Key") -> Authenticator:
        """As allauth stores a passkey of `user`."""
        self.user_handle = user_pk_to_url_str(user).encode()
        data = AttestedCredentialData.create(
            b"\0" * 16, self.credential_id, ES256.from_cryptography_key(self.secret.public_key())
        )
        made = AuthenticatorData.create(self._site_hash(), AuthenticatorData.FLAG.AT | USER_PRESENT, 0, data)
        client = self._client_data(b"made once", kind="webauthn.create", origin=settings.SITE_URL, cross_origin=False)
        credential = {
            "id": self.key,
            "rawId": self.key,
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(client),
                "attestationObject": websafe_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": made})),
            },
        }
        return Authenticator.objects.create(
            user=user,
            type=Authenticator.Type.WEBAUTHN,
            data={"name": name, "credential": credential, "passwordless": False},
        )

    def assertion(
        self,
        challenge: bytes,
        *,
        origin: str = "",
        site: str = "",
        kind: str = "webauthn.get",
        flags: int = USER_PRESENT | USER_VERIFIED,
        cross_origin: bool = False,
    ) -> dict[str, Any]:
        """What the browser sends; everything but `challenge` can be made wrong."""
        answered = AuthenticatorData.create(self._site_hash(site), flags, 7)
        client = self._client_data(challenge, kind=kind, origin=origin or settings.SITE_URL, cross_origin=cross_origin)
        signature = self.secret.sign(answered + sha256(client).digest(), ec.ECDSA(SHA256()))
        return {
            "id": self.key,
            "rawId": self.key,
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(answered),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(self.user_handle),
            },
        }

    def answer(self, options: dict[str, Any], *, wrong: bool = False) -> dict[str, Any]:
        """To what a page asks; `wrong`: signed by another key."""
        key = replace(self, secret=ec.generate_private_key(ec.SECP256R1())) if wrong else self
        return key.assertion(websafe_decode(options["publicKey"]["challenge"]))

    def evidence(self, challenge: bytes, **wrong: Any) -> dict[str, Any]:
        """What an approval keeps of `assertion`."""
        answer = self.assertion(challenge, **wrong)["response"]
        return {
            "kind": "webauthn",
            "key": self.key,
            "client_data": answer["clientDataJSON"],
            "authenticator_data": answer["authenticatorData"],
            "signature": answer["signature"],
        }

    @staticmethod
    def _client_data(challenge: bytes, *, kind: str, origin: str, cross_origin: bool) -> bytes:
        said = {"type": kind, "challenge": websafe_encode(challenge), "origin": origin, "crossOrigin": cross_origin}
        return json.dumps(said).encode()

    @staticmethod
    def _site_hash(site: str = "") -> bytes:
        return sha256((site or urlsplit(settings.SITE_URL).hostname or "").encode()).digest()
