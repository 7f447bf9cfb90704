"""What an operator must look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts import activity
from accounts.activity import origin_of
from accounts.admin.activity import facts_table
from accounts.second_factor import StepUpFailed
from accounts.staff.dialogs import Refused, StepUpDialogForm, dialog, reason_field
from accounts.staff.display import key_of, labelled, moment
from accounts.staff.filters import ChoiceFilter
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin
from treasury.admin.display import network_name
from treasury.admin.filters import NetworkFilter
from treasury.alarms import resolve_alarm
from treasury.models import Alarm


class OpenFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("resolved", _("Resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.filter(resolved_at=None)
        return queryset.filter(resolved_at__isnull=False) if self.value() == "resolved" else queryset


class ResolveForm(StepUpDialogForm):
    subject_template = "admin/treasury/alarm/dialog_subject.html"
    reason = reason_field(_("What was found and done"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alarm = get_object_or_404(Alarm, pk=key_of(self.object_id))

    def subject(self) -> dict[str, Any]:
        return {"alarm": self.alarm}

    def closed_because(self) -> str:
        return gettext("This alarm is resolved already.") if self.alarm.resolved_at else ""


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ("raised", "severity_", "message", "network_", "seen", "resolution")
    list_filter = (OpenFilter, NetworkFilter)
    search_fields = ("key",)
    search_help_text = _("Exact key")
    fields = (
        "key", "severity_", "message", "network_", "facts_", "raised", "last_seen", "times_seen", "resolution",
        "resolved_by",
    )  # fmt: skip
    actions_detail = ("resolve",)

    def row_title(self, row: Any) -> str:
        return str(row.key)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(key=term)

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("treasury.resolve_alarm"))

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        if not Alarm.objects.filter(pk=key_of(object_id), resolved_at=None).exists():
            return []
        return list(super().get_actions_detail(request, object_id))

    @dialog(
        form=ResolveForm, title=_("Resolve alarm"), permission="resolve", icon="task_alt",
        variant=ActionVariant.PRIMARY, url_path="resolve", refusals=(StepUpFailed,),
    )  # fmt: skip
    def resolve(self, request: HttpRequest, form: ResolveForm) -> str:
        form.prove(origin_of(request))
        with transaction.atomic(durable=True):
            if not resolve_alarm(key=form.alarm.key, actor_label=staff_of(request).email):
                raise Refused(gettext("This alarm is resolved already."))
            activity.record(
                actor=staff_of(request),
                action="alarm.resolved",
                target=form.alarm,
                facts={"key": form.alarm.key, "reason": form.cleaned_data["reason"]},
                request=request,
            )
        return gettext("The alarm is resolved.")

    @display(description=_("raised"))
    def raised(self, alarm: Alarm) -> str:
        return moment(alarm.raised_at)

    @labelled(description=_("severity"), colours={"warning": "warning", "critical": "danger"})
    def severity_(self, alarm: Alarm) -> tuple[str, str]:
        return alarm.severity, alarm.get_severity_display()

    @display(description=_("network"))
    def network_(self, alarm: Alarm) -> str:
        return network_name(alarm.network) if alarm.network else "—"

    @display(description=_("seen"))
    def seen(self, alarm: Alarm) -> str:
        return f"{alarm.times_seen}×"

    @display(description=_("last seen"))
    def last_seen(self, alarm: Alarm) -> str:
        return moment(alarm.last_seen_at)

    @display(description=_("resolved"))
    def resolution(self, alarm: Alarm) -> str:
        return moment(alarm.resolved_at)

    @display(description=_("facts"))
    def facts_(self, alarm: Alarm) -> str:
        return facts_table(alarm.facts)
