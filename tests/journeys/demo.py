"""The whole product as `make run` starts it, on a state folder of its own, and the hands of its users."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from devnet.anvil import PORTS_VARIABLE, free_port, rpc
from devnet.places import ROOT
from devnet.processes import Child
from treasury.chains.addresses import raw_tron_address, tron_address

PATIENCE_SECONDS = 180.0
expect.set_options(timeout=45_000)  # for all journeys: a busy machine is slow, and what is there is seen at once anyway
BALANCE_OF = "0x70a08231"


class Demo:
    """One run of `devnet.run`. `facts` is its run.json. Its chains go on when everything else is killed."""

    def __init__(self) -> None:
        self.spoilt = False  # a test did what no other test could live with
        self.state = Path(tempfile.mkdtemp(prefix="exq-demo-"))
        self.port = free_port()
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if key == PORTS_VARIABLE
            or (not key.startswith(("PYTEST", "COV_", "EXCHEQUER_", "DJANGO_")) and not key.endswith("DATABASE_URL"))
        }
        self.environment |= {
            "EXCHEQUER_STATE": str(self.state),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "EXCHEQUER_CHAINS_OUTLIVE": "1",
            "ADDRESS_HOLD_SECONDS": "20",  # long enough to be seen running
        }
        self.used_codes: set[tuple[str, str]] = set()
        self.child = Child(
            name="make-run",
            command=[sys.executable, "-m", "devnet.run"],
            log=self.state / "make-run.log",
            env=self.environment,
            cwd=ROOT,
            stop_signal=signal.SIGINT,  # as Ctrl-C does
            orphan_signal=signal.SIGINT,  # a test's worker that is killed leaves nothing running
        )
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        """Start, or start again, and wait until the table is printed."""
        run_file = self.state / "run.json"
        run_file.unlink(missing_ok=True)  # a killed run leaves its own behind
        self.child.spawn()
        until(lambda: run_file.exists() or self._fell(), what="make run's table", seconds=400)
        self.facts = json.loads(run_file.read_text(encoding="utf-8"))

    def _fell(self) -> bool:
        if not self.child.running():
            raise AssertionError(self.child.last_words(60))
        return False

    def stop(self) -> None:
        """End it as Ctrl-C does, and forget its state."""
        self.child.stop(seconds=40)
        cleaning = subprocess.run(
            [sys.executable, "-m", "devnet.clean"], cwd=ROOT, env=self.environment, check=False, capture_output=True
        )
        shutil.rmtree(self.state, ignore_errors=True)
        assert cleaning.returncode == 0, cleaning.stderr

    def give(self, network: str, address: str, amount: str) -> dict[str, Any]:
        """Ask the faucet for USDT."""
        return call(
            self.facts["faucet_api"], {"network": network, "asset": "token", "address": address, "amount": amount}
        )

    def mail_to(self, email: str, subject: str) -> str:
        """The text of the newest mail to `email` whose subject matches; waits for it."""
        found: list[str] = []

        def look() -> bool:
            for summary in call(f"{self.facts['mail_api']}?to={email}"):
                if re.search(subject, summary["subject"], re.IGNORECASE):
                    found.append(call(f"{self.facts['mail_api']}/{summary['id']}")["text"])
                    return True
            return False

        until(look, what=f"a mail about {subject!r} to {email}")
        return found[-1]

    def forget_mails(self) -> None:
        """So that the next one of a kind is the one that is waited for."""
        request = urllib.request.Request(self.facts["mail_api"], method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def link_in_mail(self, email: str, subject: str) -> str:
        """The link in that mail by which something is confirmed."""
        text = self.mail_to(email, subject)
        site = re.escape(self.facts["site_url"])
        found = re.search(rf"{site}/\S*confirm\S+", text)
        assert found, text
        return found.group().rstrip(".,)")

    def token_balance_raw(self, network: str, address: str) -> int:
        """What the address holds on the chain, in the token's raw units: asked of the node itself."""
        facts = tomllib.loads(Path(self.facts["networks_file"]).read_text(encoding="utf-8"))[network]
        if network == "tron":
            return self._balance_on_tron(facts["token_contract"], address)
        data = BALANCE_OF + address[2:].lower().zfill(64)
        answer = rpc(
            self.facts["rpc_urls"][network], "eth_call", {"to": facts["token_contract"], "data": data}, "latest"
        )
        return int(answer, 16)

    def _balance_on_tron(self, token: str, address: str) -> int:
        asked = {
            "owner_address": token,
            "contract_address": token,
            "function_selector": "balanceOf(address)",
            "parameter": raw_tron_address(address)[1:].rjust(32, b"\0").hex(),
            "visible": True,
        }
        answer = call(f"{self.facts['rpc_urls']['tron']}/wallet/triggerconstantcontract", asked)
        return int(answer["constant_result"][0], 16)

    @property
    def site(self) -> str:
        return str(self.facts["site_url"])

    def password_of(self, email: str) -> str:
        return next(str(each["password"]) for each in self.facts["people"] if each["email"] == email)

    def sign_in(self, browser: Browser, email: str, password: str, *, language: str = "en") -> Page:
        """A browser of its own in which `email` is signed in."""
        page = visitor(browser, language=language).new_page()
        page.goto(f"{self.site}/account/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", password)
        page.get_by_test_id("login-form").locator("button").first.click()
        self.let_in(page, email)
        self.second_step(page, email)
        return page

    def let_in(self, page: Page, email: str) -> None:
        """The browser is unknown: the code that was mailed."""
        form = page.get_by_test_id("device-code-form")
        expect(form).to_be_visible()
        text = self.mail_to(email, "code|код")
        found = re.search(r"^\s*(\d{4}[ \u00a0]?\d{4})\s*$", text, re.MULTILINE)
        assert found, text
        form.locator("input[name=code]").fill(found.group(1))
        form.locator("button").first.click()
        expect(form).to_have_count(0)

    def second_step(self, page: Page, email: str) -> None:
        form = page.get_by_test_id("second-factor-form")
        form.locator("input[name=code]").fill(self.code_of(email))
        form.locator("button").first.click()
        expect(page).not_to_have_url(re.compile("/account/"))

    def code_of(self, email: str) -> str:
        """A code of that person's phone which was not used yet; waits for the next one if need be."""
        while True:
            with psycopg.connect(self.facts["database_url"]) as connection:
                spent = {
                    step
                    for (step,) in connection.execute(
                        "SELECT s.step FROM accounts_spentcode s JOIN mfa_authenticator f ON f.id = s.factor"
                        " JOIN accounts_user u ON u.id = f.user_id WHERE u.email = %s",
                        [email],
                    )
                }
            for step, code in call(self.facts["codes_api"])[email].items():
                if int(step) not in spent and (email, code) not in self.used_codes:
                    self.used_codes.add((email, code))
                    return str(code)
            time.sleep(1)


@pytest.fixture(scope="session")
def demos() -> Iterator[list[Demo]]:
    """The demo that is running, if one is."""
    running: list[Demo] = []
    yield running
    for each in running:
        each.stop()


@pytest.fixture
def demo(demos: list[Demo]) -> Demo:
    """The whole product, running, with the demo's history and whatever other tests did in it."""
    if demos and demos[0].spoilt:
        demos.pop().stop()
    if not demos:
        started = Demo()
        try:
            started.start()
        except BaseException:
            started.stop()  # half a demo would fail whoever comes next with something else
            raise
        demos.append(started)
    return demos[0]


def visitor(browser: Browser, *, language: str = "en") -> BrowserContext:
    """A clean browser profile; what it writes to the console about content security fails the test at its end."""
    context = browser.new_context(locale=language, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(45_000)
    return context


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST with a JSON body; the parsed answer."""
    request = urllib.request.Request(
        url, data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(condition: Callable[[], bool], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


def fresh_address(family: str = "evm") -> str:
    """An address that nothing was ever sent to."""
    if family == "tron":
        return tron_address(secrets.token_bytes(20))
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address("0x" + secrets.token_hex(20)))
