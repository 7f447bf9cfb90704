"""The platform's wallets: what the ledger says they hold beside what the chain says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.staff.display import NOTHING, age, key_of, labelled, moment, mono
from accounts.staff.readonly import ReadOnlyAdmin
from treasury import ledger
from treasury.admin.display import native_amount, network_name, usdt
from treasury.admin.filters import NetworkFilter
from treasury.models import Wallet
from treasury.wallet_balances import ChainBalance, wallet_balances


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("network_", "role_", "address_", "in_ledger", "on_chain", "difference", "gas", "read")
    list_filter = (NetworkFilter,)
    newest_first_by_default = False
    fieldsets = (
        (None, {"fields": ("network_", "role_", "address_", "derivation_path", "next_nonce", "created")}),
        (_("Holdings"), {"fields": ("in_ledger", "on_chain", "difference", "gas_in_ledger", "gas", "read")}),
    )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The cache is asked before Django opens its transaction around the page."""
        request.chain_balances = wallet_balances([key_of(object_id)])  # type: ignore[attr-defined]  # for prepare_row
        return super().changeform_view(request, object_id, form_url, extra_context)

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Two round trips for the page: one to the ledger, one to the cache."""
        self._show(rows, wallet_balances(row.pk for row in rows))

    def prepare_row(self, request: HttpRequest, row: Any) -> None:
        self._show([row], getattr(request, "chain_balances", {}))

    def _show(self, rows: list[Any], on_chain: Mapping[int, ChainBalance]) -> None:
        in_ledger = ledger.balances([code for row in rows for code in codes_of(row)])
        for row in rows:
            row.ledger_balances = {code: in_ledger[code] for code in codes_of(row)}
            row.chain_balance = on_chain.get(row.pk)

    def row_title(self, row: Wallet) -> str:
        return f"{network_name(row.network)}: {row.get_role_display()}"

    @display(description=_("network"))
    def network_(self, wallet: Wallet) -> str:
        return network_name(wallet.network)

    @display(description=_("role"))
    def role_(self, wallet: Wallet) -> str:
        return wallet.get_role_display()

    @display(description=_("address"))
    def address_(self, wallet: Wallet) -> str:
        return mono(wallet.address)

    @display(description=_("in the ledger"), formatting="price")
    def in_ledger(self, wallet: Any) -> str:
        return usdt(wallet.ledger_balances[codes_of(wallet)[0]]) if wallet.role == Wallet.Role.HOT else NOTHING

    @display(description=_("on the chain"), formatting="price")
    def on_chain(self, wallet: Any) -> str:
        return usdt(wallet.chain_balance.token_micro) if wallet.chain_balance else gettext("not read yet")

    @labelled(description=_("difference"), colours={"none": "success", "some": "warning"})
    def difference(self, wallet: Any) -> Any:
        """A payment under way explains a difference for a minute; one that stays is a question for finance."""
        if wallet.chain_balance is None or wallet.role != Wallet.Role.HOT:
            return NOTHING
        found = wallet.chain_balance.token_micro - wallet.ledger_balances[codes_of(wallet)[0]]
        return ("some", usdt(found)) if found else ("none", gettext("None"))

    @display(description=_("fuel on the chain"), formatting="price")
    def gas(self, wallet: Any) -> str:
        if wallet.chain_balance is None:
            return NOTHING
        return native_amount(wallet.chain_balance.native, wallet.network)

    @display(description=_("fuel in the ledger"))
    def gas_in_ledger(self, wallet: Any) -> str:
        return native_amount(wallet.ledger_balances[codes_of(wallet)[-1]], wallet.network)

    @display(description=_("chain read"))
    def read(self, wallet: Any) -> str:
        return gettext("%(age)s ago") % {"age": age(wallet.chain_balance.read_at)} if wallet.chain_balance else NOTHING

    @display(description=_("created"))
    def created(self, wallet: Wallet) -> str:
        return moment(wallet.created_at)


def codes_of(wallet: Wallet) -> list[str]:
    """The ledger accounts of what a wallet holds: the token first, fuel last."""
    token = [f"asset:{wallet.network}:hot"] if wallet.role == Wallet.Role.HOT else []
    return [*token, f"gas:{wallet.network}:{wallet.role}"]
