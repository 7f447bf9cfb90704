"""What goes out: orders, each transaction made for them, and the signer's own log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.staff.display import NOTHING, key_of, labelled, lines, link_to, moment, mono
from accounts.staff.readonly import ReadOnlyAdmin
from treasury.admin.display import native_amount, network_name, transaction, usdt
from treasury.admin.filters import NetworkFilter, StateFilter
from treasury.models import Broadcast, PaymentOrder, SigningRecord

BROADCAST_COLOURS = {
    "reserved": "info", "refused": "danger", "signed": "info", "sent": "info", "mined": "info", "replaced": "warning",
    "final_ok": "success", "final_reverted": "danger", "dead": "danger",
}  # fmt: skip
HASH_LENGTH = 66


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
    list_display = ("number", "created", "reference", "amount", "network_", "address_", "state_", "nonce_")
    list_filter = (StateFilter, NetworkFilter)
    search_fields = ("reference",)
    search_help_text = _("Exact reference, e.g. withdrawal:12, or number")
    fieldsets = (
        (None, {"fields": ("number", "reference", "amount", "address_", "network_", "state_", "dead_reason")}),
        (_("Place"), {"fields": ("wallet", "nonce_", "created", "closed")}),
        (_("Evidence"), {"fields": ("revision", "approvals_required", "evidence")}),
        (_("Transactions"), {"fields": ("broadcasts_",)}),
    )

    def row_title(self, row: Any) -> str:
        return f"O-{row.pk}"

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        number = key_of(term.upper().removeprefix("O-"))
        return queryset.filter(pk=number) if number else queryset.filter(reference=term)

    @display(description=_("number"))
    def number(self, order: PaymentOrder) -> str:
        return f"O-{order.pk}"

    @display(description=_("amount"), formatting="price")
    def amount(self, order: PaymentOrder) -> str:
        return usdt(order.amount_micro)

    @display(description=_("network"))
    def network_(self, order: PaymentOrder) -> str:
        return network_name(order.network)

    @display(description=_("address"))
    def address_(self, order: PaymentOrder) -> str:
        return mono(order.address)

    @labelled(description=_("state"), colours={"open": "info", "settled": "success", "dead": "danger"})
    def state_(self, order: PaymentOrder) -> tuple[str, str]:
        return order.state, order.get_state_display()

    @display(description=_("nonce"))
    def nonce_(self, order: PaymentOrder) -> str:
        return NOTHING if order.nonce is None else str(order.nonce)

    @display(description=_("created"))
    def created(self, order: PaymentOrder) -> str:
        return moment(order.created_at)

    @display(description=_("closed"))
    def closed(self, order: PaymentOrder) -> str:
        return moment(order.closed_at)

    @display(description=_("approvals"))
    def evidence(self, order: PaymentOrder) -> str:
        return lines(
            format_html("{} · {} · {}", approval.approver_label, moment(approval.approved_at), mono(approval.digest))
            for approval in order.approvals.order_by("id")
        )

    @display(description=_("transactions"))
    def broadcasts_(self, order: PaymentOrder) -> str:
        return lines(
            format_html(
                "{} · {} · {}",
                link_to(f"B-{broadcast.pk}", "treasury_broadcast_change", broadcast.pk),
                broadcast.get_state_display(),
                transaction(broadcast.network, broadcast.tx_hash),
            )
            for broadcast in order.broadcasts.order_by("attempt")
        )


EVM_PAYLOAD = ("gas_limit", "max_fee_wei", "max_priority_fee_wei")
TRON_PAYLOAD = ("fee_limit", "reference", "expires")


@admin.register(Broadcast)
class BroadcastAdmin(ReadOnlyAdmin):
    list_display = ("number", "reserved", "order_", "purpose_", "network_", "nonce_", "state_", "transaction_", "sends")
    list_filter = (StateFilter, NetworkFilter)
    list_select_related = ("order",)
    search_fields = ("tx_hash",)
    search_help_text = _("Exact transaction hash, or number")
    exact_lookups = ("order",)
    fieldsets = (
        (None, {"fields": ("number", "order_", "attempt", "purpose_", "network_", "state_", "refusal", "last_error")}),
        (_("Signed"), {"fields": ("transaction_", "signed", "bytes_")}),
        (_("On the chain"), {"fields": ("sent", "last_sent", "sends", "block_number", "block_hash_", "cost", "final")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The payload of a network's own kind."""
        sent, *rest = super().get_fieldsets(request, obj)
        own = TRON_PAYLOAD if obj is not None and obj.expiration_ms else EVM_PAYLOAD
        return (sent, (_("Payload"), {"fields": ("wallet", "nonce_", "called", "call_data", *own)}), *rest)

    def row_title(self, row: Any) -> str:
        return f"B-{row.pk}"

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if len(term) == HASH_LENGTH:
            return queryset.filter(tx_hash=term.lower())
        return queryset.filter(pk=key_of(term.upper().removeprefix("B-")))

    @display(description=_("number"))
    def number(self, broadcast: Broadcast) -> str:
        return f"B-{broadcast.pk}"

    @display(description=_("order"))
    def order_(self, broadcast: Broadcast) -> str:
        return link_to(broadcast.order.reference, "treasury_paymentorder_change", broadcast.order_id)

    @display(description=_("purpose"))
    def purpose_(self, broadcast: Broadcast) -> str:
        return broadcast.get_purpose_display()

    @display(description=_("network"))
    def network_(self, broadcast: Broadcast) -> str:
        return network_name(broadcast.network)

    @display(description=_("nonce"))
    def nonce_(self, broadcast: Broadcast) -> str:
        return str(broadcast.nonce)

    @labelled(description=_("state"), colours=BROADCAST_COLOURS)
    def state_(self, broadcast: Broadcast) -> tuple[str, str]:
        return broadcast.state, broadcast.get_state_display()

    @display(description=_("transaction"))
    def transaction_(self, broadcast: Broadcast) -> str:
        return transaction(broadcast.network, broadcast.tx_hash)

    @display(description=_("called address"))
    def called(self, broadcast: Broadcast) -> str:
        return mono(broadcast.to_address)

    @display(description=_("call data"))
    def call_data(self, broadcast: Broadcast) -> str:
        return mono("0x" + bytes(broadcast.data).hex())

    @display(description=_("signed bytes"))
    def bytes_(self, broadcast: Broadcast) -> str:
        return mono("0x" + bytes(broadcast.signed_bytes).hex()) if broadcast.signed_bytes else NOTHING

    @display(description=_("block's hash"))
    def block_hash_(self, broadcast: Broadcast) -> str:
        return mono(broadcast.block_hash)

    @display(description=_("gas cost"))
    def cost(self, broadcast: Broadcast) -> str:
        if broadcast.fee_native is None:
            return NOTHING
        return native_amount(broadcast.fee_native, broadcast.network)

    @display(description=_("fee limit"))
    def fee_limit(self, broadcast: Broadcast) -> str:
        return native_amount(broadcast.fee_limit_sun or 0, broadcast.network)

    @display(description=_("reference block"))
    def reference(self, broadcast: Broadcast) -> str:
        return mono(bytes(broadcast.ref_block or b"").hex())

    @display(description=_("expires"))
    def expires(self, broadcast: Broadcast) -> str:
        return moment(datetime.fromtimestamp((broadcast.expiration_ms or 0) / 1000, tz=UTC))

    @display(description=_("reserved"))
    def reserved(self, broadcast: Broadcast) -> str:
        return moment(broadcast.reserved_at)

    @display(description=_("signed"))
    def signed(self, broadcast: Broadcast) -> str:
        return moment(broadcast.signed_at)

    @display(description=_("first sent"))
    def sent(self, broadcast: Broadcast) -> str:
        return moment(broadcast.sent_at)

    @display(description=_("last sent"))
    def last_sent(self, broadcast: Broadcast) -> str:
        return moment(broadcast.last_sent_at)

    @display(description=_("final"))
    def final(self, broadcast: Broadcast) -> str:
        return moment(broadcast.final_at)


