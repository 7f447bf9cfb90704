"""The ledger, for reading: accounts with their balances and history, and every transfer."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.staff.display import NOTHING, key_of, link_to, moment
from accounts.staff.filters import FormFilter
from accounts.staff.forms import ExactForm
from accounts.staff.readonly import ReadOnlyAdmin
from treasury import ledger
from treasury.admin.display import asset_amount
from treasury.models.ledger import LedgerAccount, LedgerTransfer

HISTORY_PAGE = 50


class PrefixForm(ExactForm):
    name = "code"
    label = _("Code begins with, e.g. asset:")


class PrefixFilter(FormFilter):
    """By the unique index on the code: a range, not a pattern."""

    title = _("code")
    form_class = PrefixForm
    parameter_names = ("code",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        prefix = given["code"]
        return queryset.filter(code__gte=prefix, code__lt=f"{prefix}\U0010ffff") if prefix else queryset


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("code_", "balance", "normal_side_", "floor_", "opened")
    list_filter = (PrefixFilter,)
    search_fields = ("code",)
    search_help_text = _("Exact code, or a customer's number")
    newest_first_by_default = False
    list_per_page = 50
    fields = ("code_", "asset", "balance", "normal_side_", "floor_", "slots", "opened")
    change_form_outer_after_template = "admin/treasury/ledgeraccount/history.html"

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        customer = key_of(term)
        if not customer:
            return queryset.filter(code=term)
        codes = [f"customer:{customer}:{part}" for part in ("available", "reserved", "invested")]
        return queryset.filter(Q(code__in=[*codes, f"receivable:reorg:{customer}"]))

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        balances = ledger.balances([row.code for row in rows])
        for row in rows:
            row.balance_units = balances[row.code]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        account = context["original"]
        before = key_of(request.GET.get("before", "")) or None
        rows = ledger.history(account.code, before=before, limit=HISTORY_PAGE + 1)
        context["history"] = [
            {"row": row, "amount": asset_amount(row.amount, account.asset), "at": moment(row.posted_at)}
            for row in rows[:HISTORY_PAGE]
        ]
        context["older"] = rows[HISTORY_PAGE - 1].id if len(rows) > HISTORY_PAGE else None
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=_("code"))
    def code_(self, account: LedgerAccount) -> str:
        return format_html('<span class="x-code">{}</span>', account.code)

    @display(description=_("balance"), formatting="price")
    def balance(self, account: Any) -> str:
        return asset_amount(account.balance_units, account.asset)

    @display(description=_("normal side"))
    def normal_side_(self, account: LedgerAccount) -> str:
        return account.get_normal_side_display()

    @display(description=_("lowest balance"))
    def floor_(self, account: LedgerAccount) -> str:
        return NOTHING if account.floor is None else asset_amount(account.floor, account.asset)

    @display(description=_("opened"))
    def opened(self, account: LedgerAccount) -> str:
        return moment(account.opened_at)


class GroupForm(ExactForm):
    name = "group"
    label = _("Group, e.g. withdrawal:12")


class GroupFilter(FormFilter):
    title = _("group")
    form_class = GroupForm
    parameter_names = ("group",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return queryset.filter(group=given["group"]) if given["group"] else queryset


class DebitForm(ExactForm):
    name = "debit_code"
    label = _("Debited account")


class DebitFilter(FormFilter):
    title = _("debit")
    form_class: ClassVar[type[forms.Form]] = DebitForm
    parameter_names: ClassVar[tuple[str, ...]] = ("debit_code",)
    side = "debit"

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        """The account's id first: a join would hide from the planner that one account is meant."""
        code = given[self.parameter_names[0]]
        if not code:
            return queryset
        account = LedgerAccount.objects.filter(code=code).values_list("pk", flat=True).first()
        return queryset.none() if account is None else queryset.filter(**{self.side: account})


class CreditForm(ExactForm):
    name = "credit_code"
    label = _("Credited account")


class CreditFilter(DebitFilter):
    title = _("credit")
    form_class = CreditForm
    parameter_names = ("credit_code",)
    side = "credit"


@admin.register(LedgerTransfer)
class LedgerTransferAdmin(ReadOnlyAdmin):
    list_display = ("posted", "key_", "debit_", "credit_", "amount_", "kind")
    list_filter = (GroupFilter, DebitFilter, CreditFilter)
    list_select_related = ("debit", "credit")
    search_fields = ("key",)
    search_help_text = _("Exact key or group")
    list_per_page = 50
    fields = ("id", "posted", "key_", "group", "kind", "debit_", "credit_", "amount_")

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(Q(key=term) | Q(group=term))

    @display(description=_("posted"))
    def posted(self, transfer: LedgerTransfer) -> str:
        return moment(transfer.posted_at)

    @display(description=_("key"))
    def key_(self, transfer: LedgerTransfer) -> str:
        return format_html('<span class="x-code">{}</span>', transfer.key)

    @display(description=_("debit"))
    def debit_(self, transfer: LedgerTransfer) -> str:
        return link_to(transfer.debit.code, "treasury_ledgeraccount_change", transfer.debit_id)

    @display(description=_("credit"))
    def credit_(self, transfer: LedgerTransfer) -> str:
        return link_to(transfer.credit.code, "treasury_ledgeraccount_change", transfer.credit_id)

    @display(description=_("amount"), formatting="price")
    def amount_(self, transfer: LedgerTransfer) -> str:
        return asset_amount(transfer.amount, transfer.debit.asset)
