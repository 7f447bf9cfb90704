"""Giving people access to the staff site, and taking it away. Each is audited with the roles before and after."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import activity
from accounts.models import User
from accounts.roles import ROLES


def add_staff_user(
    *, email: str, full_name: str, roles: Sequence[str], actor: User, origin: activity.Origin | None = None
) -> User:
    """A new account for a colleague, without a password: they set one by the reset mail, which proves the mailbox.

    Raises ValueError for an unknown role, IntegrityError when the address has an account.
    """
    with transaction.atomic():
        user = User.objects.create_user(email, None, full_name=full_name, is_staff=True)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        user.groups.set(_groups(roles))
        activity.record(
            actor=actor,
            action="staff.added",
            target=user,
            facts={"email": user.email, "roles": sorted(roles)},
            origin=origin,
        )
    return user


def change_staff_user(
    *,
    user_id: int,
    full_name: str,
    is_active: bool,
    roles: Sequence[str],
    actor: User,
    origin: activity.Origin | None = None,
) -> None:
    """Set a colleague's name, access and roles.

    Raises PermissionDenied for oneself and for a superuser: nobody widens their own rights.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id, is_staff=True)
        if user.pk == actor.pk or user.is_superuser:
            raise PermissionDenied
        before = {
            "full_name": user.full_name,
            "is_active": user.is_active,
            "roles": sorted(user.groups.values_list("name", flat=True)),
        }
        after = {"full_name": full_name, "is_active": is_active, "roles": sorted(roles)}
        if after == before:
            return
        User.objects.filter(pk=user_id).update(full_name=full_name, is_active=is_active)
        user.groups.set(_groups(roles))
        activity.record(
            actor=actor, action="staff.changed", target=user, facts={"before": before, "after": after}, origin=origin
        )


def people_who_may(permission: str) -> QuerySet[User]:
    """The staff whose roles give them `permission`, as those to be told of what it is about."""
    label, codename = permission.split(".")
    found = Q(groups__permissions__codename=codename, groups__permissions__content_type__app_label=label)
    return User.objects.filter(found, is_active=True, is_staff=True).order_by("pk").distinct()


def _groups(roles: Sequence[str]) -> list[Group]:
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    return list(Group.objects.filter(name__in=roles))
