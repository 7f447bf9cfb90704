"""`make lint`: every static check, all of them even when one fails. Names as arguments run only those."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from devnet import messages
from devnet.places import ROOT

BIN = Path(sys.executable).parent
CHECKS: dict[str, list[str]] = {
    "locks": [sys.executable, "requirements/lock.py", "--check"],
    "ruff": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "--output-format", "concise", "."],
    "imports": [str(BIN / "lint-imports"), "--no-logo"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "checks": [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
    "templates": [str(BIN / "djlint"), "templates", "--lint", "--quiet"],
    "types": [str(BIN / "mypy")],
}
# Without a database the check for missing migrations says so, and goes on.
QUIET = {"PYTHONWARNINGS": "ignore:Got an error checking a consistent migration history:RuntimeWarning"}


def main(names: list[str]) -> int:
    failed = []
    for name in names or CHECKS:
        began = time.monotonic()
        done = subprocess.run(
            CHECKS[name], cwd=ROOT, env=os.environ | messages.ENVIRONMENT | QUIET, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        print(
            f"lint {name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True
        )
        if done.returncode:
            failed.append(name)
            print(f"{done.stdout}{done.stderr}", flush=True)
    if failed:
        print(f"lint failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
