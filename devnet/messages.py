"""`make messages`: collects the translatable strings, and compiles the translations.

The compiled files are kept in the repository, so that nothing has to be compiled before the first page; they are made
here without GNU gettext, which only the collecting needs.
"""

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
    """Compiles every `.po` under `locale`; returns the files made. Fuzzy entries are left out."""
    made = []
    for source in sorted(root.glob("locale/**/LC_MESSAGES/*.po")):
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        target = source.with_suffix(".mo")
        draft = target.with_suffix(".mo.new")
        with draft.open("wb") as binary:
            write_mo(binary, catalogue)
        draft.replace(target)
        made.append(target)
    return made


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
