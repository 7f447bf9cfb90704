"""The faucet's page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from devnet.faucet.giving import Given


def form(
    networks: Mapping[str, Mapping[str, Any]], values: Mapping[str, str], *, given: Given | None = None, error: str = ""
) -> str:
    """The form with what was typed, and what came of it."""
    note = ""
    if given:
        note = (
            f'<p class="note good" role="status">Sent <strong>{escape(given.amount)} {escape(given.asset)}</strong> to '
            f"<code>{escape(given.address)}</code> in block {given.block}.<br>"
            f"Transaction <code>{escape(given.hash)}</code></p>"
        )
    elif error:
        note = f'<p class="note bad" role="alert">{escape(error)}</p>'
    chosen = values.get("network", "")
    choices = "".join(
        f'<option value="{escape(code)}"{" selected" if code == chosen else ""}>{escape(facts["name"])}</option>'
        for code, facts in networks.items()
    )
    native = values.get("asset") == "native"
    coins = " or ".join(sorted({str(facts["native_symbol"]) for facts in networks.values()}))
    return f"""{note}
<form class="panel" method="post" action="/faucet/">
<p class="soft">Makes test money on the local chains and mines it at once. Nothing here has any worth.</p>
<label for="network">Network</label><select id="network" name="network">{choices}</select>
<label for="address">Address</label>
<input id="address" name="address" value="{escape(values.get("address", ""))}" placeholder="T… / 0x…" autocomplete="off"
 spellcheck="false" required>
<div class="two"><div><label for="amount">Amount</label>
<input id="amount" name="amount" value="{escape(values.get("amount", "100"))}" inputmode="decimal" required></div>
<div><label for="asset">What</label><select id="asset" name="asset"><option value="token">USDT</option>
<option value="native"{" selected" if native else ""}>{escape(coins)}</option></select></div></div>
<button>Send</button>
</form>"""
