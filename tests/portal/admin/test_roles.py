"""The roles' table, and that the groups hold exactly it."""

from __future__ import annotations

from io import StringIO
from unittest import mock

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts import roles

pytestmark = pytest.mark.django_db
MONEY = ("treasury", "payouts")


def granted(role: str) -> set[str]:
    rows = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
    return {f"{label}.{codename}" for label, codename in rows}


@pytest.mark.parametrize("role", sorted(roles.ROLES))
def test_after_migrating_each_group_holds_exactly_its_permissions(role: str) -> None:
    assert granted(role) == set(roles.ROLES[role])


@pytest.mark.parametrize("role", sorted(roles.ROLES))
def test_no_role_can_add_change_or_delete_a_row_of_money(role: str) -> None:
    editing = {
        name
        for name in roles.ROLES[role]
        if name.split(".")[0] in MONEY and name.split(".")[1].startswith(("add_", "change_", "delete_"))
    }
    assert not editing


def test_only_admin_can_touch_staff_and_admin_sees_no_money() -> None:
    touching = {role for role, names in roles.ROLES.items() if "accounts.change_staffuser" in names}
    assert touching == {"admin"}
    assert not [name for name in roles.ROLES["admin"] if name.split(".")[0] in MONEY]


def test_only_support_decides_and_only_a_treasurer_resumes() -> None:
    holders = {
        name: {role for role, names in roles.ROLES.items() if name in names}
        for name in ("payouts.approve_withdrawalrequest", "treasury.resume_network")
    }
    assert holders == {
        "payouts.approve_withdrawalrequest": {"support"},
        "treasury.resume_network": {"treasurer"},
    }


def test_finance_only_reads() -> None:
    assert all(name.split(".")[1].startswith("view_") for name in roles.ROLES["finance"])


def test_the_command_takes_away_what_was_added_by_hand() -> None:
    group = Group.objects.get(name="finance")
    group.permissions.add(Permission.objects.get(codename="approve_withdrawalrequest"))
    told = StringIO()
    call_command("create_roles", stdout=told)
    assert granted("finance") == set(roles.ROLES["finance"])
    assert "finance: " in told.getvalue()


def test_a_permission_that_no_model_has_is_named() -> None:
    wrong = {**roles.ROLES, "support": (*roles.ROLES["support"], "payouts.print_money")}
    with (
        mock.patch.object(roles, "ROLES", wrong),
        pytest.raises(roles.UnknownPermission, match=r"payouts\.print_money"),
    ):
        roles.create_roles()
