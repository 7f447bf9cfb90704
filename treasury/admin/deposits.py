"""What arrived: deposits, other people's tokens, and the addresses they came to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import User
from accounts.staff.display import NOTHING, key_of, labelled, link_to, moment, mono
from accounts.staff.filters import ChoiceFilter
from accounts.staff.readonly import ReadOnlyAdmin
from treasury import pool_signatures
from treasury.admin.display import network_name, transaction, usdt
from treasury.admin.filters import NetworkFilter, StateFilter
from treasury.models import Deposit, DepositAddress, ForeignTransfer

STATE_COLOURS = {
    "seen": "info", "confirmed": "info", "credited": "success", "orphaned": "warning", "reversed": "danger",
    "below_minimum": "warning", "suspended": "danger",
}  # fmt: skip


def customer_link(user: Any) -> str:
    """The customer's page, by e-mail address."""
    return link_to(user.email, "accounts_customer_change", user.pk) if user else NOTHING


@admin.register(Deposit)
class DepositAdmin(ReadOnlyAdmin):
    list_display = ("number", "seen", "customer", "amount", "network_", "state_", "transaction_")
    list_filter = (StateFilter, NetworkFilter)
    list_select_related = ("deposit_address__customer",)
    search_fields = ("tx_hash",)
    search_help_text = _("Exact transaction hash, deposit address, e-mail address, or number")
    exact_lookups = ("deposit_address",)
    fieldsets = (
        (None, {"fields": ("number", "customer", "amount", "state_", "network_")}),
        (
            _("On the chain"),
            {
                "fields": (
                    "transaction_", "ordinal", "log_index", "block_number", "block_hash_", "sender_", "recipient",
                    "amount_raw", "dust_raw",
                )
            },
        ),
        (_("Times"), {"fields": ("seen", "confirmed", "credited", "orphaned", "inclusion")}),
    )  # fmt: skip

    def row_title(self, row: Any) -> str:
        return f"D-{row.pk}"

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if "@" in term:
            return queryset.filter(deposit_address__customer__email=term.lower())
        number = key_of(term.upper().removeprefix("D-"))
        if number:
            return queryset.filter(pk=number)
        if len(term) > 60:
            return queryset.filter(network__in=_networks(), tx_hash=term.lower())
        return queryset.filter(deposit_address__in=DepositAddress.objects.filter(address=term))

    @display(description=_("number"))
    def number(self, deposit: Deposit) -> str:
        return f"D-{deposit.pk}"

    @display(description=_("customer"))
    def customer(self, deposit: Deposit) -> str:
        return customer_link(deposit.deposit_address.customer)

    @display(description=_("amount"), formatting="price")
    def amount(self, deposit: Deposit) -> str:
        return usdt(deposit.amount_micro)

    @display(description=_("network"))
    def network_(self, deposit: Deposit) -> str:
        return network_name(deposit.network)

    @labelled(description=_("state"), colours=STATE_COLOURS)
    def state_(self, deposit: Deposit) -> tuple[str, str]:
        return deposit.state, deposit.get_state_display()

    @display(description=_("transaction"))
    def transaction_(self, deposit: Deposit) -> str:
        return transaction(deposit.network, deposit.tx_hash)

    @display(description=_("block's hash"))
    def block_hash_(self, deposit: Deposit) -> str:
        return mono(deposit.block_hash)

    @display(description=_("sender"))
    def sender_(self, deposit: Deposit) -> str:
        return mono(deposit.sender)

    @display(description=_("recipient"))
    def recipient(self, deposit: Deposit) -> str:
        return mono(deposit.deposit_address.address)

    @display(description=_("seen"))
    def seen(self, deposit: Deposit) -> str:
        return moment(deposit.seen_at)

    @display(description=_("confirmed"))
    def confirmed(self, deposit: Deposit) -> str:
        return moment(deposit.confirmed_at)

    @display(description=_("credited"))
    def credited(self, deposit: Deposit) -> str:
        return moment(deposit.credited_at)

    @display(description=_("orphaned"))
    def orphaned(self, deposit: Deposit) -> str:
        return moment(deposit.orphaned_at)


