"""Countries' names are those of the Unicode CLDR, in both languages."""

from __future__ import annotations

import pytest
from babel import Locale
from django.utils import translation

from accounts.countries import NAMES, country_code, country_name


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_name_is_the_cldrs(language: str) -> None:
    known = Locale(language).territories
    with translation.override(language):
        assert {code: country_name(code) for code in NAMES} == {code: known[code] for code in NAMES}


def test_a_code_that_nobody_named_is_shown_as_it_is() -> None:
    assert country_name("AN") == "AN"
    assert country_name("") == ""


@pytest.mark.parametrize(
    ("typed", "code"),
    [("DE", "DE"), (" de ", "DE"), ("Germany", "DE"), ("германия", "DE"), ("РОССИЯ", "RU"), ("Narnia", ""), ("", "")],
)
def test_a_country_is_found_by_code_or_name(typed: str, code: str) -> None:
    assert country_code(typed) == code


def test_no_two_countries_share_a_name() -> None:
    for language in (0, 1):
        assert len({names[language] for names in NAMES.values()}) == len(NAMES)
