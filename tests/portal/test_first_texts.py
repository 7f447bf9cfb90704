"""The texts that a new installation starts with speak of the networks that there are."""

from importlib import import_module

import pytest

from portal.cms.migrations import _texts
from portal.cms.models import HelpPage, HomePage

SENTENCES = import_module("portal.cms.migrations.0003_tron").SENTENCES
pytestmark = pytest.mark.django_db


def test_every_old_sentence_was_one_of_the_first_texts_and_is_replaced():
    first = " ".join(
        str(value) for value in [*_texts.HOME.values(), *(text for page in _texts.PAGES for text in page.values())]
    )
    now = " ".join(
        f"{page.summary_ru} {page.summary_en} {page.body_ru} {page.body_en}" for page in HelpPage.objects.all()
    )
    home = HomePage.objects.get()
    now += f" {home.summary_ru} {home.summary_en}"
    for old, new in SENTENCES.items():
        assert old in " ".join(first.split())
        assert new in now
        assert old not in now.replace(new, "")
