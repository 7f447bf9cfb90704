"""What stands on every page and hardly ever changes: made once for each language and place, not once for each page."""

from functools import lru_cache
from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from .portal import icon

register = template.Library()

_TOKEN, _NEXT = "\ue000", "\ue001"  # stand in the drawn switches for what each page puts there


@register.simple_tag
@lru_cache(maxsize=64)
def asset(path: str) -> str:
    """As `static`: where a file is does not change while the process lives."""
    return static(path)


@register.simple_tag
@lru_cache(maxsize=64)
def place(name: str) -> str:
    """As `url` for a page without arguments: where pages are does not change either."""
    return reverse(name)


@register.simple_tag(takes_context=True)
def nav_links(context: RequestContext) -> SafeString:
    """The entries of the navigation at the side, in a list."""
    is_staff = bool(getattr(context.get("user"), "is_staff", False))
    return _nav_links(get_language(), context.get("section", ""), is_staff)


@register.simple_tag(takes_context=True)
def tab_links(context: RequestContext) -> SafeString:
    """The entries of the bar at the foot of a narrow screen."""
    return _tab_links(get_language(), context.get("section", ""))


@register.simple_tag(takes_context=True)
def switches(context: RequestContext) -> SafeString:
    """The two switches, of language and of colours, which lead back to this page."""
    if "request" not in context:
        return mark_safe("")  # nowhere to lead back to
    drawn = _switches(get_language(), context.get("theme", ""))
    values = {_TOKEN: str(context["csrf_token"]), _NEXT: escape(context["request"].get_full_path())}
    for placeholder, value in values.items():
        drawn = drawn.replace(placeholder, value)
    return mark_safe(drawn)  # noqa: S308  # a template of ours, a token of Django's, and a path that is escaped


@lru_cache(maxsize=64)
def _switches(language: str | None, theme: str) -> str:
    return render_to_string(
        "portal/parts/switches.html",
        {"theme": theme, "csrf_token": _TOKEN, "request": {"get_full_path": _NEXT}, "LANGUAGE_CODE": language},
    )


@lru_cache(maxsize=64)
def _nav_links(language: str | None, section: str, is_staff: bool) -> SafeString:
    links = [*_links(section), _link(reverse("security"), "shield", _("Security"), is_here=section == "security")]
    links += [_link(reverse("settings"), "settings", _("Settings"), is_here=section == "settings")]
    links.append(_link("/help/", "help", _("Help")))
    if is_staff:
        links.append(_link("/admin/", "staff", _("Back office")))
    return format_html_join("\n", "<li>{}</li>", ((link,) for link in links))


@lru_cache(maxsize=64)
def _tab_links(language: str | None, section: str) -> SafeString:
    return format_html_join("\n", "{}", ((link,) for link in _links(section)))


def _links(section: str) -> list[SafeString]:
    """The four pages that both bars lead to, in the current language."""
    pages: list[tuple[str, str, Any]] = [
        ("dashboard", "overview", _("Overview")),
        ("deposit", "in", pgettext("navigation", "Deposit")),
        ("withdraw", "out", _("Withdraw")),
        ("history", "history", _("History")),
    ]
    return [_link(reverse(name), drawing, text, is_here=section == name) for name, drawing, text in pages]


def _link(address: str, drawing: str, text: str, *, is_here: bool = False) -> SafeString:
    here = format_html(' aria-current="{}"', "page") if is_here else ""
    return format_html('<a href="{}"{}>{} {}</a>', address, here, icon(drawing), text)
