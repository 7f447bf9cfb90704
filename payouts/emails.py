"""The mails about withdrawals and saved addresses: what the customer is told, and who on the staff is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from accounts.activity import Origin
from accounts.links import not_me_url
from accounts.mail import Audience, NothingToTell, link, register
from accounts.models import OutgoingMail, User
from accounts.outbox import Mail, queue_mail, queue_mails
from accounts.security_emails import register_address_mails, where
from treasury.emails import network_words
from treasury.money import format_usdt

from .links import address_token, confirmation_token
from .models import SavedAddress, WithdrawalEvent, WithdrawalRequest

CUSTOMER_MAILS = ("received", "held", "approved", "sent", "completed", "rejected", "cancelled", "expired", "returned")
STAFF_ASKED_AT_MOST = 20
SAMPLE_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SAMPLE_HASH = "0x4e3a3754410177e6937ef1f84bba68ea139e8d1a2258c5f85db9f1cd715a1bdd"


def register_all() -> None:
    """Called once, by AppConfig.ready."""
    facts: dict[str, Any] = {
        "id": 1024,
        "public_id": "00000000-0000-4000-8000-000000000000",
        "network": "arbitrum",
        "address": SAMPLE_ADDRESS,
        "amount_micro": 1_234_500_000,
        "fee_micro": 1_000_000,
        "tx_hash": "",
        "reason": "",
        "hold_until": None,
    }
    for name in CUSTOMER_MAILS:
        sample = facts | {"tx_hash": SAMPLE_HASH if name in {"sent", "completed"} else ""}
        if name in {"held", "rejected"}:
            sample["reason"] = "The address needs a closer look."
        if name == "held":
            sample["hold_until"] = "2026-11-24T12:00:00+00:00"
        register(f"withdrawal_{name}", _customer_mail, sample_facts=sample)
    register(
        "withdrawal_confirm",
        _confirm_mail,
        sample_facts=facts,
        sample_context=lambda language: {
            **_told(facts, language),
            **_not_me(None),
            "action_url": link("/withdrawals/confirm/sample/"),
        },
        works_once=True,
    )
    register("withdrawal_second_approval", _staff_mail, sample_facts=facts, audience=Audience.STAFF)
    register_address_mails(confirm_url=_address_confirm_url, network_name=lambda code: network_words(code).name)


def tell_customer(name: str, row: WithdrawalRequest, event: WithdrawalEvent) -> None:
    """Queue the customer's mail `name` about `event`, in its transaction."""
    tell_customers(name, [(row, event)])


def tell_customers(name: str, happened: Iterable[tuple[WithdrawalRequest, WithdrawalEvent]]) -> None:
    """As `tell_customer`, for many at once."""
    queue_mails(
        Mail(
            key=f"{row.reference}:{name}:{event.pk}",
            template=f"withdrawal_{name}",
            user_id=row.customer_id,
            facts=_facts(row),
        )
        for row, event in happened
    )


def ask_second_approver(row: WithdrawalRequest, *, approved_by: Iterable[int]) -> None:
    """Tell those who may give the approval that is still missing."""
    already = [*approved_by, row.customer_id]
    queue_mails(
        Mail(
            key=f"{row.reference}:second-approval:{row.revision}:{user_id}",
            template="withdrawal_second_approval",
            user_id=user_id,
            facts=_facts(row),
        )
        for user_id in _approvers().exclude(pk__in=already).values_list("pk", flat=True)[:STAFF_ASKED_AT_MOST]
    )


def tell_of_address(name: str, entry: SavedAddress, origin: Origin | None) -> None:
    """Queue the mail `address_<name>` to the entry's owner, in the transaction of what happened to it. Each once."""
    facts = {
        "entry_id": entry.pk,
        "label": entry.label,
        "network": entry.network,
        "address": entry.address,
        **where(origin),
    }
    if entry.active_from is not None:
        facts["active_from"] = entry.active_from.isoformat()
    queue_mails(
        [Mail(key=f"address:{entry.pk}:{name}", template=f"address_{name}", user_id=entry.customer_id, facts=facts)]
    )


def tell_of_any_address(owner: User, begins: datetime, origin: Origin | None) -> None:
    """Queue the mail that withdrawals may go to any address from `begins` on, in the transaction of that choice."""
    queue_mail(
        key=f"any-address:{owner.pk}:{int(begins.timestamp() * 1000)}",
        template="any_address_allowed",
        user=owner,
        facts={"active_from": begins.isoformat(), **where(origin)},
    )


def _approvers() -> Any:
    codename = "approve_withdrawalrequest"
    return (
        User.objects.filter(is_active=True, is_staff=True)
        .filter(Q(groups__permissions__codename=codename) | Q(user_permissions__codename=codename))
        .order_by("pk")
        .distinct()
    )


def _facts(row: WithdrawalRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "public_id": str(row.public_id),
        "network": row.network,
        "address": row.address,
        "amount_micro": row.amount_micro,
        "fee_micro": row.fee_micro,
        "tx_hash": row.tx_hash,
        "reason": row.reason_for_customer,
        "hold_until": row.hold_until.isoformat() if row.hold_until else None,
    }


def _told(facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Facts as people read them."""
    words = network_words(facts["network"], facts["tx_hash"])
    return {
        "number": f"W-{facts['id']}",
        "network_name": words.name,
        "address": facts["address"],
        "amount": format_usdt(facts["amount_micro"], language),
        "fee": format_usdt(facts["fee_micro"], language),
        "debit": format_usdt(facts["amount_micro"] + facts["fee_micro"], language),
        "tx_hash": facts["tx_hash"],
        "explorer_url": words.explorer_url,
        "reason": facts["reason"],
        "hold_until": parse_datetime(facts["hold_until"]) if facts["hold_until"] else None,
        "action_url": link(reverse("withdrawal", args=[facts["public_id"]])),
    }


def _not_me(row: OutgoingMail | None) -> dict[str, str]:
    """The way to stop a withdrawal that its customer did not ask for."""
    user_id = row.user_id if row is not None else None
    return {"not_me_url": not_me_url(user_id=user_id or 0, about="withdrawal")}


def _address_confirm_url(row: OutgoingMail) -> str:
    """The link, made now: it is stored nowhere."""
    entry = SavedAddress.objects.filter(pk=row.facts["entry_id"]).first()
    if entry is None or entry.state != SavedAddress.State.PENDING:
        raise NothingToTell("the address waits for no confirmation")
    return link(reverse("address_confirm", args=[address_token(entry)]))


def _customer_mail(row: OutgoingMail) -> Mapping[str, Any]:
    return {**_told(row.facts, row.language), **_not_me(row)}


def _confirm_mail(row: OutgoingMail) -> Mapping[str, Any]:
    withdrawal = WithdrawalRequest.objects.filter(pk=row.facts["id"]).first()
    if withdrawal is None or withdrawal.state != WithdrawalRequest.State.REQUESTED:
        raise NothingToTell("the request waits for no confirmation")
    url = link(reverse("withdrawal_confirm", args=[confirmation_token(withdrawal)]))
    return {**_told(row.facts, row.language), **_not_me(row), "action_url": url}


def _staff_mail(row: OutgoingMail) -> Mapping[str, Any]:
    url = link(reverse("admin:payouts_withdrawalrequest_change", args=[row.facts["id"]]))
    return {**_told(row.facts, row.language), "action_url": url}
