"""How amounts, addresses, times and states look on the pages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from allauth.mfa.models import Authenticator
from django import template
from django.conf import settings
from django.forms import BoundField
from django.template.defaultfilters import date as format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.models import LoginHistory
from accounts.second_factor.evidence import fingerprint, public_key_of
from portal.charts import Chart
from portal.icons import ICONS
from treasury.chains.network import Network
from treasury.money import MICRO, format_usdt
from treasury.money import plain_usdt as plain
from treasury.network_fees import FeeUnknown
from treasury.network_fees import withdrawal_fee as fee_on
from treasury.selectors import DepositProgress

register = template.Library()

GROUP = 4
FEW_SECONDS, NEARLY_A_MINUTE, A_MINUTE_AND_A_HALF = 8, 50, 90
TONES = {
    "paid": "good",
    "credited": "good",
    "confirmed": "wait",
    "rejected": "bad",
    "failed": "bad",
    "reversed": "bad",
    "orphaned": "bad",
    "returned": "",
    "cancelled": "",
    "expired": "",
    "below_minimum": "",
}


def speaks_russian() -> bool:
    """English capitalises its months, Russian does not."""
    return (get_language() or settings.LANGUAGE_CODE).startswith("ru")


@register.simple_tag
@lru_cache(maxsize=64)
def icon(name: str) -> SafeString:
    """A decoration: the words beside it say what it means."""
    drawing = mark_safe(ICONS.get(name, ICONS["network"]))  # noqa: S308  # our own constants
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', drawing)


@register.filter
def withdrawal_fee(network: Network) -> str:
    """What a withdrawal costs on a network; "from ..." where it depends on the recipient."""
    try:
        fee = fee_on(network)
    except FeeUnknown:
        return _("not known yet")
    shown = f"{usdt(fee.fee_micro)} USDT"
    return _("from %(fee)s") % {"fee": shown} if fee.is_least else shown


@register.filter
def usdt(micro: int | None) -> str:
    """Micro-USDT as the reader writes amounts."""
    return "" if micro is None else format_usdt(int(micro), get_language() or settings.LANGUAGE_CODE)


@register.filter
def plain_usdt(micro: int) -> str:
    """Micro-USDT with a dot and no groups: what fields hold and what is copied."""
    return plain(int(micro))


@register.filter
def usdt_parts(micro: int) -> SafeString:
    """The amount with its decimals in a quieter tone."""
    text = usdt(micro)
    mark = max(text.rfind(","), text.rfind(".")) if "," in text[-7:] or "." in text[-7:] else len(text)
    return format_html('{}<span class="cents">{}</span>', text[:mark], text[mark:])


@register.filter
def groups(address: str) -> SafeString:
    """The whole address in groups of four. Selecting and copying gives it without the gaps."""
    prefix = address[:2] if address.startswith("0x") else ""
    rest = address[len(prefix) :]
    parts = ([prefix] if prefix else []) + [rest[i : i + GROUP] for i in range(0, len(rest), GROUP)]
    return format_html_join("", "<span>{}</span>", ((part,) for part in parts))


@register.simple_tag
def moment(at: datetime | None) -> SafeString:
    """A time in UTC; a script shows it in the reader's own zone and keeps this one as the hint."""
    if at is None:
        return mark_safe("")
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-moment>{} UTC</time>',
        at.isoformat(timespec="seconds"),
        f"{day(at.date())} {at:%Y, %H:%M}",
    )


@register.simple_tag
def chart_hits(chart: Chart) -> SafeString:
    """A strip for each day that says its balance when pointed at. Joined here: in a template it costs milliseconds."""
    return mark_safe(  # noqa: S308  # dates and numbers of ours, nothing that anybody typed
        "".join(
            f'<rect class="hit" x="{entry.x}" y="0" width="{entry.width}" height="{chart.height}">'
            f"<title>{when}: {amount} USDT</title></rect>"
            for entry, (when, amount) in zip(chart.days, _said(chart), strict=True)
        )
    )


@register.simple_tag
def chart_rows(chart: Chart) -> SafeString:
    """The table's rows, the latest day first."""
    return mark_safe(  # noqa: S308  # as above
        "".join(f'<tr><td>{when}</td><td class="end num">{amount}</td></tr>' for when, amount in reversed(_said(chart)))
    )


def _said(chart: Chart) -> list[tuple[str, str]]:
    """Each day and its balance in the reader's language, which is asked for once."""
    language, russian = get_language() or settings.LANGUAGE_CODE, speaks_russian()
    return [(_day(entry.on, russian), format_usdt(entry.balance_micro, language)) for entry in chart.days]


