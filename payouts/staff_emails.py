"""The mails to staff about work that waits and money that runs low."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts.mail import Audience, Fact, link, register
from accounts.models import OutgoingMail
from accounts.staff.display import duration
from treasury.emails import network_words
from treasury.money import NBSP, format_usdt


def register_all() -> None:
    """Called once, by AppConfig.ready."""
    register(
        "reviews_late",
        _reviews_late,
        sample_facts={
            "withdrawals": [
                {"id": 1024, "amount_micro": 1_234_500_000, "network": "arbitrum", "seconds": 5 * 3600},
                {"id": 1031, "amount_micro": 250_000_000, "network": "tron", "seconds": 4 * 3600 + 60},
            ],
            "count": 2,
            "promised_seconds": 4 * 3600,
        },
        audience=Audience.STAFF,
    )
    register(
        "hot_wallet_low",
        _hot_wallet_low,
        sample_facts={
            "network": "arbitrum",
            "hot_micro": 12_500_000_000,
            "daily_micro": 40_000_000_000,
            "seconds": 27_000,
        },
        audience=Audience.STAFF,
    )
    register(
        "daily_digest",
        _daily_digest,
        sample_facts={
            "day": "2026-11-22",
            "deposits_count": 120,
            "deposits_micro": 1_234_567_890_000,
            "withdrawals_count": 34,
            "withdrawals_micro": 98_765_400_000,
            "waiting": 7,
            "late": 2,
            "on_hold": 1,
            "under_way": 3,
            "failed": 0,
            "alarms": 1,
            "assets_micro": 5_000_000_000_000,
            "liabilities_micro": 4_950_000_000_000,
            "coverage_basis_points": 10_101,
        },
        audience=Audience.STAFF,
    )


def _reviews_late(row: OutgoingMail) -> Mapping[str, Any]:
    """`withdrawals`: the longest waiting; `count`: how many there are; `promised_seconds`."""
    facts = row.facts
    told = []
    for each in facts["withdrawals"]:
        amount = f"{format_usdt(each['amount_micro'], row.language)}{NBSP}USDT"
        waits = _("waits %(time)s") % {"time": duration(each["seconds"])}
        told.append(Fact(f"W-{each['id']}", f"{amount} · {network_words(each['network']).name} · {waits}"))
    return {
        "told": told,
        "count": facts["count"],
        "more": facts["count"] - len(told),
        "promised": duration(facts["promised_seconds"]),
        "action_url": link(reverse("admin:payouts_withdrawalrequest_changelist")),
    }


def _hot_wallet_low(row: OutgoingMail) -> Mapping[str, Any]:
    """`network`, `hot_micro`, `daily_micro`, `seconds`."""
    facts = row.facts
    return {
        "network_name": network_words(facts["network"]).name,
        "told": [
            Fact(_("In the hot wallet"), _usdt(facts["hot_micro"], row.language)),
            Fact(_("Leaves it a day"), _usdt(facts["daily_micro"], row.language)),
            Fact(_("It lasts"), duration(facts["seconds"])),
        ],
        "action_url": link(reverse("admin:treasury_wallet_changelist")),
    }


def _daily_digest(row: OutgoingMail) -> Mapping[str, Any]:
    """What `digest.digest_of` says."""
    facts, language = row.facts, row.language
    share = facts["coverage_basis_points"]
    coverage = "—" if share is None else f"{number_format(Decimal(share) / 100, 2)}{NBSP}%"
    return {
        "day": date_format(dt.date.fromisoformat(facts["day"]), "j E Y"),
        "told": [
            Fact(_("Deposits credited"), _with_count(facts, "deposits", language)),
            Fact(_("Withdrawals paid"), _with_count(facts, "withdrawals", language)),
            Fact(_("Withdrawals to review"), str(facts["waiting"])),
            Fact(_("Later than promised"), str(facts["late"])),
            Fact(_("On hold"), str(facts["on_hold"])),
            Fact(_("Approved and under way"), str(facts["under_way"])),
            Fact(_("Failed payments"), str(facts["failed"])),
            Fact(_("Open alarms"), str(facts["alarms"])),
            Fact(_("On chain, per the ledger"), _usdt(facts["assets_micro"], language)),
            Fact(_("Owed to customers"), _usdt(facts["liabilities_micro"], language)),
            Fact(_("Coverage"), coverage),
        ],
        "action_url": link(reverse("admin:index")),
    }


def _with_count(facts: Mapping[str, Any], name: str, language: str) -> str:
    return f"{facts[f'{name}_count']} · {_usdt(facts[f'{name}_micro'], language)}"


def _usdt(micro: int, language: str) -> str:
    return f"{format_usdt(micro, language)}{NBSP}USDT"
