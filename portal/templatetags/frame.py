"""What stands on every page and hardly ever changes: made once for each language and place, not once for each page."""

from functools import lru_cache
from typing import Any

from django import template
from django.template.context import RequestContext
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from .portal import icon

register = template.Library()


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


@lru_cache(maxsize=64)
def _nav_links(language: str | None, section: str, is_staff: bool) -> SafeString:
    links = [*_links(section), _link(reverse("settings"), "settings", _("Settings"), is_here=section == "settings")]
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
