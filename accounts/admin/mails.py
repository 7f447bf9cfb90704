"""What was told to whom by mail, and whether it left; sending it again; the gallery of all mails."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import SELECT_CLASSES

from accounts.activity import origin_of
from accounts.admin.activity import facts_table
from accounts.admin.mail_gallery import MailGallery
from accounts.mail import all_registered
from accounts.models import OutgoingMail
from accounts.resending import ResendRefused, refusal_for, send_again
from accounts.second_factor import StepUpFailed
from accounts.staff.dialogs import StepUpDialogForm, dialog, reason_field
from accounts.staff.display import NOTHING, key_of, labelled, moment
from accounts.staff.filters import ChoiceFilter, FormFilter, PeriodFilter
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin


class MailStateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = field = "state"


class TemplateForm(forms.Form):
    template = forms.ChoiceField(
        label=_("Mail"), required=False, widget=forms.Select(attrs={"class": " ".join(SELECT_CLASSES)})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [mail.template for mail in all_registered()]
        field: Any = self.fields["template"]
        field.choices = [("", _("All")), *((name, name) for name in names)]


class TemplateFilter(FormFilter):
    title = _("mail")
    form_class = TemplateForm
    parameter_names = ("template",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return queryset.filter(template=given["template"]) if given["template"] else queryset


class MailPeriodFilter(PeriodFilter):
    field = "queued_at"


class SendAgainForm(StepUpDialogForm):
    subject_template = "admin/accounts/outgoingmail/dialog_subject.html"
    reason = reason_field(_("Why, for the activity log"), limit=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = OutgoingMail.objects.select_related("user")
        self.mail = get_object_or_404(rows, pk=key_of(self.object_id))

    def subject(self) -> dict[str, Any]:
        return {"mail": self.mail}

    def closed_because(self) -> str:
        refusal = refusal_for(self.mail)
        return str(refusal) if refusal else ""


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    """Support sees what customers were told; who may see mails to the staff sees those too."""

    list_display = ("queued", "template", "recipient", "language", "state_label", "attempts", "sent", "last_error")
    list_filter = (MailStateFilter, TemplateFilter, MailPeriodFilter)
    search_fields = ("recipient",)
    search_help_text = _("Exact e-mail address")
    fields = (
        "key", "template", "recipient", "language", "state_label", "attempts", "queued", "next_attempt", "sent",
        "last_error", "facts_whole",
    )  # fmt: skip
    list_per_page = 50
    actions_detail = ("send_again",)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*MailGallery(self).urls(), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMail]:
        rows: QuerySet[OutgoingMail] = super().get_queryset(request)
        return rows if request.user.has_perm("accounts.view_staff_mail") else rows.exclude(user__is_staff=True)

    def row_title(self, row: Any) -> str:
        return str(row.template)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(recipient=term.lower())

    def has_resend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Of a mail that this person may see."""
        if not request.user.has_perm("accounts.resend_outgoingmail"):
            return False
        return object_id is None or self.get_queryset(request).filter(pk=key_of(object_id)).exists()

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        row = OutgoingMail.objects.select_related("user").filter(pk=key_of(object_id)).first()
        if row is None or refusal_for(row) is not None:
            return []
        return list(super().get_actions_detail(request, object_id))

    @dialog(
        form=SendAgainForm, title=_("Send again"), permission="resend", icon="forward_to_inbox",
        variant=ActionVariant.PRIMARY, url_path="send-again", refusals=(ResendRefused, StepUpFailed),
    )  # fmt: skip
    def send_again(self, request: HttpRequest, form: SendAgainForm) -> str:
        form.prove(origin_of(request))
        send_again(
            mail_id=form.mail.pk,
            actor=staff_of(request),
            reason=form.cleaned_data["reason"],
            origin=origin_of(request),
        )
        return gettext("The mail to %(recipient)s is queued once more.") % {"recipient": form.mail.recipient}

    @display(description=_("queued"))
    def queued(self, mail: OutgoingMail) -> str:
        return moment(mail.queued_at)

    @display(description=_("next attempt"))
    def next_attempt(self, mail: OutgoingMail) -> str:
        return moment(mail.next_attempt_at) if mail.state == OutgoingMail.State.QUEUED else NOTHING

    @display(description=_("sent"))
    def sent(self, mail: OutgoingMail) -> str:
        return moment(mail.sent_at)

    @labelled(description=_("state"), colours={"queued": "info", "sent": "success", "failed": "danger"})
    def state_label(self, mail: OutgoingMail) -> tuple[str, str]:
        return mail.state, mail.get_state_display()

    @display(description=_("facts"))
    def facts_whole(self, mail: OutgoingMail) -> str:
        return facts_table(mail.facts)
