"""The staff site's sidebar: what each role works with, and how much of it is waiting."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import OutgoingMail
from accounts.staff.keyset import capped_count, shown_count
from payouts.models import WithdrawalRequest
from treasury.models import Alarm, Broadcast


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's sidebar for this person: only pages they may open."""
    groups = [
        ("", [entry(_("Overview"), "dashboard", "index", "")]),
        (
            _("Customers"),
            [
                entry(
                    _("Withdrawals"), "outbox", "payouts_withdrawalrequest_changelist",
                    "payouts.view_withdrawalrequest", badge="to_review", variant="primary",
                ),
                entry(_("Deposits"), "move_to_inbox", "treasury_deposit_changelist", "treasury.view_deposit"),
                entry(_("Customers"), "group", "accounts_customer_changelist", "accounts.view_customer"),
                entry(_("Sign-ins"), "login", "accounts_loginhistory_changelist", "accounts.view_loginhistory"),
                entry(
                    _("Deposit addresses"), "qr_code_2", "treasury_depositaddress_changelist",
                    "treasury.view_depositaddress",
                ),
                entry(
                    _("Foreign tokens"), "help_center", "treasury_foreigntransfer_changelist",
                    "treasury.view_foreigntransfer",
                ),
            ],
        ),
        (
            _("Treasury"),
            [
                entry(_("Wallets"), "account_balance_wallet", "treasury_wallet_changelist", "treasury.view_wallet"),
                entry(
                    _("Payment orders"), "receipt_long", "treasury_paymentorder_changelist",
                    "treasury.view_paymentorder",
                ),
                entry(
                    _("Broadcasts"), "cell_tower", "treasury_broadcast_changelist", "treasury.view_broadcast",
                    badge="refused",
                ),
                entry(
                    _("Signing records"), "draw", "treasury_signingrecord_changelist", "treasury.view_signingrecord"
                ),
                entry(_("Networks"), "hub", "treasury_networkstate_changelist", "treasury.view_networkstate"),
                entry(_("Alarms"), "notifications", "treasury_alarm_changelist", "treasury.view_alarm", badge="alarms"),
            ],
        ),
        (
            _("Ledger"),
            [
                entry(
                    _("Accounts"), "menu_book", "treasury_ledgeraccount_changelist", "treasury.view_ledgeraccount"
                ),
                entry(
                    _("Transfers"), "sync_alt", "treasury_ledgertransfer_changelist", "treasury.view_ledgertransfer"
                ),
            ],
        ),
        (
            _("Records"),
            [
                entry(_("Activity log"), "history", "accounts_activitylog_changelist", "accounts.view_activitylog"),
                entry(
                    _("Outgoing mail"), "mail", "accounts_outgoingmail_changelist", "accounts.view_outgoingmail",
                    badge="failed_mail",
                ),
                entry(
                    _("Mail gallery"), "gallery_thumbnail", "accounts_outgoingmail_gallery",
                    "accounts.view_outgoingmail",
                ),
                entry(_("Staff"), "badge", "accounts_staffuser_changelist", "accounts.view_staffuser"),
                entry(_("Roles"), "shield_person", "auth_group_changelist", "auth.view_group"),
            ],
        ),
    ]  # fmt: skip
    return [
        {"title": title, "items": items}
        for title, entries in groups
        if (items := [item for item in entries if not item["needs"] or request.user.has_perm(item["needs"])])
    ]


def entry(title: str, icon: str, page: str, needs: str, *, badge: str = "", variant: str = "danger") -> dict[str, Any]:
    """One link. `needs` is the permission that its page asks for; `badge` a function of this module."""
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse(f"admin:{page}"), "needs": needs}
    if badge:
        item |= {"badge": f"portal.staff_navigation.{badge}", "badge_variant": variant}
    return item


def to_review(request: HttpRequest) -> str:
    """Withdrawals that wait for a decision."""
    return _badge(capped_count(WithdrawalRequest.objects.filter(state=WithdrawalRequest.State.IN_REVIEW)))


def alarms(request: HttpRequest) -> str:
    """Alarms that nobody has resolved."""
    return _badge(capped_count(Alarm.objects.filter(resolved_at=None)))


def refused(request: HttpRequest) -> str:
    """Payments that the signer would not sign: each needs a person."""
    return _badge(capped_count(Broadcast.objects.filter(state=Broadcast.State.REFUSED)))


def failed_mail(request: HttpRequest) -> str:
    """Mails that were given up."""
    return _badge(capped_count(OutgoingMail.objects.filter(state=OutgoingMail.State.FAILED)))


def _badge(count: int) -> str:
    return shown_count(count) if count else ""
