"""The history's lines. Written in Python: a template takes three times as long, and a page shows up to twenty."""

from functools import lru_cache
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from payouts.selectors import Movement

from .portal import icon, moment, network_name, tone, usdt

register = template.Library()

DONE = frozenset({"paid", "credited"})
LINE = (
    '<li class="move" data-testid="movement" data-kind="{kind}" data-state="{state}">'
    '<span class="dir {direction}">{drawing}</span>'
    '<p class="what">{what}</p>'
    '<p class="sum num {look}">{sign}{amount}</p>'
    '<p class="sub">{network} · {at}{transaction}</p>'
    '<p class="state">{badge}</p>'
    "</li>"
)
TRANSACTION = ' · <a href="{}" target="_blank" rel="noopener noreferrer">{}<span class="visually-hidden"> {}</span></a>'


@register.simple_tag
def movement(move: Movement, short: bool = False) -> SafeString:
    """One line: what, how much, where and when, and its state while that says something. `short`: without the link."""
    is_deposit = move.kind == "deposit"
    line = LINE.format(
        kind=move.kind,
        state=move.state,
        direction="dir-in" if is_deposit else "",
        drawing=icon("in" if is_deposit else "out"),
        what=conditional_escape(_what(move)),
        look="struck" if move.is_void else "plus" if is_deposit else "",
        sign="" if move.is_void else "+" if is_deposit else "−",
        amount=usdt(move.amount_micro),
        network=escape(network_name(move.network)),
        at=moment(move.at),
        transaction="" if short else _transaction(move),
        badge=_badge(move),
    )
    return mark_safe(line)  # noqa: S308  # states, numbers and drawings of ours; what may hold a mark is escaped above


def _what(move: Movement) -> SafeString | str:
    if not move.public_id:
        return pgettext("movement", "Deposit")
    text = _("Withdrawal %(number)s") % {"number": move.number}
    return format_html('<a href="{}">{}</a>', _place_of(move.public_id), text)


@lru_cache(maxsize=4096)
def _place_of(public_id: UUID) -> str:
    return reverse("withdrawal", args=[public_id])


def _transaction(move: Movement) -> SafeString:
    if not move.explorer_url:
        return mark_safe("")
    return format_html(TRANSACTION, move.explorer_url, _("Transaction"), _("(opens in a new window)"))


def _badge(move: Movement) -> SafeString:
    if move.state in DONE:
        return mark_safe("")
    return format_html('<span class="badge {}">{}</span>', tone(move.state), move.state_label)
