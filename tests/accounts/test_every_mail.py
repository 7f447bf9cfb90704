"""Every registered mail, in both languages: whole, in our layout, and saying the same in text as in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.mail import get_connection
from django.template import engines

from accounts.mail import Audience, Fact, Reader, Registration, all_registered, registered, render_sample
from accounts.mail_looks import in_look
from tests.accounts.mail_parts import Text, html_of
from tests.support.mail import MailCatcher

MAILS = [pytest.param(mail, id=mail.template) for mail in all_registered()]
LANGUAGES = pytest.mark.parametrize("language", ["ru", "en"])
UNRESOLVED = re.compile(r"\{\{|\}\}|\{%|%\(|%s|UNRESOLVED|None|&amp;amp;|\ue000")
# What is nobody's translation: names, what samples quote, and words that Russian writes so too.
NOT_ENGLISH = re.compile(
    r"https?://\S+|\S+@\S+|0x[0-9a-fA-F]+|[WD]-\d+"
    r"|\b(Exchequer|USDT|UTC|TRON|BNB|BSC|IP|VPN|Berlin|Arbitrum|Amsterdam|Ledger|YubiKey)\b"
    r"|Firefox 142, Windows|Firefox 130, Windows 10|Firefox, Windows|Chrome, Android|Smart Chain"
    r"|\b(arbitrum|bsc|tron|One)\b"
)


@pytest.fixture(autouse=True)
def _missing_variables_show() -> Iterator[None]:
    engine = engines["django"].engine  # type: ignore[attr-defined]  # the Django backend has one
    before, engine.string_if_invalid = engine.string_if_invalid, "UNRESOLVED"
    yield
    engine.string_if_invalid = before


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
def test_text_and_html_have_the_same_facts(mail: Registration, language: str) -> None:
    """Each line of the table, each paragraph: what a person reads of the one is in the other."""
    message = render_sample(mail, language=language)
    text = " ".join(message.body.split())
    html = Text(html_of(message))
    for label, value in html.facts:
        assert f"{label}: {value}" in text
    for paragraph in html.paragraphs:
        assert paragraph in text or paragraph.rstrip(".:") in text, paragraph
    for line in message.body.splitlines():
        label, colon, value = line.partition(": ")
        if colon and not line.endswith((".", ":")) and len(label) < 32 and "http" not in line:
            assert value.split()[0] in html.all_words, line


@LANGUAGES
@pytest.mark.parametrize("mail", MAILS)
def test_every_number_in_the_html_is_in_the_text_too(mail: Registration, language: str) -> None:
    message = render_sample(mail, language=language)
    words = Text(html_of(message)).all_words.split()
    for number in {word.strip(".,:") for word in words if re.match(r"\d", word)}:
        assert number in message.body


@pytest.mark.parametrize("mail", MAILS)
def test_the_styles_are_inlined_and_the_dark_scheme_is_kept(mail: Registration) -> None:
    html = html_of(render_sample(mail, language="en"))
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html
    assert re.search(r'<td class="content" style="[^"]*padding', html)
    assert re.search(r'class="card"[^>]*style="[^"]*max-width: 600px', html)
    assert 'width="600"' in html  # for Outlook, which knows no max-width
    assert "<link" not in html
    assert "<img" not in html
    assert "<script" not in html


@pytest.mark.parametrize("mail", MAILS)
def test_what_a_mailbox_shows_beside_the_subject_is_the_mails_first_sentence(mail: Registration) -> None:
    message = render_sample(mail, language="en")
    preheader = Text(html_of(message)).preheader
    assert preheader
    assert preheader.rstrip("…") in " ".join(message.body.split())
    assert preheader != message.subject or mail.template == "plain"


@pytest.mark.parametrize("mail", MAILS)
def test_one_scheme_can_be_forced(mail: Registration) -> None:
    html = html_of(render_sample(mail, language="en"))
    dark, light = in_look(html, "dark"), in_look(html, "light")
    assert "prefers-color-scheme" not in dark + light
    assert "@media all" in dark
    assert "@media not all" in light
    assert 'content="dark"' in dark
    assert 'content="light"' in light


@pytest.mark.parametrize("mail", [mail for mail in MAILS if mail.id != "plain"])
def test_the_two_languages_differ(mail: Registration) -> None:
    russian, english = (render_sample(mail, language=language) for language in ("ru", "en"))
    assert russian.subject != english.subject
    assert re.search("[а-я]", russian.subject)
    assert not re.search("[а-яА-Я]", english.subject + english.body)


@pytest.mark.parametrize("mail", [mail for mail in MAILS if mail.id != "plain"])
def test_no_english_is_left_in_russian(mail: Registration) -> None:
    russian = render_sample(mail, language="ru")
    quoted = [str(mail.sample_facts.get("reason", ""))]
    if mail.template == "alarm_raised":  # its sentences are for operators, in English as on their page
        quoted += [str(each[name]) for each in mail.sample_facts["alarms"] for name in ("message", "key")]
    for text in (russian.subject, russian.body):
        for each in filter(None, quoted):
            text = text.replace(each, "")
        assert not re.search("[A-Za-z]{2,}", NOT_ENGLISH.sub("", text)), text


def test_amounts_are_written_as_the_language_writes_them() -> None:
    mail = registered("withdrawal_completed")
    assert "1,234.50 USDT" in render_sample(mail, language="en").body
    assert "1\u00a0234,50 USDT" in render_sample(mail, language="ru").body


def test_every_folder_of_templates_is_a_registered_mail() -> None:
    folders = {
        path.name for path in (Path(django_settings.BASE_DIR) / "templates" / "emails").iterdir() if path.is_dir()
    }
    assert folders == {mail.template for mail in all_registered()}


def test_a_message_survives_the_wire_whole() -> None:
    message = render_sample(registered("withdrawal_rejected"), language="ru")
    parsed = message_from_bytes(message.message().as_bytes(), policy=default)
    text = parsed.get_body(("plain",))
    html = parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == message.body.strip()
    assert "</html>" in html.get_content()


@LANGUAGES
def test_every_mail_arrives_whole_by_smtp(mail_catcher: MailCatcher, language: str) -> None:
    sent = {mail.template: render_sample(mail, language=language) for mail in all_registered()}
    for template, message in sent.items():
        message.to = [f"{template}@example.com"]
        message.connection = get_connection()
        message.send()
    for template, message in sent.items():
        caught = mail_catcher.wait_for(to=f"{template}@example.com")
        assert caught.subject.strip() == message.subject  # a long one is folded before its first word
        assert caught.text.replace("\r\n", "\n").strip() == message.body.strip()
        assert caught.html.replace("\r\n", "\n").strip() == html_of(message).strip()
        assert dict(caught.headers)["Content-Language"] == language


# --- who reads it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mail", MAILS)
def test_each_mail_says_why_it_comes(mail: Registration) -> None:
    body = render_sample(mail, language="en").body
    whys = {
        Audience.CUSTOMER: "because you have an account here",
        Audience.VISITOR: "because somebody gave this address",
        Audience.STAFF: "because your role here deals with this",
    }
    assert [audience for audience, why in whys.items() if why in body] == [mail.audience]


@pytest.mark.parametrize("mail", MAILS)
def test_only_mails_to_customers_show_the_phrase(mail: Registration) -> None:
    message = render_sample(mail, language="en")
    shown = "Your phrase: a blue heron at noon"
    is_customers = mail.audience is Audience.CUSTOMER
    assert (shown in message.body) is is_customers
    assert ("a blue heron at noon" in html_of(message)) is is_customers


def test_the_phrase_stands_above_everything_else() -> None:
    message = render_sample(registered("withdrawal_sent"), language="en")
    assert message.body.split("\n\n")[1] == "Your phrase: a blue heron at noon"
    html = html_of(message)
    assert html.index("a blue heron") < html.index("<h1")


def test_who_has_no_phrase_is_told_where_to_set_one() -> None:
    message = render_sample(registered("withdrawal_sent"), language="en", reader=Reader(hint=True))
    url = f"{django_settings.SITE_URL}/security/phrase/"
    assert url in message.body
    assert f'href="{url}"' in html_of(message)


# --- what others typed ----------------------------------------------------------------------------------------------

HTML = "<img src=x onerror=alert(1)><b>bold</b> & \"quoted\" {{ settings.SECRET_KEY }} {% now 'Y' %}"
PLACES: dict[str, dict[str, Any]] = {
    "withdrawal_rejected": {"reason": HTML},
    "withdrawal_held": {"reason": HTML},
    "address_added": {"label": HTML, "address": HTML},
    "second_factor_added": {"name": HTML, "user_agent": HTML, "place": HTML, "kind": HTML},
    "new_device": {"device": HTML},
    "email_changed": {"from_email": HTML, "to_email": HTML},
    "alarm_raised": {"alarms": [{"key": HTML, "severity": "warning", "network": HTML, "message": HTML, "at": ""}]},
    "deposit_below_minimum": {"network": HTML, "tx_hash": HTML},
    "plain": {"heading": HTML, "text": HTML},
}


@pytest.mark.parametrize("template", PLACES)
def test_html_is_shown_as_it_was_typed_and_never_followed(template: str) -> None:
    message = render_sample(registered(template), language="en", facts=PLACES[template])
    html = html_of(message)
    assert "<img" not in html
    assert "<b>bold" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&lt;b&gt;bold&lt;/b&gt; &amp;" in html
    assert "{{ settings.SECRET_KEY }}" in html  # text, not a template
    shown = message.subject + message.body
    assert "<img src=x onerror=alert(1)><b>bold</b> & " in shown or template == "second_factor_added"
    assert "&lt;" not in shown
    assert "&quot;" not in shown


def test_html_in_a_name_and_in_a_phrase_is_text() -> None:
    reader = Reader(name=HTML, phrase="<i>x</i> & y")
    message = render_sample(registered("deposit_credited"), language="en", reader=reader)
    assert "Hello, &lt;img" in html_of(message)
    assert "&lt;i&gt;x&lt;/i&gt; &amp; y" in html_of(message)
    assert "Your phrase: <i>x</i> & y" in message.body
    assert f"Hello, {HTML}." in message.body


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\u2028", "\x85"])
def test_no_header_can_be_added_by_a_subject(end: str) -> None:
    heading = f"Hello{end}Bcc: thief@example.net{end}{end}body"
    message = render_sample(registered("plain"), language="en", facts={"heading": heading, "text": "x"})
    assert message.subject == "Hello Bcc: thief@example.net body"
    assert "Bcc" not in message.message()


def test_a_label_cannot_add_lines_that_look_like_ours() -> None:
    label = "Savings\nAddress: 0xthief\r\n\r\nOpen https://evil.example"
    message = render_sample(registered("address_added"), language="en", facts={"label": label})
    assert "Label: Savings Address: 0xthief Open https://evil.example\n" in message.body
    assert not [line for line in message.body.splitlines() if line.startswith(("Address: 0xthief", "Open https"))]


def test_marks_that_turn_text_around_are_taken_out() -> None:
    facts = {"label": "safe\u202e\u2066 label\x1b[31m", "address": "0x\u200f12"}
    message = render_sample(registered("address_added"), language="en", facts=facts)
    for part in (message.body, html_of(message)):
        assert "safe label[31m" in part
        assert "0x12" in part
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x1b]", part)


def test_a_fact_is_one_line_and_never_empty() -> None:
    assert Fact("Name", " a\n b ").value == "a b"
    assert Fact("Name", "\u202e").value == "—"
