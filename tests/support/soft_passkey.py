"""A passkey without a browser: a real key that answers real challenges, as an authenticator would."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

Flag = AuthenticatorData.FLAG


class SoftPasskey:
    """Of `user`, who has it set up by this."""

    def __init__(self, user: Any) -> None:
        self.user_handle = user_pk_to_url_str(user).encode()
        self.credential_id = secrets.token_bytes(16)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.factor = Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": self._registration()}
        )

    def answer(self, options: dict[str, Any], *, wrong: bool = False) -> dict[str, Any]:
        """To what a page asks; `wrong`: signed by another key."""
        challenge = options["publicKey"]["challenge"]
        client_data = self._client_data(CollectedClientData.TYPE.GET, challenge)
        seen = AuthenticatorData.create(self._rp_hash(), Flag.UP | Flag.UV, 1)
        key = ec.generate_private_key(ec.SECP256R1()) if wrong else self.key
        return self._credential(
            clientDataJSON=client_data,
            authenticatorData=seen,
            signature=key.sign(seen + client_data.hash, ec.ECDSA(hashes.SHA256())),
            userHandle=self.user_handle,
        )

    def _registration(self) -> dict[str, Any]:
        public = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public)
        seen = AuthenticatorData.create(self._rp_hash(), Flag.UP | Flag.UV | Flag.AT, 0, made)
        client_data = self._client_data(CollectedClientData.TYPE.CREATE, secrets.token_bytes(32))
        return self._credential(
            clientDataJSON=client_data, attestationObject=AttestationObject.create("none", seen, {})
        )

    def _credential(self, **response: bytes) -> dict[str, Any]:
        name = websafe_encode(self.credential_id)
        answered = {key: websafe_encode(bytes(value)) for key, value in response.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": answered, "clientExtensionResults": {}}

    @staticmethod
    def _client_data(kind: str, challenge: bytes | str) -> CollectedClientData:
        asked = websafe_decode(challenge) if isinstance(challenge, str) else challenge
        return CollectedClientData.create(kind, asked, settings.SITE_URL)

    @staticmethod
    def _rp_hash() -> bytes:
        return hashlib.sha256((urlsplit(settings.SITE_URL).hostname or "").encode()).digest()
