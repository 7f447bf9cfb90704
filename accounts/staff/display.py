"""How the staff's pages write times, hashes and links. Times are UTC, in one form in every language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

NOTHING = "—"


def moment(at: dt.datetime | None) -> str:
    """ "2026-11-23 02:14" in UTC, with the exact time for machines and on hover."""
    if at is None:
        return NOTHING
    utc = at.astimezone(dt.UTC)
    return format_html(
        '<time class="x-time" datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(timespec="seconds"),
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        utc.strftime("%Y-%m-%d %H:%M"),
    )


def duration(seconds: float) -> str:
    """A length of time as a person says it: minutes, hours or days, rounded down."""
    minutes = max(0, int(seconds)) // 60
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    days = hours // 24
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def age(at: dt.datetime | None) -> str:
    """How long ago `at` was."""
    return NOTHING if at is None else duration((timezone.now() - at).total_seconds())


def mono(text: str | None) -> str:
    """An address or a hash, whole, in a fixed-width face that may break anywhere."""
    return format_html('<span class="x-mono">{}</span>', text) if text else NOTHING


def link_to(label: object, url_name: str, *args: object) -> SafeString:
    """A link to a page of the staff site."""
    return format_html('<a class="x-link" href="{}">{}</a>', reverse(f"admin:{url_name}", args=args), label)


def lines(items: Iterable[object]) -> str:
    """Each on a line of its own."""
    return format_html_join("", '<div class="x-line">{}</div>', ((item,) for item in items)) or NOTHING


def key_of(object_id: object) -> int:
    """The number in a page's address; 0, which is nobody, for what is none."""
    text = str(object_id)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def badge(text: object, kind: str = "") -> SafeString:
    """A small label. `kind`: success, info, warning, danger, or nothing for grey."""
    return format_html('<span class="x-label x-label-{}">{}</span>', kind or "plain", text)


def labelled(*, description: Any, colours: Mapping[str, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a column that answers (key, words): shown as a label whose colour is `colours[key]`, in lists and pages."""

    def decorate(column: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(column)
        def shown(self: Any, row: Any) -> Any:
            answer = column(self, row)
            return badge(answer[1], colours.get(answer[0], "")) if isinstance(answer, tuple) else answer

        shown.short_description = description  # type: ignore[attr-defined]  # how Django's admin names a column
        return shown

    return decorate
