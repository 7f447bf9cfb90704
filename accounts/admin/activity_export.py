"""The page that asks what to export, and for the step-up; its answer is the file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.activity import origin_of
from accounts.activity_export import MOST_ENTRIES, ExportRefused, export_activity
from accounts.activity_search import Wanted
from accounts.second_factor import StepUpFailed
from accounts.staff.dialogs import StaffStepUp
from accounts.staff.filters import PeriodForm
from accounts.staff.forms import line
from accounts.staff.people import staff_of

PROOFS = ("code", "credential")
TEMPLATE = "admin/accounts/activitylog/export.html"


class ExportForm(StaffStepUp, PeriodForm):
    """The same conditions as the list's, all together, and who is at the keyboard."""

    actor = forms.CharField(label=_("E-mail of the actor"), required=False, max_length=254, widget=line())
    action = forms.CharField(label=_("Action, e.g. withdrawal.approved"), required=False, max_length=64, widget=line())
    target = forms.CharField(label=_("Target as type:number"), required=False, max_length=129, widget=line())
    ip_address = forms.GenericIPAddressField(label=_("IP address"), required=False, widget=line())

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ask(request)

    def wanted(self) -> Wanted:
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if name not in PROOFS})


def export_page(admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    """GET asks, POST answers with the file or says why not."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = ExportForm(request, request.POST) if request.method == "POST" else ExportForm(request)
    if form.is_bound and form.is_valid():
        try:
            return _file(request, form)
        except StepUpFailed as refusal:
            form.refuse_step_up(refusal)
        except ExportRefused as refusal:
            form.add_error(None, str(refusal.message))
    return _page(admin, request, form)


def _file(request: HttpRequest, form: ExportForm) -> StreamingHttpResponse:
    chunks = export_activity(
        actor=staff_of(request),
        wanted=form.wanted(),
        step_up=form.prove(origin_of(request)),
        origin=origin_of(request),
    )
    name = f"activity-{timezone.now():%Y-%m-%d-%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8", headers=headers)


def _page(admin: ModelAdmin[Any], request: HttpRequest, form: ExportForm) -> HttpResponse:
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Export the activity log"),
        "form": form,
        "most": f"{MOST_ENTRIES:,}",
        "opts": admin.opts,
        "options": form.passkey_options(),
        "problems": form.non_field_errors() if form.is_bound else [],
    }
    return TemplateResponse(request, TEMPLATE, context)
