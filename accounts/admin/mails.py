"""What was told to whom by mail, and whether it left."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.admin.activity import facts_table
from accounts.models import OutgoingMail
from accounts.staff.display import labelled, moment
from accounts.staff.filters import ChoiceFilter
from accounts.staff.readonly import ReadOnlyAdmin


class MailStateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = field = "state"


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    list_display = ("queued", "template", "recipient", "language", "state_label", "attempts", "sent", "last_error")
    list_filter = (MailStateFilter,)
    search_fields = ("recipient",)
    search_help_text = _("Exact e-mail address")
    fields = (
        "key", "template", "recipient", "language", "state_label", "attempts", "queued", "sent", "last_error",
        "facts_whole",
    )  # fmt: skip
    list_per_page = 50

    def row_title(self, row: Any) -> str:
        return str(row.template)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(recipient=term.lower())

    @display(description=_("queued"))
    def queued(self, mail: OutgoingMail) -> str:
        return moment(mail.queued_at)

    @display(description=_("sent"))
    def sent(self, mail: OutgoingMail) -> str:
        return moment(mail.sent_at)

    @labelled(description=_("state"), colours={"queued": "info", "sent": "success", "failed": "danger"})
    def state_label(self, mail: OutgoingMail) -> tuple[str, str]:
        return mail.state, mail.get_state_display()

    @display(description=_("facts"))
    def facts_whole(self, mail: OutgoingMail) -> str:
        return facts_table(mail.facts)
