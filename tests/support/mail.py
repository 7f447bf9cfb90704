"""A real SMTP server that keeps what the product sends."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from devnet.mailcatcher.smtp import serve
from devnet.mailcatcher.store import Caught, Store
from tests.support.suite import Share


class MailCatcher:
    """What arrived by SMTP during one test."""

    def __init__(self, store: Store, port: int) -> None:
        self.store = store
        self.port = port

    def messages(self, *, to: str | None = None, subject: str | None = None) -> list[Caught]:
        """The newest first; `subject` is a regular expression searched for."""
        return [
            each
            for each in self.store.all()
            if (to is None or to in each.recipients) and (subject is None or re.search(subject, each.subject))
        ]

    def wait_for(self, *, to: str | None = None, subject: str | None = None, seconds: float = 60.0) -> Caught:
        """The newest matching message, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while not (found := self.messages(to=to, subject=subject)):
            if time.monotonic() > deadline:
                seen = [(each.recipients, each.subject) for each in self.store.all()]
                raise AssertionError(f"no mail to {to!r} with subject {subject!r} within {seconds} s; there are {seen}")
            time.sleep(0.05)
        return found[0]

    @staticmethod
    def link(message: Caught, pattern: str = r"") -> str:
        """The first link in the text part that `pattern` is found in."""
        for url in re.findall(r"https?://[^\s<>\"']+", message.text):
            if re.search(pattern, url):
                return str(url)
        raise AssertionError(f"no link with {pattern!r} in:\n{message.text}")


@pytest.fixture(scope="session")
def smtp_server(share: Share) -> Iterator[Store]:
    """This worker's SMTP server, at the port that the settings name."""
    store = Store(share.folder / "mail")
    controller = serve(store, port=share.ports["smtp"])
    yield store
    controller.stop()


@pytest.fixture
def mail_catcher(smtp_server: Store, share: Share, settings: Settings) -> MailCatcher:
    """Mail goes out by SMTP, from this process and from the product's started ones, and is kept here."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    smtp_server.clear()
    return MailCatcher(smtp_server, share.ports["smtp"])


__all__ = ["MailCatcher", "mail_catcher", "smtp_server"]
