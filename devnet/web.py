"""One small process for what surrounds the demo: the faucet's page and API, the mail catcher's SMTP server and page.

`python -m devnet.web --http PORT --smtp PORT --networks FILE --mail FOLDER --site URL`. Listens on this machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socketserver
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from devnet import codes, pacing, pages
from devnet.faucet import pages as faucet_pages
from devnet.faucet.giving import CannotGive, Given, give
from devnet.mailcatcher import pages as mail_pages
from devnet.mailcatcher.smtp import serve
from devnet.mailcatcher.store import Store
from devnet.seed import PEOPLE

LARGEST_BODY = 64 * 1024
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-src 'self'; frame-ancestors 'none'"
)
# A mail may bring its own styles and pictures, and nothing that runs; its links open outside of the frame.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: http: https:; base-uri 'none'"
)

Environ = dict[str, Any]


class Answer(Exception):
    """A response, raised or returned."""

    def __init__(
        self, body: bytes | str, *, status: str = "200 OK", kind: str = "text/html; charset=utf-8", **headers: str
    ):
        super().__init__(status)
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = {
            "Content-Type": kind,
            "Content-Length": str(len(self.body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        } | {name.replace("_", "-"): value for name, value in headers.items()}


def as_json(value: object, *, status: str = "200 OK") -> Answer:
    return Answer(json.dumps(value, ensure_ascii=False), status=status, kind="application/json")


def to(address: str) -> Answer:
    return Answer(b"", status="303 See Other", Location=address)


class Application:
    """The pages and the API, as WSGI."""

    def __init__(self, *, networks_file: Path, store: Store, site_url: str, password: str = "") -> None:
        self.password = password
        self.networks_file = networks_file
        self.store = store
        self.site_url = site_url
        self.routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"/", self.home),
            ("GET", r"/style\.css", lambda _: Answer(pages.STYLE, kind="text/css; charset=utf-8")),
            ("GET", r"/healthz", lambda _: as_json({"status": "ok"})),
            ("GET", r"/faucet/", self.faucet),
            ("POST", r"/faucet/", self.faucet_give),
            ("POST", r"/api/faucet", self.api_give),
            ("GET", r"/mail/", self.mail),
            ("POST", r"/mail/clear", self.mail_clear),
            ("GET", r"/mail/(\d+)", self.mail_read),
            ("GET", r"/mail/(\d+)/html", self.mail_html),
            ("GET", r"/codes/", self.codes),
            ("GET", r"/api/codes", self.api_codes),
            ("GET", r"/api/messages", self.api_messages),
            ("DELETE", r"/api/messages", self.api_clear),
            ("GET", r"/api/messages/(\d+)", self.api_message),
        ]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            answer = self.answer(environ)
        except Answer as raised:
            answer = raised
        start_response(answer.status, list(answer.headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def answer(self, environ: Environ) -> Answer:
        _check_origin(environ)
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        known = False
        for wanted, pattern, view in self.routes:
            if found := re.fullmatch(pattern, environ["PATH_INFO"]):
                known = True
                if wanted == method:
                    return view(environ, *found.groups())
        raise Answer("No such page", status="405 Method Not Allowed" if known else "404 Not Found", kind="text/plain")

    def networks(self) -> Mapping[str, Mapping[str, Any]]:
        """Read for each request: it may be rewritten while we run."""
        return tomllib.loads(self.networks_file.read_text(encoding="utf-8"))

    def page(self, title: str, body: str, *, here: str, status: str = "200 OK") -> Answer:
        return Answer(pages.page(title, body, here=here, site_url=self.site_url), status=status)

    def home(self, environ: Environ) -> Answer:
        body = """<div class="cards">
