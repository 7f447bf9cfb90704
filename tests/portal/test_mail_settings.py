"""The environment chooses who carries the mail, and is told what is missing."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from pytest_django import Settings

from devnet.places import ROOT
from portal.settings.mail import PROVIDERS, SMTP_BACKEND, mail_backend


def chosen(**environment: str) -> tuple[str, dict[str, object]]:
    return mail_backend(environment, timeout_seconds=10)


def test_without_a_word_it_is_smtp() -> None:
    assert chosen() == (SMTP_BACKEND, {})
    assert chosen(MAIL_PROVIDER="smtp") == (SMTP_BACKEND, {})


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_can_be_opened_with_what_it_needs_and_says_what_is_missing(name: str, settings: Settings) -> None:
    given = {f"ANYMAIL_{key}": "https://example.com/" for key in PROVIDERS[name].needs}
    backend, anymail = chosen(MAIL_PROVIDER=name, **given)
    settings.EMAIL_BACKEND, settings.ANYMAIL = backend, anymail
    assert get_connection(timeout=10).esp_name  # type: ignore[attr-defined]  # anymail's
    for key in given:
        less = {other: value for other, value in given.items() if other != key}
        with pytest.raises(ImproperlyConfigured, match=key):
            chosen(MAIL_PROVIDER=name, **less)


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ImproperlyConfigured, match="postmark"):
        chosen(MAIL_PROVIDER="pigeon")


def test_an_smtp_server_without_a_name_is_a_mistake() -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_HOST"):
        chosen(EMAIL_HOST="")


def test_the_compose_file_hands_on_what_every_provider_may_have() -> None:
    text = (ROOT / "compose" / "docker-compose.yml").read_text(encoding="utf-8")
    for provider in PROVIDERS.values():
        for key in (*provider.needs, *provider.may_have):
            assert f"  ANYMAIL_{key}: ${{ANYMAIL_{key}:-}}\n" in text


def test_the_guide_names_every_provider_with_what_it_needs() -> None:
    text = (ROOT / "docs" / "mails.md").read_text(encoding="utf-8")
    for name, provider in PROVIDERS.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`ANYMAIL_{key}`" in line for key in provider.needs)


def test_nothing_but_the_named_settings_is_taken_over() -> None:
    _backend, anymail = chosen(
        MAIL_PROVIDER="postmark", ANYMAIL_POSTMARK_SERVER_TOKEN="x", ANYMAIL_DEBUG_API_REQUESTS="true"
    )
    assert anymail["DEBUG_API_REQUESTS"] is False  # it would print links and codes
