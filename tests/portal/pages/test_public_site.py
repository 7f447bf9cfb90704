"""Wagtail: our home page and help in its place, in both languages, edited by editors only."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from wagtail.models import Page, Site

from accounts.models import User
from portal.cms.models import HelpIndexPage, HelpPage, HomePage
from tests.portal.pages.conftest import browser_of
from tests.support.factors import give_app, sign_in


def test_the_site_begins_at_our_home_page(committed_db: object) -> None:
    site = Site.objects.get(is_default_site=True)
    assert isinstance(site.root_page.specific, HomePage)
    assert not Page.objects.filter(title__startswith="Welcome to your new Wagtail site").exists()
    assert Page.find_problems() == ([], [], [], [], []), "the tree is sound"


def test_every_help_page_has_texts_in_both_languages(committed_db: object) -> None:
    pages = list(HelpPage.objects.child_of(HelpIndexPage.objects.get()))
    assert len(pages) == 6
    for page in pages:
        for name in ("heading_ru", "heading_en", "summary_ru", "summary_en", "body_ru", "body_en"):
            assert getattr(page, name), (page, name)


def test_networks_and_fees_are_those_of_the_settings(committed_db: object) -> None:
    for path in ("/", "/help/networks-and-fees/"):
        text = browser_of(language="en").get(path).content.decode()
        assert "Arbitrum" in text
        assert "Smallest withdrawal" in text


def test_a_text_missing_in_one_language_is_shown_in_the_other(committed_db: object) -> None:
    page = HelpPage.objects.get(slug="faq")
    page.summary_en = ""
    page.save_revision().publish()
    assert page.summary_ru in browser_of(language="en").get("/help/faq/").content.decode()


def test_a_draft_is_not_public(committed_db: object) -> None:
    HelpPage.objects.get(slug="faq").unpublish()
    assert browser_of().get("/help/faq/").status_code == 404
    assert "/help/faq/" not in browser_of().get("/help/").content.decode()


def test_the_editors_door_leads_through_our_sign_in(committed_db: object) -> None:
    answer = browser_of().get("/cms/")
    assert answer["Location"] == "/account/login/?next=/cms/"


@pytest.mark.parametrize("group", ["Editors", "Moderators"])
def test_editors_may_write_and_customers_may_not(customer: User, group: str) -> None:
    editor = User.objects.create_user(f"{group.lower()}@example.com", "a long password 1")
    editor.groups.add(Group.objects.get(name=group))
    give_app(editor)
    page = HelpPage.objects.get(slug="faq")
    assert browser_of(editor).get("/cms/").status_code == 200
    assert browser_of(editor).get(f"/cms/pages/{page.pk}/edit/").status_code == 200
    assert browser_of(customer).get("/cms/").status_code == 302
    assert browser_of(customer).get(f"/cms/pages/{page.pk}/edit/").status_code == 302


def test_who_may_edit_needs_the_second_step_too(committed_db: object) -> None:
    """An editor need not be of the staff; what they publish is read by every customer."""
    editor = User.objects.create_user("editor@example.com", "a long password 1")
    editor.groups.add(Group.objects.get(name="Editors"))
    page = HelpPage.objects.get(slug="faq")
    for has_app in (False, True):
        if has_app:
            give_app(editor)
        client = browser_of()
        sign_in(client, editor, verified=False)
        for path in ("/cms/", f"/cms/pages/{page.pk}/edit/", "/cms/api/main/pages/"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers.get("Location")) == (302, "/security/"), path
