"""The audit, for reading."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import ActivityLog, User
from accounts.staff.display import NOTHING, moment, mono
from accounts.staff.filters import FormFilter
from accounts.staff.forms import ExactForm
from accounts.staff.readonly import ReadOnlyAdmin


class ActionForm(ExactForm):
    name = "action"
    label = _("Action, e.g. withdrawal.approved")


class ActionFilter(FormFilter):
    title = _("action")
    form_class = ActionForm
    parameter_names = ("action",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return queryset.filter(action=given["action"]) if given["action"] else queryset


@admin.register(ActivityLog)
class ActivityLogAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "what", "about", "origin", "facts_in_short")
    list_filter = (ActionFilter,)
    list_select_related = ()
    search_fields = ("actor_label",)
    search_help_text = _("E-mail of the actor, or target as type:number")
    exact_lookups = ("actor", "target_type", "target_id")
    fields = ("when", "who", "what", "about", "ip_address", "user_agent", "facts_whole")
    list_per_page = 50

    def row_title(self, row: Any) -> str:
        return str(row.action)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        kind, separator, number = term.rpartition(":")
        if separator and kind:
            return queryset.filter(target_type=kind.lower(), target_id=number)
        actor = User.objects.filter(email=term.lower()).values_list("pk", flat=True).first()
        return queryset.none() if actor is None else queryset.filter(actor=actor)

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
        text = ", ".join(f"{name}: {value}" for name, value in entry.facts.items())
        return text if len(text) <= 120 else f"{text[:119]}…"

    @display(description=_("facts"))
    def facts_whole(self, entry: ActivityLog) -> str:
        return facts_table(entry.facts)


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
