"""How far each chain is read, and the switch that stops a network."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts import activity
from accounts.activity import origin_of
from accounts.second_factor import StepUpFailed
from accounts.staff.dialogs import Refused, StepUpDialogForm, dialog, reason_field
from accounts.staff.display import NOTHING, age, labelled, moment, mono
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin
from treasury.admin.display import network_name
from treasury.halts import halt_network, resume_network
from treasury.models import NetworkState


class NetworkDialogForm(StepUpDialogForm):
    subject_template = "admin/treasury/networkstate/dialog_subject.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = get_object_or_404(NetworkState, pk=str(self.object_id)[:16])

    def subject(self) -> dict[str, Any]:
        return {"state": self.state, "name": network_name(self.state.network)}


class HaltForm(NetworkDialogForm):
    reason = reason_field(_("Reason"), limit=300)
    danger = True

    def closed_because(self) -> str:
        return gettext("This network is halted already.") if self.state.halted_at else ""


class ResumeForm(NetworkDialogForm):
    reason = reason_field(_("What was found, and why it is safe"), limit=300)

    def closed_because(self) -> str:
        return "" if self.state.halted_at else gettext("This network is not halted.")


@admin.register(NetworkState)
class NetworkStateAdmin(ReadOnlyAdmin):
    list_display = ("name", "state_", "head_number", "scanned_number", "lag", "finalized_number", "head_age")
    newest_first_by_default = False
    fields = (
        "name", "state_", "halt_reason", "halted", "head_number", "head_seen", "finalized_number", "scanned_number",
        "scanned_hash_", "scanned",
    )  # fmt: skip
    actions_detail = ("halt", "resume")

    def row_title(self, row: NetworkState) -> str:
        return network_name(row.network)

    def has_halt_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("treasury.halt_network"))

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("treasury.resume_network"))

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        halted = NetworkState.objects.filter(pk=str(object_id)[:16], halted_at__isnull=False).exists()
        fitting = "resume" if halted else "halt"
        return [each for each in super().get_actions_detail(request, object_id) if each.path == fitting]

    @dialog(
        form=HaltForm, title=_("Halt the network"), permission="halt", icon="front_hand",
        variant=ActionVariant.DANGER, url_path="halt", refusals=(StepUpFailed,),
        description=_("Nothing is credited, signed or sent on this network until a treasurer resumes it."),
    )  # fmt: skip
    def halt(self, request: HttpRequest, form: HaltForm) -> str:
        form.prove(origin_of(request))
        with transaction.atomic(durable=True):
            if not halt_network(form.state.network, form.cleaned_data["reason"]):
                raise Refused(gettext("This network is halted already."))
            self._record(request, "network.halted", form)
        return gettext("%(network)s is halted.") % {"network": network_name(form.state.network)}

    @dialog(
        form=ResumeForm, title=_("Resume the network"), permission="resume", icon="play_circle",
        variant=ActionVariant.PRIMARY, url_path="resume", refusals=(StepUpFailed,),
        description=_("Crediting and paying go on at once."),
    )  # fmt: skip
    def resume(self, request: HttpRequest, form: ResumeForm) -> str:
        form.prove(origin_of(request))
        with transaction.atomic(durable=True):
            if not resume_network(form.state.network, actor_label=staff_of(request).email):
                raise Refused(gettext("This network is not halted."))
            self._record(request, "network.resumed", form)
        return gettext("%(network)s goes on.") % {"network": network_name(form.state.network)}

    def _record(self, request: HttpRequest, action: str, form: NetworkDialogForm) -> None:
        activity.record(
            actor=staff_of(request),
            action=action,
            target=form.state,
            facts={"reason": form.cleaned_data["reason"]},
            request=request,
        )

    @display(description=_("network"))
    def name(self, state: NetworkState) -> str:
        return network_name(state.network)

    @labelled(description=_("state"), colours={"running": "success", "halted": "danger"})
    def state_(self, state: NetworkState) -> tuple[str, str]:
        return ("halted", gettext("Halted")) if state.halted_at else ("running", gettext("Running"))

    @display(description=_("blocks behind"))
    def lag(self, state: NetworkState) -> str:
        return str(max(0, state.head_number - state.scanned_number))

    @display(description=_("head seen"))
    def head_age(self, state: NetworkState) -> str:
        return gettext("%(age)s ago") % {"age": age(state.head_seen_at)} if state.head_seen_at else NOTHING

    @display(description=_("head seen at"))
    def head_seen(self, state: NetworkState) -> str:
        return moment(state.head_seen_at)

    @display(description=_("halted at"))
    def halted(self, state: NetworkState) -> str:
        return moment(state.halted_at)

    @display(description=_("scanned at"))
    def scanned(self, state: NetworkState) -> str:
        return moment(state.scanned_at)

    @display(description=_("hash of that block"))
    def scanned_hash_(self, state: NetworkState) -> str:
        return mono(state.scanned_hash)
