"""Caught messages: one `.eml` file each, the newest first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import lru_cache
from pathlib import Path

MOST_KEPT = 1_000


@dataclass(frozen=True)
class Caught:
    """One message as it came in. `recipients` are the envelope's, which need not be the header's."""

    id: str
    received_at: datetime
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message.get("Subject", ""))

    @property
    def sender(self) -> str:
        return str(self.message.get("From", ""))

    @property
    def to(self) -> str:
        return str(self.message.get("To", "")) or ", ".join(self.recipients)

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.message.items()]

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""

    def summary(self) -> dict[str, object]:
        """What the list shows, ready for JSON."""
        return {
            "id": self.id,
            "received_at": self.received_at.isoformat(),
            "from": self.sender,
            "to": self.to,
            "recipients": list(self.recipients),
            "subject": self.subject,
        }

    def details(self) -> dict[str, object]:
        return self.summary() | {"headers": self.headers, "text": self.text, "html": self.html}


class Store:
    """Messages in a folder. Safe to use from several threads; the oldest go once there are `MOST_KEPT`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._guard = threading.Lock()
        self._last = 0

    def add(self, content: bytes, recipients: Iterable[str]) -> str:
        """Keeps a message; returns its id. The file appears under its name only once it is whole."""
        with self._guard:
            self._last = max(time.time_ns(), self._last + 1)
            key = str(self._last)
            draft = self.folder / f"{key}.new"
            envelope = "".join(
                f"X-Caught-For: {each}\r\n" for each in recipients if "\n" not in each and "\r" not in each
            )
            draft.write_bytes(envelope.encode() + content)
            draft.rename(self.folder / f"{key}.eml")
            for old in self._files()[MOST_KEPT:]:
                old.unlink(missing_ok=True)
        return key

    def all(self) -> list[Caught]:
        """Every message, the newest first."""
        return [self._read(path) for path in self._files()]

    def get(self, key: str) -> Caught | None:
        path = self.folder / f"{key}.eml"
        return self._read(path) if key.isdigit() and path.exists() else None

    def clear(self) -> None:
        for path in self._files():
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.eml"), key=lambda path: int(path.stem), reverse=True)

    @staticmethod
    @lru_cache(256)
    def _read(path: Path) -> Caught:
        """A kept message never changes, and is asked for again and again by whoever waits for one."""
        message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(path.read_bytes())
        recipients = tuple(str(each) for each in message.get_all("X-Caught-For", []))
        del message["X-Caught-For"]
        received_at = datetime.fromtimestamp(int(path.stem) / 1e9, tz=UTC)
        return Caught(id=path.stem, received_at=received_at, recipients=recipients, message=message)