<section class="panel"><h2><a href="/faucet/">Faucet</a></h2>
<p>Test USDT and coins for any address of the local chains.</p></section>
<section class="panel"><h2><a href="/mail/">Mail</a></h2>
<p>Every mail that the portal sends on this machine.</p></section>
<section class="panel"><h2><a href="/codes/">Codes</a></h2>
<p>What the phones of the demo's people show for their second step.</p></section>
</div>"""
        return self.page("Around the demo", body, here="/")

    def faucet(self, environ: Environ) -> Answer:
        values = {name: found[0] for name, found in parse_qs(environ.get("QUERY_STRING", "")).items()}
        return self.page("Faucet", faucet_pages.form(self.networks(), values), here="/faucet/")

    def faucet_give(self, environ: Environ) -> Answer:
        values = {name: found[0] for name, found in parse_qs(_body(environ).decode(errors="replace")).items()}
        try:
            given = self._give(values)
        except CannotGive as error:
            body = faucet_pages.form(self.networks(), values, error=str(error))
            return self.page("Faucet", body, here="/faucet/", status="400 Bad Request")
        return self.page("Faucet", faucet_pages.form(self.networks(), values, given=given), here="/faucet/")

    def api_give(self, environ: Environ) -> Answer:
        try:
            asked = json.loads(_body(environ))
            values = {str(name): str(value) for name, value in asked.items()}
            return as_json(asdict(self._give(values)))
        except (CannotGive, ValueError, AttributeError) as error:
            return as_json({"error": str(error)}, status="400 Bad Request")

    def _give(self, values: Mapping[str, str]) -> Given:
        return give(
            self.networks(),
            network=values.get("network", ""),
            asset=values.get("asset", "token"),
            address=values.get("address", ""),
            amount=values.get("amount", ""),
        )

    def codes(self, environ: Environ) -> Answer:
        body = codes.listing(self.password, [(each.email, each.name) for each in PEOPLE])
        seconds = codes.STEP_SECONDS - int(time.time()) % codes.STEP_SECONDS
        answer = self.page("Codes", body, here="/codes/")
        answer.headers["Refresh"] = str(max(seconds, 1))
        return answer

    def api_codes(self, environ: Environ) -> Answer:
        return as_json({each.email: codes.codes_of(self.password, each.email) for each in PEOPLE})

    def mail(self, environ: Environ) -> Answer:
        return self.page("Mail", mail_pages.listing(self.store.all()), here="/mail/")

    def mail_clear(self, environ: Environ) -> Answer:
        self.store.clear()
        return to("/mail/")

    def mail_read(self, environ: Environ, key: str) -> Answer:
        message = self._message(key)
        return self.page(message.subject or "(no subject)", mail_pages.reading(message), here="/mail/")

    def mail_html(self, environ: Environ, key: str) -> Answer:
        # A link opens a page of its own: the portal's pages refuse to be shown in a frame.
        html = self._message(key).html.replace("<head>", '<head><base target="_blank">', 1)
        return Answer(html, Content_Security_Policy=MAIL_POLICY)

    def api_messages(self, environ: Environ) -> Answer:
        wanted = parse_qs(environ.get("QUERY_STRING", "")).get("to", [""])[0]
        return as_json([each.summary() for each in self.store.all() if not wanted or wanted in each.recipients])

    def api_clear(self, environ: Environ) -> Answer:
        self.store.clear()
        return as_json({})

    def api_message(self, environ: Environ, key: str) -> Answer:
        return as_json(self._message(key).details())

    def _message(self, key: str) -> Any:
        message = self.store.get(key)
        if message is None:
            raise Answer("No such message", status="404 Not Found", kind="text/plain")
        return message


def _check_origin(environ: Environ) -> None:
    """Other web sites must not read this machine's mail: neither under their own name nor from their pages."""
    host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
    origin = environ.get("HTTP_ORIGIN")
    ours = {"localhost", "127.0.0.1", "::1"}
    if host not in ours or (origin and origin != "null" and urlsplit(origin).hostname not in ours):
        raise Answer("Only from this machine", status="403 Forbidden", kind="text/plain")


def _body(environ: Environ) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > LARGEST_BODY:
        raise Answer("Too large", status="413 Content Too Large", kind="text/plain")
    return bytes(environ["wsgi.input"].read(size))


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library names it so
        """Requests are not logged: pages poll."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--mail", type=Path, required=True)
    parser.add_argument("--site", required=True)
    options = parser.parse_args()
    store = Store(options.mail)
    mail = serve(store, port=options.smtp)
    pacing.start(options.networks)
    application = Application(
        networks_file=options.networks,
        store=store,
        site_url=options.site,
        password=os.environ.get(codes.KEY_VARIABLE, ""),
    )
    server = make_server("127.0.0.1", options.http, application, server_class=Server, handler_class=QuietHandler)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in this very thread
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"faucet and mail at http://localhost:{options.http}, SMTP at {options.smtp}", flush=True)
    server.serve_forever()
    mail.stop()


if __name__ == "__main__":
    main()
