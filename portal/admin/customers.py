"""Customers: who they are, what we owe them, and the brake on their withdrawals."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import INPUT_CLASSES

from accounts.activity import origin_of
from accounts.admin.sign_ins import sign_in_line
from accounts.freezes import ThawRefused, ask_to_thaw, freeze_withdrawals
from accounts.holds import HoldError, held_until, lengthen_hold
from accounts.login_history import sign_ins_of
from accounts.models import Customer, WithdrawalHold
from accounts.second_factor import StepUpFailed
from accounts.settings_lock import current_lock, ends_at
from accounts.staff.dialogs import DialogForm, Refused, StepUpDialogForm, dialog, reason_field
from accounts.staff.display import NOTHING, key_of, labelled, lines, link_to, moment, mono
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin
from payouts.admin.states import staff_state
from payouts.known_addresses import address_choice
from payouts.models import SavedAddress, WithdrawalRequest
from payouts.totals import Totals, totals_of
from treasury import ledger
from treasury.admin.display import usdt
from treasury.models import Deposit, DepositAddress

RECENT = 10


def is_frozen(customer: Any) -> bool:
    """Whether their withdrawals are stopped. An account that never chose anything has no profile yet."""
    profile = getattr(customer, "profile", None)
    return profile is not None and profile.withdrawals_frozen_at is not None


class CustomerDialogForm(DialogForm):
    subject_template = "admin/accounts/customer/dialog_subject.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = get_object_or_404(Customer.objects.select_related("profile"), pk=key_of(self.object_id))

    def subject(self) -> dict[str, Any]:
        return {"customer": self.customer}


class FreezeForm(StepUpDialogForm, CustomerDialogForm):
    reason = reason_field(gettext_lazy("Reason, for staff"), limit=200)
    danger = True

    def closed_because(self) -> str:
        return _("The withdrawals of this customer are frozen already.") if is_frozen(self.customer) else ""


class UnfreezeForm(StepUpDialogForm, CustomerDialogForm):
    """Two people: the first asks, the second confirms."""

    reason = reason_field(gettext_lazy("Why they may go on"), limit=200)

    def subject(self) -> dict[str, Any]:
        profile = getattr(self.customer, "profile", None)
        return {"customer": self.customer, "thaw": profile if profile and profile.thaw_asked_by_id else None}

    def submit_text(self) -> str:
        profile = getattr(self.customer, "profile", None)
        asked = profile is not None and profile.thaw_asked_by_id is not None
        return _("Confirm that they go on") if asked else _("Ask that they go on")

    def notice(self) -> str:
        profile = getattr(self.customer, "profile", None)
        if profile is None or not profile.frozen_by_person:
            return ""
        return _(
            "They were frozen by the customer or by support, so after this they stay held for a while: time for the"
            " customer to check saved addresses, second factors and devices."
        )

    def closed_because(self) -> str:
        return "" if is_frozen(self.customer) else _("The withdrawals of this customer are not frozen.")


class HoldCustomerForm(StepUpDialogForm, CustomerDialogForm):
    reason = reason_field(gettext_lazy("Reason, for staff"), limit=200)
    until = forms.DateTimeField(
        label=gettext_lazy("Until (UTC)"),
        help_text=gettext_lazy("A hold can be lengthened, never shortened."),
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M"
        ),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        begins = held_until(self.customer.pk) or timezone.now()
        self.fields["until"].initial = (begins + dt.timedelta(days=1)).replace(second=0, microsecond=0)


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = (
        "email_", "full_name", "available", "reserved", "deposited", "paid_out", "invested", "frozen", "joined",
    )  # fmt: skip
    list_select_related = ("profile",)
    search_fields = ("email",)
    search_help_text = gettext_lazy("Exact e-mail address, customer number, or a deposit address")
    fieldsets = (
        (None, {"fields": ("number", "email", "full_name", "language", "joined", "last_seen", "state", "frozen")}),
        (
            gettext_lazy("Money"),
            {
                "fields": (
                    "available",
                    "reserved",
                    "invested",
                    "deposited",
                    "paid_out",
                    "owed_back",
                    "deposit_addresses_",
                )
            },
        ),
        (gettext_lazy("Safety"), {"fields": ("holds_", "settings_lock_", "paid_to", "address_book_")}),
        (gettext_lazy("Latest movements"), {"fields": ("withdrawals_", "deposits_")}),
        (gettext_lazy("Latest sign-ins"), {"fields": ("sign_ins_",)}),
    )
    actions_detail = ("freeze", "unfreeze", "hold")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).filter(is_staff=False)

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if "@" in term:
            return queryset.filter(email=term.lower())
        if term.isdecimal() and len(term) < 19:
            return queryset.filter(pk=int(term))
        return queryset.filter(pk__in=DepositAddress.objects.filter(address=term).values("customer"))

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        codes = [f"customer:{row.pk}:{part}" for row in rows for part in ("available", "reserved")]
        balances = ledger.balances(codes)
        for row in rows:
            row.balances_micro = {part: balances[f"customer:{row.pk}:{part}"] for part in ("available", "reserved")}
        totals = totals_of(row.pk for row in rows)
        for row in rows:
            row.totals = totals[row.pk]

    def has_freeze_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.freeze_customer"))

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        frozen = Customer.objects.filter(pk=key_of(object_id), profile__withdrawals_frozen_at__isnull=False).exists()
        fitting = "unfreeze" if frozen else "freeze"
        return [each for each in super().get_actions_detail(request, object_id) if each.path in {fitting, "hold"}]

    @dialog(
        form=FreezeForm, title=gettext_lazy("Freeze withdrawals"), permission="freeze", icon="ac_unit",
        variant=ActionVariant.DANGER, url_path="freeze", refusals=(StepUpFailed,),
    )  # fmt: skip
    def freeze(self, request: HttpRequest, form: FreezeForm) -> str:
        form.prove(origin_of(request))
        frozen = freeze_withdrawals(
            user_id=form.customer.pk,
            reason=form.cleaned_data["reason"],
            actor=staff_of(request),
            origin=origin_of(request),
        )
        if not frozen:
            raise Refused(_("The withdrawals of this customer are frozen already."))
        return _("Withdrawals of %(customer)s are frozen.") % {"customer": form.customer.email}

    @dialog(
        form=UnfreezeForm, title=gettext_lazy("Let withdrawals go on"), permission="freeze", icon="play_circle",
        variant=ActionVariant.PRIMARY, url_path="unfreeze", refusals=(ThawRefused, StepUpFailed),
    )  # fmt: skip
    def unfreeze(self, request: HttpRequest, form: UnfreezeForm) -> str:
        person = staff_of(request)
        form.prove(origin_of(request))
        thawed = ask_to_thaw(
            user_id=form.customer.pk, reason=form.cleaned_data["reason"], actor=person, origin=origin_of(request)
        )
        if not thawed:
            return _("Noted. A second person has to confirm it.")
        if until := held_until(form.customer.pk):
            return _("Withdrawals of %(customer)s are no longer frozen; they are held until %(until)s UTC.") % {
                "customer": form.customer.email,
                "until": f"{until:%Y-%m-%d %H:%M}",
            }
        return _("Withdrawals of %(customer)s go on.") % {"customer": form.customer.email}

    @dialog(
        form=HoldCustomerForm, title=gettext_lazy("Hold withdrawals"), permission="freeze", icon="timer",
        url_path="hold", refusals=(HoldError, StepUpFailed),
    )  # fmt: skip
    def hold(self, request: HttpRequest, form: HoldCustomerForm) -> str:
        form.prove(origin_of(request))
        until = lengthen_hold(
            user_id=form.customer.pk,
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["reason"],
            actor=staff_of(request),
            origin=origin_of(request),
        )
        return _("Withdrawals of %(customer)s are held until %(until)s UTC.") % {
            "customer": form.customer.email,
            "until": f"{until:%Y-%m-%d %H:%M}",
        }

    @display(description=gettext_lazy("holds on withdrawals"))
    def holds_(self, customer: Customer) -> str:
        """Those that run, and those that were: the latest first."""
        now = timezone.now()
        rows = WithdrawalHold.objects.filter(user=customer.pk).select_related("actor").order_by("-id")[:RECENT]
        return lines(
            format_html(
                "{} – {} · {} · {} {}",
                moment(row.held_from),
                moment(row.held_until),
                _("runs") if row.held_until > now else _("over"),
                row.get_kind_display(),
                row.reason,
            )
            for row in rows
        )

    @display(description=gettext_lazy("settings lock"))
    def settings_lock_(self, customer: Customer) -> str:
        lock = current_lock(customer.pk)
        return format_html("{} {}", _("locked until"), moment(ends_at(lock))) if lock else NOTHING

    @display(description=gettext_lazy("withdrawals go"))
    def paid_to(self, customer: Customer) -> str:
        profile = getattr(customer, "profile", None)
        choice = address_choice(profile.any_address_from if profile else None)
        if not choice.only_saved:
            return _("to any address")
        if choice.any_from is None:
            return _("to saved addresses only")
        return format_html("{} {}", _("to saved addresses only, to any from"), moment(choice.any_from))

    @display(description=gettext_lazy("address book"))
    def address_book_(self, customer: Customer) -> str:
        """With what was removed: whoever takes an account over cleans up behind them."""
        rows = SavedAddress.objects.filter(customer=customer.pk).order_by("-id")[:RECENT]
        return lines(
            format_html(
                "{} · {} · {} · {} · {}{}",
                row.label,
                row.network,
                mono(row.address),
                row.get_state_display(),
                moment(row.closed_at or row.active_from or row.added_at),
                format_html(" · {} {}", _("looks like"), mono(row.resembles)) if row.resembles else "",
            )
            for row in rows
        )

    @display(description=gettext_lazy("e-mail address"))
    def email_(self, customer: Customer) -> str:
        return customer.email

    @display(description=gettext_lazy("number"))
    def number(self, customer: Customer) -> str:
        return str(customer.pk)

    @display(description=gettext_lazy("available"), formatting="price")
    def available(self, customer: Customer) -> str:
        return usdt(self._balance(customer, "available"))

    @display(description=gettext_lazy("reserved"), formatting="price")
    def reserved(self, customer: Customer) -> str:
        return usdt(self._balance(customer, "reserved"))

    @display(description=gettext_lazy("deposited in all"), formatting="price")
    def deposited(self, customer: Customer) -> str:
        return usdt(self._totals(customer).total_deposit_amount)

    @display(description=gettext_lazy("profit paid out"), formatting="price")
    def paid_out(self, customer: Customer) -> str:
        return usdt(self._totals(customer).total_payout_amount)

    @display(description=gettext_lazy("invested"), formatting="price")
    def invested(self, customer: Customer) -> str:
        return usdt(self._totals(customer).active_investment)

    def _totals(self, customer: Any) -> Totals:
        known = getattr(customer, "totals", None)
        return known or totals_of([customer.pk])[customer.pk]

    def _balance(self, customer: Any, part: str) -> int:
        known = getattr(customer, "balances_micro", None)
        return known[part] if known else ledger.balance(f"customer:{customer.pk}:{part}")

    @display(description=gettext_lazy("owed to us after a reorganisation"))
    def owed_back(self, customer: Customer) -> str:
        owed = ledger.balance(f"receivable:reorg:{customer.pk}")
        return usdt(owed) if owed else NOTHING

    @labelled(description=gettext_lazy("withdrawals"), colours={"frozen": "danger", "open": "success"})
    def frozen(self, customer: Customer) -> tuple[str, str]:
        return ("frozen", _("Frozen")) if is_frozen(customer) else ("open", _("Open"))

    @display(description=gettext_lazy("account"))
    def state(self, customer: Customer) -> str:
        if not customer.is_active:
            return _("Closed")
        profile = getattr(customer, "profile", None)
        reason = profile.withdrawals_frozen_reason if profile else ""
        return _("Active; withdrawals frozen: %(reason)s") % {"reason": reason} if reason else _("Active")

    @display(description=gettext_lazy("language"))
    def language(self, customer: Customer) -> str:
        profile = getattr(customer, "profile", None)
        return profile.language if profile else NOTHING

    @display(description=gettext_lazy("joined"))
    def joined(self, customer: Customer) -> str:
        return moment(customer.date_joined)

    @display(description=gettext_lazy("last sign-in"))
    def last_seen(self, customer: Customer) -> str:
        return moment(customer.last_login)

    @display(description=gettext_lazy("deposit addresses"))
    def deposit_addresses_(self, customer: Customer) -> str:
        rows = DepositAddress.objects.filter(customer=customer.pk).order_by("family", "id")
        return lines(format_html("{} · {}", row.family.upper(), mono(row.address)) for row in rows)

    @display(description=gettext_lazy("withdrawals"))
    def withdrawals_(self, customer: Customer) -> str:
        rows = WithdrawalRequest.objects.filter(customer=customer.pk).order_by("-id")[:RECENT]
        return lines(
            format_html(
                "{} · {} · {} · {}",
                link_to(row, "payouts_withdrawalrequest_change", row.pk),
                moment(row.requested_at),
                usdt(row.amount_micro),
                staff_state(row.state),
            )
            for row in rows
        )

    @display(description=gettext_lazy("deposits"))
    def deposits_(self, customer: Customer) -> str:
        rows = Deposit.objects.filter(deposit_address__customer=customer.pk).order_by("-id")[:RECENT]
        return lines(
            format_html(
                "{} · {} · {} · {}",
                link_to(f"D-{row.pk}", "treasury_deposit_change", row.pk),
                moment(row.seen_at),
                usdt(row.amount_micro),
                row.get_state_display(),
            )
            for row in rows
        )

    @display(description=gettext_lazy("sign-ins"))
    def sign_ins_(self, customer: Customer) -> str:
        rows = sign_ins_of(customer.pk, limit=RECENT)
        if not rows:
            return NOTHING
        everything = reverse("admin:accounts_loginhistory_changelist") + f"?user={customer.pk}"
        return format_html(
            '{}<div class="x-line"><a class="x-link" href="{}">{}</a></div>',
            lines(sign_in_line(row) for row in rows),
            everything,
            _("All sign-ins"),
        )
