"""Every registered mail, in both languages: whole, in our layout, and saying the same in text as in HTML."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMultiAlternatives
from django.template import engines

from accounts.mail import Registration, all_registered, render_sample

MAILS = [pytest.param(mail, id=mail.template) for mail in all_registered()]
LANGUAGES = pytest.mark.parametrize("language", ["ru", "en"])
UNRESOLVED = re.compile(r"\{\{|\}\}|\{%|%\(|%s|UNRESOLVED|None|&amp;amp;")


@pytest.fixture(autouse=True)
def _missing_variables_show() -> object:
    engine = engines["django"].engine  # type: ignore[attr-defined]  # the Django backend has one
    before, engine.string_if_invalid = engine.string_if_invalid, "UNRESOLVED"
    yield
    engine.string_if_invalid = before


class Text(HTMLParser):
    """What a person reads of an HTML page, and where its links go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.skipping = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipping = tag in {"style", "title"}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.words += data.split()


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


@LANGUAGES
@pytest.mark.parametrize("mail", MAILS)
def test_nothing_is_left_unresolved(mail: Registration, language: str) -> None:
    message = render_sample(mail, language=language)
    for part in (message.subject, message.body, html_of(message)):
        assert part.strip()
        assert not UNRESOLVED.search(part), part
    assert "\n" not in message.subject


@LANGUAGES
@pytest.mark.parametrize("mail", MAILS)
def test_text_and_html_have_the_same_links(mail: Registration, language: str) -> None:
    message = render_sample(mail, language=language)
    in_html = set(Text(html_of(message)).links)
    assert in_html <= set(re.findall(r"https?://\S+", message.body))
    for url in in_html:
        assert url.startswith((django_settings.SITE_URL, "https://arbiscan.io/", "http://localhost"))


@LANGUAGES
@pytest.mark.parametrize("mail", MAILS)
def test_every_number_in_the_html_is_in_the_text_too(mail: Registration, language: str) -> None:
    message = render_sample(mail, language=language)
    words = Text(html_of(message)).words
    for number in {word.strip(".,:") for word in words if re.match(r"\d", word)}:
        assert number in message.body


@pytest.mark.parametrize("mail", MAILS)
def test_the_styles_are_inlined_and_the_dark_scheme_is_kept(mail: Registration) -> None:
    html = html_of(render_sample(mail, language="en"))
    assert "prefers-color-scheme: dark" in html
    assert re.search(r'<td class="content" style="[^"]*padding', html)
    assert "<link" not in html
    assert "<img" not in html
    assert "<script" not in html


@pytest.mark.parametrize("mail", [mail for mail in MAILS if mail.id != "plain"])
def test_the_two_languages_differ(mail: Registration) -> None:
    russian, english = (render_sample(mail, language=language) for language in ("ru", "en"))
    assert russian.subject != english.subject
    assert re.search("[а-я]", russian.subject)
    assert not re.search("[а-яА-Я]", english.subject + english.body)


def test_amounts_are_written_as_the_language_writes_them() -> None:
    mail = next(each for each in all_registered() if each.template == "withdrawal_completed")
    assert "1,234.50 USDT" in render_sample(mail, language="en").body
    assert "1\u00a0234,50 USDT" in render_sample(mail, language="ru").body


def test_every_folder_of_templates_is_a_registered_mail() -> None:
    folders = {
        path.name for path in (Path(django_settings.BASE_DIR) / "templates" / "emails").iterdir() if path.is_dir()
    }
    assert folders == {mail.template for mail in all_registered()}


def test_a_message_survives_the_wire_whole() -> None:
    mail = next(each for each in all_registered() if each.template == "withdrawal_rejected")
    message = render_sample(mail, language="ru")
    parsed = message_from_bytes(message.message().as_bytes(), policy=default)
    text = parsed.get_body(("plain",))
    html = parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == message.body.strip()
    assert "</html>" in html.get_content()
