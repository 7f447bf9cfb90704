"""Compiles the translations: `.mo` files are not kept in the repository, and GNU gettext need not be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from devnet.places import ROOT

# Settings have to load, nothing is connected to.
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.test",
    "SECRET_KEY": "only for static work",
    "DATABASE_URL": "postgres://exchequer_app:-@%2Fnowhere/exchequer",
    "MIGRATION_DATABASE_URL": "postgres://exchequer_owner:-@%2Fnowhere/exchequer",
    "REDIS_URL": "unix:///nowhere/valkey.sock",
    "CELERY_BROKER_URL": "redis+socket:///nowhere/valkey.sock",
    "NETWORKS_FILE": "",
}


def compile_all(root: Path = ROOT) -> list[Path]:
    """Compiles every `.po` whose `.mo` is missing or older; returns the compiled ones. Fuzzy entries are left out."""
    made = []
    for source in sorted(root.glob("locale/*/LC_MESSAGES/*.po")) + sorted(root.glob("*/locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        draft = target.with_suffix(".mo.new")
        with draft.open("wb") as binary:
            write_mo(binary, catalogue)
        draft.replace(target)
        made.append(target)
    return made


def collect() -> None:
    """Collects the strings of code and templates into the `.po` files. Needs GNU gettext's xgettext and msgmerge."""
    command = [sys.executable, "manage.py", "makemessages", "--add-location", "file", "--no-wrap"]
    for language in ("ru", "en"):
        command += ["--locale", language]
    for ignored in (".venv", ".cache", ".exchequer", "devnet", "tests", "benchmarks", "requirements", "node_modules"):
        command += ["--ignore", ignored]
    subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRONMENT, check=True)


if __name__ == "__main__":
    if "--collect" in sys.argv[1:]:
        collect()
    for path in compile_all():
        print(path.relative_to(ROOT))
