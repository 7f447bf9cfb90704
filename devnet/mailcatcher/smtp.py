"""The SMTP side: takes every message for every recipient."""

from __future__ import annotations

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devnet.mailcatcher.store import Store

LARGEST_MESSAGE = 20 * 1024 * 1024


class Handler:
    """aiosmtpd's hook: a message is accepted once it is on disk."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        content = envelope.original_content or b""
        self.store.add(content, [str(each) for each in envelope.rcpt_tos])
        return "250 Message kept"


def serve(store: Store, *, port: int) -> Controller:
    """Starts the server in a thread of its own; `stop()` of what is returned ends it."""
    controller = Controller(
        Handler(store), hostname="127.0.0.1", port=port, data_size_limit=LARGEST_MESSAGE, enable_SMTPUTF8=True,
        ready_timeout=10,
    )  # fmt: skip
    controller.start()
    return controller
