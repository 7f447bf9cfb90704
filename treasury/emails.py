"""The mails about money that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from accounts.mail import link, register
from accounts.models import OutgoingMail
from treasury.chains import registry
from treasury.money import format_usdt


def register_all() -> None:
    """Register treasury's mails; from `AppConfig.ready`."""
    register(
        "deposit_credited",
        _deposit_credited,
        sample_facts={"deposit_id": 1, "network": "arbitrum", "amount_micro": 100_000_000, "tx_hash": "0x" + "ab" * 32},
    )


def _deposit_credited(row: OutgoingMail) -> Mapping[str, Any]:
    network = registry.network(row.facts["network"])
    return {
        "amount": format_usdt(row.facts["amount_micro"], row.language),
        "asset": network.asset,
        "network_name": network.name,
        "tx_hash": row.facts["tx_hash"],
        "explorer_url": network.explorer_url(row.facts["tx_hash"]),
        "action_url": link(reverse("history")),
    }
