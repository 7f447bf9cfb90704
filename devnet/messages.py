"""Compiles the translations: `.mo` files are not kept in the repository, and GNU gettext need not be installed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from devnet.places import ROOT


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


if __name__ == "__main__":
    for path in compile_all():
        print(path.relative_to(ROOT))
