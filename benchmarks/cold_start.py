"""Cold `make run`: a fresh clone of the committed state, packages cached, from the command to a /readyz that says 200.

The baseline is the promise of 90 seconds: no peer starts two chains, a signer and a portal by one command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.support import Bench
from devnet.anvil import free_port
from devnet.places import ROOT

PROMISED_SECONDS = 90.0
GIVE_UP_SECONDS = 300.0


def run(bench: Bench) -> None:
    clone = bench.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    seconds = _seconds_to_ready(clone)
    bench.compare("cold_start", vs="promise", ours=seconds, baseline=PROMISED_SECONDS, unit="s", at_most=1.0)


def _seconds_to_ready(clone: Path) -> float:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXCHEQUER_", "DJANGO_"))}
    environment |= {"PORT": str(port), "NO_SYSTEM_PACKAGES": "1"}
    began = time.monotonic()
    with (clone / "make-run.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"], cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        while not _ready(port):
            if process.poll() is not None or time.monotonic() - began > GIVE_UP_SECONDS:
                raise RuntimeError(f"make run did not get ready:\n{(clone / 'make-run.log').read_text()[-4000:]}")
            time.sleep(0.1)
        return time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        subprocess.run(["make", "clean"], cwd=clone, env=environment, check=False, capture_output=True)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(json.load(answer))
    except (urllib.error.URLError, OSError, ValueError):
        return False
