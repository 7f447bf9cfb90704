"""How allauth's second factors behave here: seeds encrypted, names of keys told apart, none taken from staff."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from . import secrets
from .codes import factors_of


class SecondFactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(encrypted_text)

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """As allauth's, by what was read of this very person before, if anything was."""
        if user.is_anonymous:
            return False
        kinds = {factor.type for factor in factors_of(user)}
        return bool(kinds if types is None else kinds & set(types))

    def get_totp_issuer(self) -> str:
        return str(settings.SITE_NAME)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Of the site's own address, not of the Host header: a passkey made here is good here only."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "localhost", "name": str(settings.SITE_NAME)}

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep one: without it they could not come in, and a thief with their session could."""
        if not authenticator.user.is_staff:
            return True
        kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
        others = Authenticator.objects.filter(user=authenticator.user_id, type__in=kinds).exclude(pk=authenticator.pk)
        return others.exists()