@admin.register(ForeignTransfer)
class ForeignTransferAdmin(ReadOnlyAdmin):
    list_display = ("seen", "customer", "contract_", "amount_raw", "network_", "transaction_")
    list_filter = (NetworkFilter,)
    list_select_related = ("deposit_address__customer",)
    search_fields = ("tx_hash",)
    search_help_text = _("Exact transaction hash")
    fields = (
        "seen", "customer", "network_", "contract_", "amount_raw", "sender_", "recipient", "transaction_",
        "block_number", "log_index",
    )  # fmt: skip

    def row_title(self, row: Any) -> str:
        return f"{network_name(row.network)} {row.tx_hash[:10]}…"

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(network__in=_networks(), tx_hash=term.lower())

    @display(description=_("seen"))
    def seen(self, transfer: ForeignTransfer) -> str:
        return moment(transfer.seen_at)

    @display(description=_("customer"))
    def customer(self, transfer: ForeignTransfer) -> str:
        return customer_link(transfer.deposit_address.customer)

    @display(description=_("token contract"))
    def contract_(self, transfer: ForeignTransfer) -> str:
        return mono(transfer.contract)

    @display(description=_("sender"))
    def sender_(self, transfer: ForeignTransfer) -> str:
        return mono(transfer.sender)

    @display(description=_("recipient"))
    def recipient(self, transfer: ForeignTransfer) -> str:
        return mono(transfer.deposit_address.address)

    @display(description=_("network"))
    def network_(self, transfer: ForeignTransfer) -> str:
        return network_name(transfer.network)

    @display(description=_("transaction"))
    def transaction_(self, transfer: ForeignTransfer) -> str:
        return transaction(transfer.network, transfer.tx_hash)


class AddressUseFilter(ChoiceFilter):
    title = _("use")
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("free", _("Free")), ("assigned", _("Assigned")), ("retired", _("Retired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "free":
            return queryset.filter(customer=None)
        if self.value() == "assigned":
            return queryset.filter(customer__isnull=False, retired_at=None)
        return queryset.filter(retired_at__isnull=False) if self.value() == "retired" else queryset


@admin.register(DepositAddress)
class DepositAddressAdmin(ReadOnlyAdmin):
    list_display = ("address_", "family", "customer_", "assigned", "use")
    list_filter = (AddressUseFilter,)
    list_select_related = ("customer",)
    search_fields = ("address",)
    search_help_text = _("Exact address or e-mail address")
    exact_lookups = ("customer",)
    fields = ("address_", "family", "derivation_index", "customer_", "assigned", "retired", "created", "authentic")

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if "@" not in term:
            return queryset.filter(family__in=("evm", "tron"), address=term)
        owner = User.objects.filter(email=term.lower()).values_list("pk", flat=True).first()
        return queryset.none() if owner is None else queryset.filter(customer=owner)

    @display(description=_("address"))
    def address_(self, row: DepositAddress) -> str:
        return mono(row.address)

    @display(description=_("customer"))
    def customer_(self, row: DepositAddress) -> str:
        return customer_link(row.customer)

    @display(description=_("assigned"))
    def assigned(self, row: DepositAddress) -> str:
        return moment(row.assigned_at)

    @display(description=_("retired"))
    def retired(self, row: DepositAddress) -> str:
        return moment(row.retired_at)

    @display(description=_("created"))
    def created(self, row: DepositAddress) -> str:
        return moment(row.created_at)

    @labelled(description=_("use"), colours={"free": "info", "assigned": "success", "retired": "warning"})
    def use(self, row: DepositAddress) -> tuple[str, str]:
        if row.retired_at is not None:
            return "retired", gettext("Retired")
        return ("free", gettext("Free")) if row.customer_id is None else ("assigned", gettext("Assigned"))

    @labelled(description=_("signature"), colours={"good": "success", "bad": "danger"})
    def authentic(self, row: DepositAddress) -> tuple[str, str]:
        """Checked now, against the public key in the settings."""
        good = pool_signatures.verify(row)
        return ("good", gettext("Authentic")) if good else ("bad", gettext("Not authentic: do not use"))


def _networks() -> list[str]:
    """Named so that the unique index (network, transaction, …) serves a search by transaction."""
    from treasury.chains import registry

    return list(registry.networks())
