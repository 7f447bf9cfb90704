"""Who on the staff may do what: one table, applied to Django's groups after each migration and by `create_roles`.

A role is a group of the same name. Its permissions are exactly those written here: what is added by hand is taken away
at the next run. Nobody, a superuser included, can add, change or delete a row of money through the staff site: those
pages have no such forms. `docs/roles.md` shows the same table page by page, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.apps import apps as installed
from django.apps.config import AppConfig
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

SEES_CUSTOMERS: Final = ("accounts.view_customer", "accounts.view_loginhistory")
SEES_DEPOSITS: Final = (
    "treasury.view_deposit",
    "treasury.view_depositaddress",
    "treasury.view_foreigntransfer",
)
SEES_WITHDRAWALS: Final = ("payouts.view_withdrawalrequest",)
SEES_PAYMENTS: Final = (
    "treasury.view_position",
    "treasury.view_wallet",
    "treasury.view_paymentorder",
    "treasury.view_broadcast",
    "treasury.view_signingrecord",
    "treasury.view_networkstate",
    "treasury.view_alarm",
)
SEES_LEDGER: Final = ("treasury.view_ledgeraccount", "treasury.view_ledgertransfer")
SEES_MAIL: Final = ("accounts.view_outgoingmail",)  # what customers were told; the gallery too
SEES_RECORDS: Final = ("accounts.view_activitylog", *SEES_MAIL, "accounts.view_staff_mail")

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "support": (
        *SEES_CUSTOMERS,
        *SEES_DEPOSITS,
        *SEES_WITHDRAWALS,
        *SEES_MAIL,
        "accounts.resend_outgoingmail",
        "payouts.review_withdrawalrequest",
        "payouts.approve_withdrawalrequest",
        "payouts.hold_withdrawalrequest",
        "payouts.reject_withdrawalrequest",
        "accounts.freeze_customer",
    ),
    "finance": (
        *SEES_CUSTOMERS,
        *SEES_DEPOSITS,
        *SEES_WITHDRAWALS,
        *SEES_PAYMENTS,
        *SEES_LEDGER,
        *SEES_RECORDS,
    ),
    "treasurer": (
        *SEES_DEPOSITS,
        *SEES_WITHDRAWALS,
        *SEES_PAYMENTS,
        *SEES_LEDGER,
        "payouts.resolve_failed_withdrawalrequest",
        "treasury.resolve_alarm",
        "treasury.halt_network",
        "treasury.resume_network",
    ),
    "admin": (
        *SEES_RECORDS,
        "accounts.export_activitylog",
        "accounts.resend_outgoingmail",
        "accounts.view_staffuser",
        "accounts.add_staffuser",
        "accounts.change_staffuser",
        "auth.view_group",
    ),
}


class UnknownPermission(LookupError):
    """The table names a permission that no model has."""


def create_roles(*, registry: Apps = installed, using: str = DEFAULT_DB_ALIAS, complete: bool = True) -> dict[str, int]:
    """Make every role's group hold exactly its permissions; returns how many each has.

    Raises `UnknownPermission` when the table names one that does not exist, unless the schema is not `complete` yet.
    """
    group_model = registry.get_model("auth", "Group")
    permission_model = registry.get_model("auth", "Permission")
    wanted = sorted({name for names in ROLES.values() for name in names})
    found = {
        f"{label}.{codename}": pk
        for label, codename, pk in permission_model.objects.using(using)
        .filter(codename__in=[name.split(".")[1] for name in wanted])
        .values_list("content_type__app_label", "codename", "pk")
    }
    missing = [name for name in wanted if name not in found]
    if missing and complete:
        raise UnknownPermission(", ".join(missing))
    granted = {}
    for role, names in ROLES.items():
        group, _ = group_model.objects.using(using).get_or_create(name=role)
        group.permissions.set([found[name] for name in names if name in found])
        granted[role] = len([name for name in names if name in found])
    return granted


def create_roles_after_migrate(sender: AppConfig, *, using: str, apps: Apps, **kwargs: object) -> None:
    """Receiver of `post_migrate`: once per run, when the last of our apps has been migrated."""
    if sender.label != "accounts":
        return
    try:
        for label in sorted({name.split(".")[0] for names in ROLES.values() for name in names}):
            create_permissions(installed.get_app_config(label), verbosity=0, using=using, apps=apps)
        # A migration to a point in the past leaves permissions out; the full run comes back here and completes them.
        create_roles(registry=apps, using=using, complete=False)
    except LookupError:
        return  # the groups' own app is not migrated yet
