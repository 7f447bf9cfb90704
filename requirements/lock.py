"""Writes, or checks, the hashed requirement files.

`python requirements/lock.py` re-resolves `*.in` into `*.txt` (`--upgrade` takes newer versions; without it the
versions in the present files are kept where they still fit). `python requirements/lock.py --check` says, without any
network, whether a `.txt` was made from the `.in` files beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# dev first: it is the widest set, and the others then take their versions from it, so the three never disagree.
LOCKS = ("dev", "prod", "base")
OLDEST_PYTHON = "3.12"
MARK = "# made from: "


def inputs_digest(name: str) -> str:
    """Digest of an `.in` file and of every file that it includes, comments left out."""
    digest = hashlib.sha256()
    pending, seen = [f"{name}.in"], set[str]()
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        for line in (HERE / current).read_text(encoding="utf-8").splitlines():
            requirement = line.split("#", 1)[0].strip()
            if not requirement:
                continue
            digest.update(f"{requirement}\n".encode())
            if included := re.fullmatch(r"-r\s+(\S+)", requirement):
                pending.append(included.group(1))
    return digest.hexdigest()


def stale_locks() -> list[str]:
    """Names of the locks whose inputs have changed since they were made."""
    stale = []
    for name in LOCKS:
        lock = HERE / f"{name}.txt"
        text = lock.read_text(encoding="utf-8") if lock.exists() else ""
        if f"{MARK}{inputs_digest(name)}" not in text.splitlines()[:3]:
            stale.append(name)
    return stale


def write(*, upgrade: bool) -> None:
    for name in LOCKS:
        lock = HERE / f"{name}.txt"
        command = [
            sys.executable, "-m", "uv", "pip", "compile", f"{name}.in", "--output-file", lock.name,
            "--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--quiet",
            "--no-emit-index-url", "--no-emit-find-links",
        ]  # fmt: skip
        if upgrade and name == "dev":
            command.append("--upgrade")
        if name != "dev":
            command += ["--constraint", "dev.txt"]
        subprocess.run(command, cwd=HERE, check=True, env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"})
        body = lock.read_text(encoding="utf-8")
        header = f"# Locked by `make lock`; edit {name}.in instead.\n{MARK}{inputs_digest(name)}\n"
        lock.write_text(header + body, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the locks are up to date")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    options = parser.parse_args()
    if not options.check:
        write(upgrade=options.upgrade)
        return 0
    stale = stale_locks()
    for name in stale:
        print(f"requirements/{name}.txt is older than its .in file: run `make lock`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
