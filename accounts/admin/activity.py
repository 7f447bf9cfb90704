"""The audit, for reading: searched by exact values, with what vouches for each entry, and a page to export it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from accounts import activity_search
from accounts.activity_chain import anchor_is_ours
from accounts.activity_chain.anchors import anchor_of
from accounts.activity_chain.vouching import anchored_to, contradicted, is_of_this_chain
from accounts.activity_search import Wanted
from accounts.admin.activity_export import export_page
from accounts.models import ActivityAnchor, ActivityLink, ActivityLog
from accounts.staff.display import NOTHING, labelled, lines, moment, mono
from accounts.staff.filters import FormFilter, PeriodFilter
from accounts.staff.forms import ExactForm, line
from accounts.staff.readonly import ReadOnlyAdmin


class ActionForm(ExactForm):
    name = "action"
    label = _("Action, e.g. withdrawal.approved")


class ActionFilter(FormFilter):
    title = _("action")
    form_class = ActionForm
    parameter_names = ("action",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return activity_search.search(queryset, Wanted(action=given["action"]))


class AddressForm(forms.Form):
    ip = forms.GenericIPAddressField(label=_("IP address"), required=False, widget=line())


class AddressFilter(FormFilter):
    title = _("IP address")
    form_class = AddressForm
    parameter_names = ("ip",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return activity_search.search(queryset, Wanted(ip_address=given["ip"]))


class WrittenFilter(PeriodFilter):
    field = "at"


@admin.register(ActivityLog)
class ActivityLogAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "what", "about", "origin", "facts_in_short", "chain")
    list_filter = (ActionFilter, AddressFilter, WrittenFilter)
    list_select_related = ("link",)
    search_fields = ("actor_label",)
    search_help_text = _("E-mail of the actor, or target as type:number")
    exact_lookups = ("actor", "target_type", "target_id")
    fields = ("when", "who", "what", "about", "ip_address", "user_agent", "facts_whole", "chain", "chain_whole")
    list_per_page = 50
    actions_list = ("export",)

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.export_activitylog"))

    @action(description=_("Export as CSV"), url_path="export", permissions=["export"], icon="download")
    def export(self, request: HttpRequest) -> HttpResponseBase:
        return export_page(self, request)

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """How far the chain is anchored, and which of these entries are not what was linked."""
        position, changed = anchored_to(), contradicted([row.pk for row in rows])
        for row in rows:
            row.anchored_to, row.is_changed = position, row.pk in changed

    def row_title(self, row: Any) -> str:
        return str(row.action)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return activity_search.find(queryset, term)

    @display(description=_("time"))
    def when(self, entry: ActivityLog) -> str:
        return moment(entry.at)

    @display(description=_("who"))
    def who(self, entry: ActivityLog) -> str:
        return entry.actor_label

    @display(description=_("what"))
    def what(self, entry: ActivityLog) -> str:
        return format_html('<span class="x-code">{}</span>', entry.action)

    @display(description=_("about"))
    def about(self, entry: ActivityLog) -> str:
        return f"{entry.target_type}:{entry.target_id}" if entry.target_type else NOTHING

    @display(description=_("from"))
    def origin(self, entry: ActivityLog) -> str:
        return mono(entry.ip_address)

    @display(description=_("facts"))
    def facts_in_short(self, entry: ActivityLog) -> str:
        text = ", ".join(f"{name}: {value}" for name, value in entry.facts.items() if value not in ("", None))
        return text if len(text) <= 120 else f"{text[:119]}…"

    @display(description=_("facts"))
    def facts_whole(self, entry: ActivityLog) -> str:
        return facts_table(entry.facts)

    @labelled(description=_("chain"), colours={"changed": "danger", "anchored": "success", "linked": "info"})
    def chain(self, entry: ActivityLog) -> tuple[str, Any]:
        link = link_of(entry)
        if link is None:
            return "waiting", _("Not linked yet")
        if entry.is_changed:  # type: ignore[attr-defined]  # prepare_page's
            return "changed", _("NOT what was linked")
        return ("anchored", _("Anchored")) if link.position <= entry.anchored_to else ("linked", _("Linked"))  # type: ignore[attr-defined]  # prepare_page's

    @display(description=_("position, hash, anchor"))
    def chain_whole(self, entry: ActivityLog) -> str:
        link = link_of(entry)
        if link is None:
            return NOTHING
        shown = [str(link.position), mono(bytes(link.hash).hex())]
        row = ActivityAnchor.objects.filter(position__gte=link.position).order_by("position", "number").first()
        if row is not None:
            anchor = anchor_of(row)
            if not anchor_is_ours(anchor):
                signed = gettext("Anchor %(number)s, whose signature is NOT the signer's")
            elif not is_of_this_chain(anchor):
                signed = gettext("Anchor %(number)s, which is NOT of this chain: it was written anew")
            else:
                signed = gettext("Anchor %(number)s")
            shown.append(format_html("{} · {}", signed % {"number": row.number}, moment(row.signed_at)))
        return lines(shown)


def link_of(entry: ActivityLog) -> ActivityLink | None:
    """Its place in the chain; None until it is linked."""
    return getattr(entry, "link", None)


def facts_table(facts: dict[str, Any]) -> str:
    """Recorded facts, one a line."""
    if not facts:
        return NOTHING
    return format_html(
        '<dl class="x-facts">{}</dl>',
        format_html_join(
            "",
            "<dt>{}</dt><dd>{}</dd>",
            (
                (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
                for name, value in facts.items()
            ),
        ),
    )