@admin.register(SigningRecord)
class SigningRecordAdmin(ReadOnlyAdmin):
    list_display = ("signed", "order_", "amount", "network_", "address_", "nonce_", "transaction_")
    list_filter = (NetworkFilter,)
    list_select_related = ("order",)
    exact_lookups = ("order",)
    fields = ("signed", "order_", "broadcast_", "purpose", "amount", "network_", "address_", "nonce_", "transaction_")

    def row_title(self, row: SigningRecord) -> str:
        return f"S-{row.pk}"

    @display(description=_("signed"))
    def signed(self, record: SigningRecord) -> str:
        return moment(record.signed_at)

    @display(description=_("order"))
    def order_(self, record: SigningRecord) -> str:
        return link_to(record.order.reference, "treasury_paymentorder_change", record.order_id)

    @display(description=_("broadcast"))
    def broadcast_(self, record: SigningRecord) -> str:
        return link_to(f"B-{record.broadcast_id}", "treasury_broadcast_change", record.broadcast_id)

    @display(description=_("amount"), formatting="price")
    def amount(self, record: SigningRecord) -> str:
        return usdt(record.amount_micro)

    @display(description=_("network"))
    def network_(self, record: SigningRecord) -> str:
        return network_name(record.network)

    @display(description=_("address"))
    def address_(self, record: SigningRecord) -> str:
        return mono(record.address)

    @display(description=_("nonce"))
    def nonce_(self, record: SigningRecord) -> str:
        return str(record.nonce)

    @display(description=_("transaction"))
    def transaction_(self, record: SigningRecord) -> str:
        return transaction(record.network, record.tx_hash)
