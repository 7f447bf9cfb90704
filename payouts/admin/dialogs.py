"""The forms of the queue's dialogs. Each repeats what it is about and carries the revision that was seen."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import INPUT_CLASSES

from accounts.second_factor.codes import factors_of
from accounts.second_factor.evidence import evidence_key
from accounts.staff.dialogs import DialogForm, StepUpDialogForm, reason_field
from accounts.staff.display import key_of
from payouts.admin.states import staff_state
from payouts.errors import UnknownToSigner
from payouts.models import WithdrawalRequest
from payouts.withdrawals import approval_digest_of, must_be_approved_anew
from treasury.admin.display import network_name, usdt_text
from treasury.approver_keys import known_keys

State = WithdrawalRequest.State


class WithdrawalDialogForm(DialogForm):
    """`revision` is what the person saw when the dialog opened: a later one voids the decision."""

    subject_template = "admin/payouts/withdrawalrequest/dialog_subject.html"
    states: ClassVar[tuple[str, ...]] = (State.IN_REVIEW,)

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.withdrawal: WithdrawalRequest = get_object_or_404(
            WithdrawalRequest.objects.select_related("customer"), pk=key_of(self.object_id)
        )
        self.fields["revision"].initial = self.withdrawal.revision

    def subject(self) -> dict[str, Any]:
        row = self.withdrawal
        return {
            "withdrawal": row,
            "network": network_name(row.network),
            "amount": usdt_text(row.amount_micro),
            "fee": usdt_text(row.fee_micro),
            "changed": self.is_bound and self.data.get("revision") != str(row.revision),
        }

    def closed_because(self) -> str:
        if self.withdrawal.state in self.states:
            return ""
        return _("There is nothing to decide here any more: the state is now “%(state)s”.") % {
            "state": staff_state(self.withdrawal.state)
        }

    def named(self, text: str) -> str:
        """`text` with the amount in it, for the button."""
        return text % {"amount": usdt_text(self.withdrawal.amount_micro)}

    def decision(self) -> dict[str, Any]:
        """What every decision's operation is told."""
        return {"withdrawal_id": self.withdrawal.pk, "revision": self.cleaned_data["revision"]}


class StepUpForm(StepUpDialogForm, WithdrawalDialogForm):
    """A decision on money."""


class ClaimForm(WithdrawalDialogForm):
    states = (State.IN_REVIEW, State.ON_HOLD)


class ReleaseClaimForm(WithdrawalDialogForm):
    states = (State.IN_REVIEW, State.ON_HOLD)


class ApproveForm(StepUpForm):
    """The proof is given over exactly what is shown, and goes to the signer with the approval."""

    each_time = True
    reason = reason_field(gettext_lazy("Remark, for staff"), required=False)

    def challenge_text(self) -> bytes:
        return bytes.fromhex(approval_digest_of(self.withdrawal))

    def closed_because(self) -> str:
        closed = super().closed_because()
        if closed or self.is_missing:
            return closed
        known = known_keys(self.asker.pk)
        return (
            ""
            if any(evidence_key(factor) in known for factor in factors_of(self.asker))
            else str(UnknownToSigner.message)
        )

    def submit_text(self) -> str:
        return self.named(_("Approve %(amount)s"))


class HoldForm(StepUpForm):
    states = (State.IN_REVIEW, State.APPROVED)
    reason = reason_field(
        gettext_lazy("Reason"), help_text=gettext_lazy("The customer reads this: what is missing, what to do next.")
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until (UTC)"),
        required=False,
        help_text=gettext_lazy("Then it returns to review by itself. Empty: until somebody releases it."),
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M"
        ),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].initial = (timezone.now() + dt.timedelta(days=1)).replace(second=0, microsecond=0)

    def submit_text(self) -> str:
        return self.named(_("Hold %(amount)s"))


class ReleaseForm(StepUpForm):
    states = (State.ON_HOLD,)
    reason = reason_field(gettext_lazy("Remark, for staff"), required=False)

    def submit_text(self) -> str:
        return self.named(_("Back to review: %(amount)s"))


class RejectForm(StepUpForm):
    states = (State.IN_REVIEW, State.ON_HOLD)
    danger = True
    reason_for_customer = reason_field(
        gettext_lazy("Reason, for the customer"), help_text=gettext_lazy("The customer reads this.")
    )
    note = reason_field(gettext_lazy("Note, for staff"), required=False, limit=2000)

    def submit_text(self) -> str:
        return self.named(_("Reject %(amount)s"))


class NoteForm(WithdrawalDialogForm):
    states = tuple(State.values)
    text = reason_field(gettext_lazy("Note, for staff"), limit=2000)


class RetryForm(StepUpForm):
    states = (State.FAILED,)
    reason = reason_field(gettext_lazy("Reason"))

    def notice(self) -> str:
        if not self.is_void:
            return ""
        return _(
            "The signer does not know (any more) a second factor that this was approved with, and would refuse it. Its"
            " approvals become void, and it goes back to review."
        )

    @cached_property
    def is_void(self) -> bool:
        return must_be_approved_anew(self.withdrawal)

    def submit_text(self) -> str:
        return self.named(_("Back to review: %(amount)s") if self.is_void else _("Pay %(amount)s again"))


class GiveBackForm(StepUpForm):
    states = (State.FAILED,)
    danger = True
    reason = reason_field(gettext_lazy("Reason"), help_text=gettext_lazy("The customer reads this."))

    def submit_text(self) -> str:
        return _("Return %(amount)s to the customer") % {"amount": usdt_text(self.withdrawal.debit_micro)}
