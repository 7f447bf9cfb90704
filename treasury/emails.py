"""The mails about money that arrived, and about alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.mail import Audience, Fact, link, moment, register
from accounts.models import OutgoingMail
from treasury.chains import registry
from treasury.chains.errors import ConfigurationError
from treasury.models import Alarm
from treasury.money import format_usdt

SAMPLE_HASH = "0x" + "ab" * 32


def register_all() -> None:
    """Register treasury's mails; from `AppConfig.ready`."""
    deposit: dict[str, Any] = {
        "deposit_id": 1,
        "network": "arbitrum",
        "amount_micro": 100_000_000,
        "tx_hash": SAMPLE_HASH,
    }
    register("deposit_credited", _deposit, sample_facts=deposit)
    register(
        "deposit_below_minimum",
        _deposit_below_minimum,
        sample_facts=deposit | {"amount_micro": 350_000, "minimum_micro": 1_000_000},
    )
    register("deposit_reversed", _deposit_reversed, sample_facts=deposit | {"owed_micro": 40_000_000})
    register(
        "alarm_raised",
        _alarm_raised,
        sample_facts={
            "alarms": [
                {
                    "key": "halted:arbitrum",
                    "severity": "critical",
                    "network": "arbitrum",
                    "message": "2 booked deposits were taken back: its block is no longer on the chain.",
                    "at": "2026-11-23T10:00:00+00:00",
                },
                {
                    "key": "chain_behind:bsc",
                    "severity": "warning",
                    "network": "bsc",
                    "message": "The node's newest block is old.",
                    "at": "2026-11-23T10:01:00+00:00",
                },
            ],
            "count": 2,
        },
        audience=Audience.STAFF,
    )


@dataclass(frozen=True, slots=True)
class NetworkWords:
    """How a network is called, and where its transactions are looked up."""

    name: str
    asset: str
    explorer_url: str


def network_words(code: str, tx_hash: str = "") -> NetworkWords:
    """The words for `code`; a network that was taken out of the settings keeps its code."""
    try:
        network = registry.network(code)
    except ConfigurationError:
        return NetworkWords(code, "USDT", "")
    return NetworkWords(network.name, network.asset, network.explorer_url(tx_hash) if tx_hash else "")


def _deposit(row: OutgoingMail) -> dict[str, Any]:
    """`deposit_id`, `network`, `amount_micro`, `tx_hash`."""
    words = network_words(row.facts["network"], row.facts["tx_hash"])
    return {
        "amount": format_usdt(row.facts["amount_micro"], row.language),
        "asset": words.asset,
        "network_name": words.name,
        "told": [
            Fact(_("Network"), words.name),
            Fact(_("Transaction"), row.facts["tx_hash"], mono=True, url=words.explorer_url),
            Fact(_("Number"), f"D-{row.facts['deposit_id']}"),
        ],
        "action_url": link(reverse("history")),
    }


def _deposit_below_minimum(row: OutgoingMail) -> Mapping[str, Any]:
    """The same and `minimum_micro`."""
    return {**_deposit(row), "minimum": format_usdt(row.facts["minimum_micro"], row.language)}


def _deposit_reversed(row: OutgoingMail) -> Mapping[str, Any]:
    """The same and `owed_micro`, what of it had been spent."""
    owed_micro = row.facts["owed_micro"]
    return {**_deposit(row), "owed": format_usdt(owed_micro, row.language) if owed_micro else ""}


def _alarm_raised(row: OutgoingMail) -> Mapping[str, Any]:
    """`alarms`: the first of them; `count`: how many there are. Their sentences are English, as on the alarms' page."""
    labels = dict(Alarm.Severity.choices)
    items = []
    for alarm in row.facts["alarms"]:
        place = network_words(alarm["network"]).name if alarm["network"] else ""
        parts = [str(labels.get(alarm["severity"], "")), place, moment(alarm["at"]), alarm["key"]]
        items.append(Fact(" · ".join(part for part in parts if part), alarm["message"]))
    return {
        "items": items,
        "count": row.facts["count"],
        "more": row.facts["count"] - len(items),
        "action_url": link(f"{reverse('admin:treasury_alarm_changelist')}?state=open"),
    }
