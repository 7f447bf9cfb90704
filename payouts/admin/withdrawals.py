"""The queue: what waits for a decision, and the dialogs in which it is taken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts.activity import origin_of
from accounts.holds import held_among
from accounts.models import User
from accounts.second_factor import StepUpFailed
from accounts.staff.dialogs import dialog
from accounts.staff.display import NOTHING, badge, duration, key_of, labelled, link_to, moment, mono
from accounts.staff.keyset import KeysetChangeList
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin
from payouts import withdrawals
from payouts.admin import dialogs, filters
from payouts.admin.page import claim_of, page_facts
from payouts.admin.states import staff_state
from payouts.admin.tabs import tab_links, tab_of
from payouts.errors import WithdrawalError
from payouts.models import WithdrawalApproval, WithdrawalRequest
from treasury.admin.display import network_name, usdt

State = WithdrawalRequest.State
REFUSALS = (WithdrawalError, StepUpFailed)
STATE_COLOURS = {
    "in_review": "warning", "on_hold": "warning", "approved": "info", "ordered": "info", "sent": "info",
    "paid": "success", "failed": "danger", "rejected": "danger",
}  # fmt: skip
HASH_LENGTH = 66
# Which dialogs have something to decide in which states; a note can always be added.
FITTING: dict[str, tuple[str, ...]] = {
    "approve": dialogs.ApproveForm.states,
    "hold": dialogs.HoldForm.states,
    "release": dialogs.ReleaseForm.states,
    "reject": dialogs.RejectForm.states,
    "claim": dialogs.ClaimForm.states,
    "unclaim": dialogs.ReleaseClaimForm.states,
    "note": dialogs.NoteForm.states,
    "retry": dialogs.RetryForm.states,
    "give-back": dialogs.GiveBackForm.states,
}
KEYS = {"approve": "a", "hold": "h", "reject": "r", "claim": "g"}


class QueueChangeList(KeysetChangeList):
    """A tab of the queue, in the order its work is done in."""

    own_parameters = frozenset({"tab"})
    root_queryset: QuerySet[Any]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.root_queryset = tab_of(self.params).narrow(self.root_queryset, staff_of(request).pk)
        return super().get_queryset(request, exclude_parameters)


@admin.register(WithdrawalRequest)
class WithdrawalRequestAdmin(ReadOnlyAdmin):
    list_display = (
        "number", "customer_", "amount", "address_", "signals", "state_", "approvals_", "claimed", "waiting",
    )  # fmt: skip
    list_filter = (
        filters.StateFilter,
        filters.NetworkFilter,
        filters.ClaimFilter,
        filters.AmountFilter,
        filters.RequestedFilter,
        filters.CustomerFilter,
    )
    list_select_related = ("customer", "customer__profile", "claimed_by")
    list_before_template = "admin/payouts/withdrawalrequest/tabs.html"
    list_after_template = "admin/payouts/withdrawalrequest/keys.html"
    list_fullwidth = True
    search_fields = ("public_id",)
    search_help_text = gettext_lazy("Exact number, e-mail address, address or transaction")
    exact_lookups = ("customer",)
    fields = ("public_id",)
    actions_detail = (
        "approve", "hold", "release", "reject", "claim", "release_claim", "add_note", "retry", "give_back",
    )  # fmt: skip

    # --- the list ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return QueueChangeList

    def newest_first(self, request: HttpRequest) -> bool:
        return tab_of(dict(request.GET.items())).newest_first

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        tabs = tab_links(tab_of(dict(request.GET.items())), staff_of(request).pk)
        return super().changelist_view(
            request, {"title": _("Withdrawals"), "subtitle": None, "tabs": tabs, **(extra_context or {})}
        )

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Where every row is in the same state, the column says nothing."""
        columns = tuple(super().get_list_display(request))
        if tab_of(dict(request.GET.items())).key in {"sent", "all"}:
            return tuple(name for name in columns if name not in {"signals", "claimed"})
        return tuple(name for name in columns if name != "state_")

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if "@" in term:
            customer = User.objects.filter(email=term.lower()).values_list("pk", flat=True).first()
            return queryset.none() if customer is None else queryset.filter(customer=customer)
        number = key_of(term.upper().removeprefix("W-"))
        if number:
            return queryset.filter(pk=number)
        if len(term) == HASH_LENGTH:
            return queryset.filter(tx_hash=term.lower()).exclude(tx_hash="")
        try:
            return queryset.filter(public_id=UUID(term))
        except ValueError:
            return queryset.filter(address=term)

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Three queries for the page: approvals of the current revisions, addresses paid before, customers on hold."""
        given = dict(
            WithdrawalApproval.objects.filter(
                withdrawal__in=[row.pk for row in rows], revision=F("withdrawal__revision")
            )
            .values_list("withdrawal")
            .annotate(Count("pk"))
        )
        known = set(
            WithdrawalRequest.objects.filter(
                state=State.PAID,
                customer__in={row.customer_id for row in rows},
                address__in={row.address for row in rows},
            ).values_list("customer", "address")
        )
        held = held_among(row.customer_id for row in rows)
        for row in rows:
            row.customer_held = row.customer_id in held
            row.approvals_given = given.get(row.pk, 0)
            row.address_known = (row.customer_id, row.address) in known

    # --- one request ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[WithdrawalRequest]:
        return super().get_queryset(request).select_related("customer", "customer__profile", "claimed_by")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = context["original"]
        context |= page_facts(row)
        context |= {
            "withdrawal": row,
            "state": badge(staff_state(row.state), STATE_COLOURS.get(row.state, "")),
            # The buttons stand on the page, beside what they decide, and not in Unfold's header.
            "dialogs": [self._button(each, row) for each in context.pop("actions_detail", None) or ()],
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        row = WithdrawalRequest.objects.select_related("claimed_by").filter(pk=key_of(object_id)).first()
        if row is None:
            return []
        claimed_by_me = claim_of(row) == staff_of(request).email
        fitting = {path for path, states in FITTING.items() if row.state in states}
        fitting.discard("claim" if claimed_by_me else "unclaim")
        return [each for each in super().get_actions_detail(request, object_id) if each.path in fitting]

    def _button(self, action: dict[str, Any], row: WithdrawalRequest) -> dict[str, Any]:
        path = action["path"].rstrip("/").rsplit("/", 1)[-1]
        return {**action, "key": KEYS.get(path, ""), "kind": action["variant"].value}

    # --- who may ---

    def has_review_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "review_withdrawalrequest")

    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "approve_withdrawalrequest")

    def has_hold_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "hold_withdrawalrequest")

    def has_reject_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "reject_withdrawalrequest")

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "resolve_failed_withdrawalrequest")

    def _may(self, request: HttpRequest, codename: str) -> bool:
        return bool(self.has_view_permission(request) and request.user.has_perm(f"payouts.{codename}"))

    # --- dialogs ---

    @dialog(
        form=dialogs.ApproveForm, title=gettext_lazy("Approve"), permission="approve", icon="check",
        variant=ActionVariant.PRIMARY, url_path="approve", refusals=REFUSALS,
    )  # fmt: skip
    def approve(self, request: HttpRequest, form: dialogs.ApproveForm) -> str:
        row = withdrawals.approve_withdrawal(
            **form.decision(), actor=staff_of(request), reason=form.cleaned_data["reason"], step_up=form.given(),
            origin=origin_of(request),
        )  # fmt: skip
        if row.state == State.IN_REVIEW:
            return _("%(number)s: your approval is recorded. One more person must approve it.") % {"number": row}
        return _("%(number)s is approved and will be sent.") % {"number": row}

    @dialog(
        form=dialogs.HoldForm, title=gettext_lazy("Put on hold"), permission="hold", icon="pause",
        url_path="hold", refusals=REFUSALS,
    )  # fmt: skip
    def hold(self, request: HttpRequest, form: dialogs.HoldForm) -> str:
        row = withdrawals.hold_withdrawal(
            **form.decision(), actor=staff_of(request), reason=form.cleaned_data["reason"],
            until=form.cleaned_data["until"], step_up=form.prove(origin_of(request)), origin=origin_of(request),
        )  # fmt: skip
        return _("%(number)s is on hold.") % {"number": row}

    @dialog(
        form=dialogs.ReleaseForm, title=gettext_lazy("Release the hold"), permission="hold", icon="play_arrow",
        variant=ActionVariant.PRIMARY, url_path="release", refusals=REFUSALS,
    )  # fmt: skip
    def release(self, request: HttpRequest, form: dialogs.ReleaseForm) -> str:
        row = withdrawals.release_hold(
            **form.decision(), actor=staff_of(request), reason=form.cleaned_data["reason"],
            step_up=form.prove(origin_of(request)), origin=origin_of(request),
        )  # fmt: skip
        return _("%(number)s is in review again.") % {"number": row}

    @dialog(
        form=dialogs.RejectForm, title=gettext_lazy("Reject"), permission="reject", icon="block",
        variant=ActionVariant.DANGER, url_path="reject", refusals=REFUSALS,
    )  # fmt: skip
    def reject(self, request: HttpRequest, form: dialogs.RejectForm) -> str:
        row = withdrawals.reject_withdrawal(
            **form.decision(), actor=staff_of(request), reason_for_customer=form.cleaned_data["reason_for_customer"],
            note=form.cleaned_data["note"], step_up=form.prove(origin_of(request)), origin=origin_of(request),
        )  # fmt: skip
        return _("%(number)s is rejected; the money is back in the customer's balance.") % {"number": row}

    @dialog(
        form=dialogs.ClaimForm, title=gettext_lazy("Claim"), permission="review", icon="back_hand",
        url_path="claim", refusals=REFUSALS,
        description=gettext_lazy("For ten minutes nobody else can decide on it."),
    )  # fmt: skip
    def claim(self, request: HttpRequest, form: dialogs.ClaimForm) -> str:
        row = withdrawals.claim_withdrawal(
            withdrawal_id=form.withdrawal.pk, actor=staff_of(request), origin=origin_of(request)
        )
        return _("%(number)s is yours for ten minutes.") % {"number": row}

    @dialog(
        form=dialogs.ReleaseClaimForm, title=gettext_lazy("Give up the claim"), permission="review",
        icon="do_not_touch", url_path="unclaim", refusals=REFUSALS,
    )  # fmt: skip
    def release_claim(self, request: HttpRequest, form: dialogs.ReleaseClaimForm) -> str:
        row = withdrawals.release_claim(
            withdrawal_id=form.withdrawal.pk, actor=staff_of(request), origin=origin_of(request)
        )
        return _("%(number)s is anybody's again.") % {"number": row}

    @dialog(
        form=dialogs.NoteForm, title=gettext_lazy("Add a note"), permission="review", icon="sticky_note_2",
        url_path="note", refusals=REFUSALS,
    )  # fmt: skip
    def add_note(self, request: HttpRequest, form: dialogs.NoteForm) -> str:
        withdrawals.add_note(
            withdrawal_id=form.withdrawal.pk, actor=staff_of(request), text=form.cleaned_data["text"],
            origin=origin_of(request),
        )  # fmt: skip
        return _("The note is saved.")

    @dialog(
        form=dialogs.RetryForm, title=gettext_lazy("Pay again"), permission="resolve", icon="replay",
        variant=ActionVariant.PRIMARY, url_path="retry", refusals=REFUSALS,
        description=gettext_lazy("The failed payment is proven dead."),
    )  # fmt: skip
    def retry(self, request: HttpRequest, form: dialogs.RetryForm) -> str:
        row = withdrawals.retry_withdrawal(
            **form.decision(), actor=staff_of(request), reason=form.cleaned_data["reason"],
            step_up=form.prove(origin_of(request)), origin=origin_of(request),
        )  # fmt: skip
        if row.state == State.IN_REVIEW:
            return _("%(number)s is in review again, to be approved anew.") % {"number": row}
        return _("%(number)s will be paid by a new payment.") % {"number": row}

    @dialog(
        form=dialogs.GiveBackForm, title=gettext_lazy("Return the money"), permission="resolve", icon="undo",
        variant=ActionVariant.DANGER, url_path="give-back", refusals=REFUSALS,
        description=gettext_lazy("The failed payment is proven dead. Amount and fee go back to the customer."),
    )  # fmt: skip
    def give_back(self, request: HttpRequest, form: dialogs.GiveBackForm) -> str:
        row = withdrawals.return_withdrawal(
            **form.decision(), actor=staff_of(request), reason=form.cleaned_data["reason"],
            step_up=form.prove(origin_of(request)), origin=origin_of(request),
        )  # fmt: skip
        return _("%(number)s: the money is back in the customer's balance.") % {"number": row}

    # --- columns ---

    @display(description=gettext_lazy("number"))
    def number(self, row: WithdrawalRequest) -> str:
        return format_html('<b class="x-number">{}</b><br>{}', row, moment(row.requested_at))

    @display(description=gettext_lazy("customer"))
    def customer_(self, row: WithdrawalRequest) -> str:
        return link_to(row.customer.email, "accounts_customer_change", row.customer_id)

    @display(description=gettext_lazy("amount and network"))
    def amount(self, row: WithdrawalRequest) -> str:
        return format_html("{}<br>{}", usdt(row.amount_micro), network_name(row.network))

    @display(description=gettext_lazy("address"))
    def address_(self, row: WithdrawalRequest) -> str:
        return mono(row.address)

    @labelled(
        description=gettext_lazy("signals"),
        colours={
            "frozen": "danger",
            "held": "danger",
            "alike": "danger",
            "new": "warning",
            "large": "info",
            "quiet": "success",
        },
    )
    def signals(self, row: Any) -> Any:
        """The one that weighs most; the page shows all of them."""
        profile = getattr(row.customer, "profile", None)
        if profile is not None and profile.withdrawals_frozen_at:
            return "frozen", _("Frozen customer")
        if row.customer_held:
            return "held", _("Customer on hold")
        if row.resembles:
            return "alike", _("Look-alike address")
        if not row.address_known:
            return "new", _("New address")
        if row.amount_micro >= settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO:
            return "large", _("Large amount")
        return "quiet", _("Known address")

    @labelled(description=gettext_lazy("state"), colours=STATE_COLOURS)
    def state_(self, row: WithdrawalRequest) -> tuple[str, str]:
        return row.state, staff_state(row.state)

    @display(description=gettext_lazy("approvals"))
    def approvals_(self, row: Any) -> str:
        return _("%(given)s of %(required)s") % {"given": row.approvals_given, "required": row.approvals_required}

    @display(description=gettext_lazy("claimed by"))
    def claimed(self, row: WithdrawalRequest) -> str:
        return claim_of(row) or NOTHING

    @labelled(description=gettext_lazy("waiting"), colours={"fresh": "success", "soon": "warning", "late": "danger"})
    def waiting(self, row: WithdrawalRequest) -> Any:
        """Time since the customer confirmed, against the time we promise to decide in."""
        if row.state not in {State.IN_REVIEW, State.ON_HOLD} or row.confirmed_at is None:
            return NOTHING
        seconds = (timezone.now() - row.confirmed_at).total_seconds()
        if row.state == State.ON_HOLD:
            return duration(seconds)
        promised = settings.WITHDRAWAL_REVIEW_SLA_SECONDS
        kind = "late" if seconds > promised else "soon" if seconds > promised / 2 else "fresh"
        return kind, duration(seconds)
