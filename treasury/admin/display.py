"""How the staff's pages write amounts, networks and transactions."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.translation import get_language

from accounts.staff.display import NOTHING, mono
from treasury.chains import registry
from treasury.chains.errors import ConfigurationError
from treasury.money import NBSP, format_usdt

DUST_DECIMALS = 18  # of what is left under a micro, and of a coin that the settings do not know any more


def usdt_text(micro: int | None) -> str:
    """ "1,234.50 USDT" in the reader's language, as plain text."""
    return NOTHING if micro is None else f"{format_usdt(micro, get_language() or 'en')}{NBSP}USDT"


def usdt(micro: int | None) -> str:
    """`usdt_text`, with figures that line up and never break."""
    return format_html('<span class="x-amount">{}</span>', usdt_text(micro))


def units(amount: int, decimals: int, symbol: str) -> str:
    """`amount` of an asset with `decimals`, exact: "0.000000123 ETH"."""
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    text = f"{whole}.{fraction}" if fraction else str(whole)
    return format_html('<span class="x-amount">{}{}{}{}</span>', "\u2212" if amount < 0 else "", text, NBSP, symbol)


def asset_amount(amount: int, asset: str) -> str:
    """A ledger amount in its asset's unit: USDT 10^-6, a native coin in its network's smallest unit."""
    if asset == "USDT":
        return usdt(amount)
    decimals = {each.native_symbol: each.native_decimals for each in registry.networks().values()}
    return units(amount, decimals.get(asset, DUST_DECIMALS), asset)


def native_amount(amount: int, network: str) -> str:
    """An amount of a network's native coin: "0.000000123 ETH"."""
    try:
        known = registry.network(network)
    except ConfigurationError:
        return units(amount, 0, "native")
    return units(amount, known.native_decimals, known.native_symbol)


def network_name(code: str) -> str:
    """The network's name for people; its code when the settings do not know it any more."""
    try:
        return registry.network(code).name
    except ConfigurationError:
        return code


def network_choices() -> list[tuple[str, str]]:
    """Every configured network, for a filter."""
    return [(code, network.name) for code, network in registry.networks().items()]


def transaction(network: str, tx_hash: str | None) -> str:
    """A transaction's whole hash, linked to the network's explorer where the settings name one."""
    if not tx_hash:
        return NOTHING
    try:
        url = registry.network(network).explorer_url(tx_hash)
    except ConfigurationError:
        url = ""
    if not url:
        return mono(tx_hash)
    return format_html('<a class="x-mono x-link" href="{}" rel="noreferrer" target="_blank">{}</a>', url, tx_hash)
