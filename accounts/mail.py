"""From a queued fact to a finished message: one layout, light and dark, HTML and the same in plain text.

Every app registers its mails in `AppConfig.ready`; the templates are `templates/emails/<name>/{subject.txt,body.txt,
body.html}`. A registration names the function that turns a queued row into the template's context, and sample facts
from which tests and the staff's gallery render it.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from functools import lru_cache
from typing import Any

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from .mail_text import CONTENT_MARK, first_words, one_line, readable
from .models import OutgoingMail, User, UserProfile

Renderer = Callable[[OutgoingMail], Mapping[str, Any]]


class NothingToTell(Exception):
    """Raised by a renderer when the fact has passed: the mail is dropped."""


class Audience(StrEnum):
    """Why a person gets a mail; its foot says so. Only a CUSTOMER mail shows its reader's phrase."""

    CUSTOMER = "customer"  # they have an account (staff are told of their own accounts too)
    VISITOR = "visitor"  # somebody typed this address; whose it is is not proven
    STAFF = "staff"  # they work here, and their role deals with it


@dataclass(frozen=True, slots=True)
class Registration:
    """`context` runs under the recipient's language. `sample_facts` are facts as `queue_mail` would get them."""

    template: str
    context: Renderer
    sample_facts: Mapping[str, Any]
    # For the gallery and the tests: the context in a language when there is no row behind the sample facts.
    sample_context: Callable[[str], Mapping[str, Any]] | None
    audience: Audience = Audience.CUSTOMER
    # It carries a code or a link that works once: staff cannot send it again, its reader asks for a new one.
    works_once: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a mail's facts, the same in HTML and in text. `mono`: an address or a hash; `url`: where to look."""

    label: str
    value: str
    mono: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        # A customer's label or a chain's memo must not make further lines of the text part look like ours.
        object.__setattr__(self, "value", one_line(self.value) or "—")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a mail, as far as it may show it. `hint`: they have no phrase yet, and are told that they can."""

    name: str = ""
    phrase: str = ""
    hint: bool = False


_registry: dict[str, Registration] = {}


def facts_as_context(row: OutgoingMail) -> Mapping[str, Any]:
    """The renderer of mails that say no more than their facts."""
    return dict(row.facts)


def register(
    template: str,
    renderer: Renderer = facts_as_context,
    *,
    sample_facts: Mapping[str, Any] | None = None,
    sample_context: Callable[[str], Mapping[str, Any]] | None = None,
    audience: Audience = Audience.CUSTOMER,
    works_once: bool = False,
) -> None:
    """Register the mail `template`. Call it in `AppConfig.ready`."""
    _registry[template] = Registration(template, renderer, sample_facts or {}, sample_context, audience, works_once)


def registered(template: str) -> Registration:
    """The registration of `template`. Raises KeyError."""
    return _registry[template]


def all_registered() -> list[Registration]:
    """Every mail there is, by name."""
    return [_registry[name] for name in sorted(_registry)]


def render(row: OutgoingMail) -> EmailMultiAlternatives:
    """The message for `row`, in its language. Raises NothingToTell, KeyError for a template nobody registered."""
    registration = registered(row.template)
    with translation.override(row.language):
        return compose(
            template=row.template,
            recipient=row.recipient,
            language=row.language,
            context=registration.context(row),
            key=row.key,
            audience=registration.audience,
            reader=reader_of(row.user, row.recipient, registration.audience),
        )


def render_sample(
    registration: Registration,
    *,
    language: str,
    recipient: str = "anna@example.com",
    reader: Reader | None = None,
    facts: Mapping[str, Any] | None = None,
) -> EmailMultiAlternatives:
    """The mail as the gallery shows it: from its sample (or other `facts`), without a row of any table."""
    with translation.override(language):
        row = OutgoingMail(
            template=registration.template,
            recipient=recipient,
            language=language,
            facts={**registration.sample_facts, **(facts or {})},
        )
        sample = registration.sample_context
        context = sample(language) if sample else registration.context(row)
        return compose(
            template=registration.template,
            recipient=recipient,
            language=language,
            context=context,
            key="sample",
            audience=registration.audience,
            reader=reader or sample_reader(registration.audience, language),
        )


def reader_of(user: User | None, recipient: str, audience: Audience) -> Reader:
    """What a mail to `recipient` may show of `user`: nothing, if that is not the address their account has now.

    A former address may be somebody else's by now, and a new one is not proven: neither learns the phrase.
    """
    if user is None or audience is Audience.VISITOR or recipient.lower() != user.email:
        return Reader()
    name = one_line(user.full_name)
    if audience is Audience.STAFF:
        return Reader(name=name)
    phrase = UserProfile.objects.filter(user=user).values_list("anti_phishing_phrase", flat=True).first() or ""
    return Reader(name=name, phrase=phrase, hint=not phrase and not user.is_staff)


def sample_reader(audience: Audience, language: str) -> Reader:
    """The gallery's person."""
    if audience is Audience.VISITOR:
        return Reader()
    name, phrase = ("Анна", "синяя цапля в полдень") if language == "ru" else ("Anna", "a blue heron at noon")
    return Reader(name=name, phrase=phrase if audience is Audience.CUSTOMER else "")


def compose(
    *,
    template: str,
    recipient: str,
    language: str,
    context: Mapping[str, Any],
    key: str,
    audience: Audience = Audience.CUSTOMER,
    reader: Reader | None = None,
) -> EmailMultiAlternatives:
    """Subject, text and inlined HTML of one mail, under the language that is active."""
    values = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "recipient": recipient,
        "language": language,
        "audience": audience.value,
        "reader": reader or Reader(),
        "phrase_url": link(reverse("security_phrase")),
        "content_mark": CONTENT_MARK,
        **context,
    }
    subject = one_line(_text(f"emails/{template}/subject.txt", values))
    values["subject"] = subject
    above, _mark, content = _text(f"emails/{template}/body.txt", values).partition(CONTENT_MARK)
    values["preheader"] = first_words(content)
    html = _inliner().inline(readable(get_template(f"emails/{template}/body.html").render(values)))
    message = EmailMultiAlternatives(
        subject=subject,
        body=readable(above + content),
        to=[recipient],
        headers={**_headers(key), "Content-Language": language},
    )
    message.attach_alternative(html, "text/html")
    return message


def link(path: str) -> str:
    """An absolute address on this site."""
    return f"{settings.SITE_URL}{path}"


def moment(at: dt.datetime | str | None) -> str:
    """ "23 November 2026, 10:00 UTC" in the language that is active; "" for no time."""
    parsed = parse_datetime(at) if isinstance(at, str) else at
    return f"{date_format(parsed.astimezone(dt.UTC), 'j E Y, H:i')} UTC" if parsed else ""


def message_id(key: str) -> str:
    """The same for each attempt to send one mail, so that a reader's server can drop a second copy."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def _headers(key: str) -> dict[str, str]:
    return {"Message-ID": message_id(key), "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def _text(template: str, values: Mapping[str, Any]) -> str:
    """Plain text: nothing is escaped for HTML."""
    backend_template: Any = get_template(template)
    return str(backend_template.template.render(Context(dict(values), autoescape=False)))


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    # at-rules stay: they hold the dark scheme. Nothing is ever fetched.
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
