"""A mail provider's HTTP interface, Postmark's, on this machine: takes what anymail posts, answers what a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Provider:
    """`answer(mail) -> (status, body)` decides; by default every mail is taken."""

    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    asked: int = 0
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    always: tuple[int, dict[str, Any]] | None = None
    seconds: float = 0.0  # that each answer takes

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "POSTMARK_SERVER_TOKEN": "token-of-the-test",
            "POSTMARK_API_URL": f"http://127.0.0.1:{self.port}/",
            "REQUESTS_TIMEOUT": 5,
            "IGNORE_UNSUPPORTED_FEATURES": True,
        }

    def answer_to(self, mail: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked += 1
        time.sleep(self.seconds)
        found = self.always or self.answers.get(str(mail["To"]))
        if found is not None:
            return found
        self.taken.append(mail)
        return 200, {"ErrorCode": 0, "Message": "OK", "To": mail["To"], "MessageID": str(len(self.taken))}


@contextmanager
def provider() -> Iterator[Provider]:
    """A running one."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the standard library's name
            posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.tokens.append(self.headers["X-Postmark-Server-Token"])
            status, body = state.answer_to(posted)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
