"""The Russian catalogues are whole: nothing missing, nothing fuzzy, no placeholder lost, and compiled."""

from __future__ import annotations

import gettext
import re
import subprocess
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from devnet.places import ROOT

CATALOGUES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "locale").glob("**/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
TAG = re.compile(r"</?\w+[^>]*>")


def catalogue(path: str) -> Catalog:
    with (ROOT / path).open("rb") as file:
        return read_po(file, locale="ru", abort_invalid=True)


def forms(message: Message) -> tuple[list[str], list[str]]:
    """The English and the Russian texts of one entry."""
    english = [message.id] if isinstance(message.id, str) else list(message.id)
    russian = [message.string] if isinstance(message.string, str) else list(message.string)
    return english, russian


def test_there_is_a_catalogue_of_ours() -> None:
    assert "locale/ru/LC_MESSAGES/django.po" in CATALOGUES


@pytest.mark.parametrize("path", CATALOGUES)
def test_nothing_is_missing_or_fuzzy(path: str) -> None:
    unfinished = [
        message.id for message in catalogue(path) if message.id and (message.fuzzy or not all(forms(message)[1]))
    ]
    assert unfinished == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_both_languages_have_the_same_placeholders_and_tags(path: str) -> None:
    for message in catalogue(path):
        if not message.id:
            continue
        english, russian = forms(message)
        for pattern in (PLACEHOLDER, TAG):
            wanted = sorted(pattern.findall(english[-1]))
            for text in russian:
                assert sorted(pattern.findall(text)) == wanted, message.id


@pytest.mark.parametrize("path", CATALOGUES)
def test_plurals_have_their_three_russian_forms(path: str) -> None:
    for message in catalogue(path):
        if message.pluralizable:
            assert len(message.string) == 3, message.id


@pytest.mark.parametrize("path", CATALOGUES)
def test_the_compiled_catalogue_says_the_same(path: str) -> None:
    """Runtime needs no gettext tools: the compiled file is committed, and must not be behind."""
    with (ROOT / path).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogue(path):
        if not message.id:
            continue
        english, russian = forms(message)
        if message.pluralizable:
            said = [
                compiled.npgettext(message.context, *english, n) if message.context else compiled.ngettext(*english, n)
                for n in (1, 2, 5)
            ]
        else:
            said = [compiled.pgettext(message.context, *english) if message.context else compiled.gettext(*english)]
        assert said == russian, message.id


def test_every_text_of_the_sources_is_in_the_catalogue(tmp_path: Path) -> None:
    """Runs where gettext's tools are installed; elsewhere the words of Python's sources are compared without them."""
    known = {entry for message in catalogue("locale/ru/LC_MESSAGES/django.po") for entry in forms(message)[0]}
    call = re.compile(r"(?<![\w.])_\(\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)+)\)")
    tags = re.compile(r"{%\s*(?:translate|trans)\s+(?:\"([^\"]*)\"|'([^']*)')")
    missing = set()
    for path in tracked("*.py"):
        if path.startswith(("tests/", "devnet/", "benchmarks/", "requirements/")):
            continue
        for found in call.findall((ROOT / path).read_text(encoding="utf-8")):
            text = (
                "".join(re.findall(r"\"((?:[^\"\\]|\\.)*)\"", found))
                .encode()
                .decode("unicode_escape")
                .encode("latin-1", "ignore")
            )
            if text.isascii() and text.decode() and text.decode() not in known:
                missing.add(text.decode())
    for path in tracked("templates/*.html", "templates/*.txt"):
        for found in tags.findall((ROOT / path).read_text(encoding="utf-8")):
            if (found[0] or found[1]) not in known:
                missing.add(found[0] or found[1])
    assert missing == set()


def tracked(*patterns: str) -> list[str]:
    """Files of the repository; those of the checkout where there is no git."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [line for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    return [path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(f"**/{pattern}")]
