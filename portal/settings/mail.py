"""Who carries our mail: an SMTP server, or a provider's HTTP interface by anymail. The environment chooses.

`MAIL_PROVIDER` names it; what it needs comes as `ANYMAIL_<NAME>`. What is missing stops the process at its start.
Amazon SES and SendGrid are used by their SMTP interfaces: the first one's other would bring boto3, and
anymail no longer supports the second one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

SMTP = "smtp"
SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
PREFIX = "ANYMAIL_"


@dataclass(frozen=True, slots=True)
class Provider:
    """Names of anymail's settings, without the prefix that the environment gives them."""

    needs: tuple[str, ...]
    may_have: tuple[str, ...] = ()


PROVIDERS: Mapping[str, Provider] = {
    "brevo": Provider(("BREVO_API_KEY",), ("BREVO_API_URL",)),
    "mailersend": Provider(("MAILERSEND_API_TOKEN",), ("MAILERSEND_API_URL",)),
    "mailgun": Provider(("MAILGUN_API_KEY",), ("MAILGUN_API_URL", "MAILGUN_SENDER_DOMAIN")),
    "mailjet": Provider(("MAILJET_API_KEY", "MAILJET_SECRET_KEY"), ("MAILJET_API_URL",)),
    "mailtrap": Provider(("MAILTRAP_API_TOKEN",), ("MAILTRAP_API_URL", "MAILTRAP_SANDBOX_ID")),
    "postal": Provider(("POSTAL_API_KEY", "POSTAL_API_URL")),
    "postmark": Provider(("POSTMARK_SERVER_TOKEN",), ("POSTMARK_API_URL", "POSTMARK_MESSAGE_STREAM")),
    "resend": Provider(("RESEND_API_KEY",), ("RESEND_API_URL",)),
    "sparkpost": Provider(("SPARKPOST_API_KEY",), ("SPARKPOST_API_URL", "SPARKPOST_SUBACCOUNT")),
    "unisender_go": Provider(("UNISENDER_GO_API_KEY", "UNISENDER_GO_API_URL")),
}


def mail_backend(environment: Mapping[str, str], *, timeout_seconds: int) -> tuple[str, dict[str, Any]]:
    """`EMAIL_BACKEND` and `ANYMAIL`. Raises ImproperlyConfigured for an unknown provider, and for a missing secret."""
    name = environment.get("MAIL_PROVIDER", "").strip().lower() or SMTP
    if name == SMTP:
        if not environment.get("EMAIL_HOST", "localhost").strip():  # left out it is this machine; empty, a mistake
            raise ImproperlyConfigured("MAIL_PROVIDER=smtp needs EMAIL_HOST")
        return SMTP_BACKEND, {}
    provider = PROVIDERS.get(name)
    if provider is None:
        raise ImproperlyConfigured(f"MAIL_PROVIDER={name}: choose one of {', '.join(sorted([SMTP, *PROVIDERS]))}")
    given = {
        key: value
        for key in (*provider.needs, *provider.may_have)
        if (value := environment.get(f"{PREFIX}{key}", "").strip())
    }
    missing = [f"{PREFIX}{key}" for key in provider.needs if key not in given]
    if missing:
        raise ImproperlyConfigured(f"MAIL_PROVIDER={name} needs {', '.join(missing)}")
    return f"anymail.backends.{name}.EmailBackend", {
        **given,
        "REQUESTS_TIMEOUT": timeout_seconds,
        # A header that a provider cannot carry must not keep the mail from leaving.
        "IGNORE_UNSUPPORTED_FEATURES": True,
        "DEBUG_API_REQUESTS": False,  # would print links and codes
    }
