"""`make clean`: ends what still runs of this checkout and removes everything that a run or a test made.

With `EXCHEQUER_STATE` only that state folder and its processes go; the checkout's caches may serve others.
"""

from __future__ import annotations

import shutil

from devnet.places import ROOT
from devnet.processes import carries, end_leftovers
from devnet.state import AlreadyRunning, State

MADE = (
    ".cache",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    "staticfiles",
    "media",
)


def main() -> int:
    state = State()
    if state.folder.exists():
        try:
            state.lock()
        except AlreadyRunning as error:
            print(f"make clean: {error}")
            return 1
        end_leftovers(state.pid_files(), belongs=carries("EXCHEQUER_STATE", str(state.folder)))
    state.remove()
    if state.folder != ROOT / ".exchequer":
        return 0
    for name in MADE:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
