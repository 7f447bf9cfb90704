"""Compiles the translations. The `.mo` files are kept beside their sources, so that what runs needs no tools for it."""

from __future__ import annotations

import gettext
import os
import subprocess
import sys
from io import BytesIO
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
    """Compiles every `.po` whose `.mo` is missing or says something else; returns those. Fuzzy entries are left out."""
    made = []
    for source in sorted(root.glob("locale/**/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        if target.exists() and entries(target.read_bytes()) == entries(compiled.getvalue()):
            continue
        draft = target.with_suffix(".mo.new")
        draft.write_bytes(compiled.getvalue())
        draft.replace(target)
        made.append(target)
    return made


def entries(compiled: bytes) -> dict[object, str]:
    """What a `.mo` says, without its header, whose dates change by themselves."""
    translations = gettext.GNUTranslations(BytesIO(compiled))
    found: dict[object, str] = getattr(translations, "_catalog")  # noqa: B009  # the only way to all of its entries
    return {key: text for key, text in found.items() if key}


def collect() -> None:
    """Collects the strings of code and templates into the `.po` files. Needs GNU gettext's xgettext and msgmerge."""
    # English needs no catalogue: it is the language of the sources.
    command = [sys.executable, "manage.py", "makemessages", "--locale", "ru", "--add-location", "file", "--no-wrap"]
    command += ["--no-obsolete"]
    for ignored in (".venv", ".cache", ".exchequer", "devnet", "tests", "benchmarks", "requirements", "node_modules"):
        command += ["--ignore", ignored]
    subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRONMENT, check=True)


if __name__ == "__main__":
    if "--collect" in sys.argv[1:]:
        collect()
    for path in compile_all():
        print(path.relative_to(ROOT))
