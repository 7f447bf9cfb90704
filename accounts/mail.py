"""From a queued fact to a finished message: one layout, light and dark, HTML and the same in plain text.

Every app registers its mails in `AppConfig.ready`; the templates are `templates/emails/<name>/{subject.txt,body.txt,
body.html}`. A registration names the function that turns a queued row into the template's context, and sample facts
from which tests and the staff's gallery render it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template
from django.utils import translation

from .models import OutgoingMail

Renderer = Callable[[OutgoingMail], Mapping[str, Any]]


class NothingToTell(Exception):
    """Raised by a renderer when the fact has passed: the mail is dropped."""


@dataclass(frozen=True, slots=True)
class Registration:
    """`context` runs under the recipient's language. `sample_facts` are facts as `queue_mail` would get them."""

    template: str
    context: Renderer
    sample_facts: Mapping[str, Any]
    # For the gallery and the tests: the context in a language when there is no row behind the sample facts.
    sample_context: Callable[[str], Mapping[str, Any]] | None


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
) -> None:
    """Register the mail `template`. Call it in `AppConfig.ready`."""
    _registry[template] = Registration(template, renderer, sample_facts or {}, sample_context)


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
        )


def render_sample(
    registration: Registration, *, language: str, recipient: str = "anna@example.com"
) -> EmailMultiAlternatives:
    """The mail as the gallery shows it: from its sample, without a row of any table."""
    with translation.override(language):
        row = OutgoingMail(
            template=registration.template,
            recipient=recipient,
            language=language,
            facts=dict(registration.sample_facts),
        )
        sample = registration.sample_context
        context = sample(language) if sample else registration.context(row)
        return compose(
            template=registration.template, recipient=recipient, language=language, context=context, key="sample"
        )


def compose(
    *, template: str, recipient: str, language: str, context: Mapping[str, Any], key: str
) -> EmailMultiAlternatives:
    """Subject, text and inlined HTML of one mail, under the language that is active."""
    values = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "recipient": recipient,
        "language": language,
        **context,
    }
    subject = " ".join(_text(f"emails/{template}/subject.txt", values).split())
    values["subject"] = subject
    text = _text(f"emails/{template}/body.txt", values).strip() + "\n"
    html = _inliner().inline(get_template(f"emails/{template}/body.html").render(values))
    message = EmailMultiAlternatives(
        subject=subject, body=text, to=[recipient], headers={**_headers(key), "Content-Language": language}
    )
    message.attach_alternative(html, "text/html")
    return message


def link(path: str) -> str:
    """An absolute address on this site."""
    return f"{settings.SITE_URL}{path}"


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