@register.simple_tag
def period_links(periods: Iterable[int], chosen: int) -> SafeString:
    """The chart's periods, each a link to this page with it."""
    return _period_links(get_language(), tuple(periods), chosen)


@lru_cache(maxsize=64)
def _period_links(_language: str | None, periods: tuple[int, ...], chosen: int) -> SafeString:
    here = mark_safe(' aria-current="true"')
    return format_html_join(
        "",
        '<li><a href="?days={}"{}>{}</a></li>',
        (
            (each, here if each == chosen else "", ngettext("%(days)s day", "%(days)s days", each) % {"days": each})
            for each in periods
        ),
    )


@register.simple_tag
def day(at: Any) -> str:
    """A date as it is written beside others: 9 Nov."""
    return _day(at, speaks_russian())


@lru_cache(maxsize=512)
def _day(at: Any, russian: bool) -> str:
    return str(format_date(at, "j b" if russian else "j M"))


@register.filter
def network_name(code: str) -> str:
    """What people call the network; its code when the settings know it no more."""
    known = settings.NETWORKS.get(code)
    return str(known["name"]) if known else code


@register.filter
def tone(state: str) -> str:
    """The badge's colour for a state of a deposit or a withdrawal."""
    found = TONES.get(state, "wait")
    return f"badge-{found}" if found else ""


@register.filter
def sign_in_tone(row: LoginHistory) -> str:
    """The badge's colour for how a sign-in went: in, not let in, or asked for more."""
    if row.result == LoginHistory.Result.SUCCESS:
        return "badge-good"
    return "badge-wait" if row.result == LoginHistory.Result.CODE_ASKED else "badge-bad"


@register.filter
def usdt_short(micro: int) -> str:
    """An amount without its decimals where they are zero: labels of an axis."""
    whole_usdt, rest = divmod(int(micro), MICRO)
    return usdt(micro) if rest else usdt(whole_usdt * MICRO)[:-3]


@register.inclusion_tag("portal/parts/field.html")
def field(bound: BoundField, label: str = "", hint: str = "", kind: str = "") -> dict[str, Any]:
    """A form's field with its label, hint and errors tied together. `kind`: "mono" or "amount"."""
    hint = hint or str(bound.help_text or "")
    return {
        "bound": bound,
        "label": label or bound.label,
        "hint": hint,
        "widget": rendered(bound, kind, has_hint=bool(hint)),
    }


@register.simple_tag
def widget(bound: BoundField, kind: str = "") -> SafeString:
    """The control alone, for fields that a page lays out itself with a hint of its own."""
    return rendered(bound, kind, has_hint=True)


def rendered(bound: BoundField, kind: str, *, has_hint: bool) -> SafeString:
    """The control, tied to the ids of its hint and its errors."""
    described = [f"{bound.auto_id}_{part}" for part, there in (("error", bound.errors), ("hint", has_hint)) if there]
    attrs: dict[str, Any] = {
        "class": "input" + (f" input-{kind}" if kind else ""),
        "placeholder": False,
        "aria-describedby": " ".join(described) or False,
        "aria-invalid": "true" if bound.errors else False,
    }
    return bound.as_widget(attrs=attrs)


@register.filter
def duration(seconds: int) -> str:
    """Roughly how long, in words: "about 20 seconds", "about 3 minutes"."""
    if seconds < FEW_SECONDS:
        return _("a few seconds")
    if seconds < NEARLY_A_MINUTE:
        tens = max(round(seconds / 10), 1) * 10
        return ngettext("about %(n)s second", "about %(n)s seconds", tens) % {"n": tens}
    if seconds < A_MINUTE_AND_A_HALF:
        return _("about a minute")
    minutes = round(seconds / 60)
    return ngettext("about %(n)s minute", "about %(n)s minutes", minutes) % {"n": minutes}


@register.simple_tag
def confirmations(progress: DepositProgress) -> str:
    """Confirmed 7 of 19 blocks, about a minute left."""
    needed, seen = progress.confirmations_needed, progress.confirmations_seen
    if progress.is_complete:
        return _("All blocks are confirmed. We are crediting it now.")
    return ngettext(
        "Confirmed %(seen)s of %(needed)s block, %(time)s left",
        "Confirmed %(seen)s of %(needed)s blocks, %(time)s left",
        needed,
    ) % {"seen": seen, "needed": needed, "time": duration(progress.eta_seconds)}


@register.filter
def join_names(things: Iterable[Any]) -> str:
    """The names of networks, as a list in a sentence."""
    return ", ".join(str(thing.name) for thing in things)


@register.simple_tag
def fingerprint_of(passkey: Authenticator) -> str:
    """What its owner tells an operator who introduces it to the signer."""
    return fingerprint(public_key_of(passkey))
