"""Freezing customers, resolving alarms, halting and resuming networks, and giving colleagues access."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.models import ActivityLog, User, UserProfile
from accounts.staff_users import change_staff_user
from tests.payouts.people import PASSWORD, a_customer, staff
from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.rows import a_network_state, an_alarm
from tests.support.factors import code_of
from treasury.halts import halt_network, is_halted

pytestmark = pytest.mark.django_db


def send(client: Client, name: str, key: object, **given: str) -> str:
    """The dialog sent; its page when it was refused, "" when it was carried out."""
    answer = client.post(
        reverse(f"admin:{name}", args=[key]), {"_form_submitted": "True", **given}, headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    return "" if "HX-Redirect" in answer.headers else answer.content.decode()


def test_support_freezes_a_customer_and_lets_them_go_on(signed_in: SignedIn) -> None:
    customer, (client, person) = a_customer(), signed_in("support")
    assert not send(client, "accounts_customer_freeze", customer.pk, reason="Stolen phone", code=code_of(person))
    profile = UserProfile.objects.get(user=customer)
    assert profile.withdrawals_frozen_reason == "Stolen phone"
    assert "frozen already" in send(client, "accounts_customer_freeze", customer.pk, reason="again")
    thaw = "accounts_customer_unfreeze"
    assert (
        "Ask that they go on"
        in client.get(reverse(f"admin:{thaw}", args=[customer.pk]), headers={"hx-request": "true"}).content.decode()
    )
    assert not send(client, thaw, customer.pk, reason="It was found")
    assert frozen(customer), "one person is not enough"
    assert "Another person has to confirm it" in send(client, thaw, customer.pk, reason="It was")
    second_client, second = signed_in("support")
    assert "The code is not right" in send(second_client, thaw, customer.pk, reason="Spoke with them", code="000000")
    assert not send(second_client, thaw, customer.pk, reason="Spoke with them", code=code_of(second))
    assert not frozen(customer)
    assert "not frozen" in send(client, thaw, customer.pk, reason="again")
    told = ActivityLog.objects.filter(target_id=str(customer.pk)).values_list("action", "actor")
    assert {
        ("withdrawals.frozen", person.pk),
        ("withdrawals.thaw_asked", person.pk),
        ("withdrawals.unfrozen", second.pk),
    } <= set(told)


def frozen(customer: User) -> bool:
    return UserProfile.objects.get(user=customer).withdrawals_frozen_at is not None


def test_a_customer_without_a_profile_is_shown_and_can_be_frozen(signed_in: SignedIn) -> None:
    customer, (client, _person) = User(email="bare@example.com"), signed_in("support", stepped_up=True)
    customer.save()
    assert client.get(reverse("admin:accounts_customer_change", args=[customer.pk])).status_code == 200
    assert client.get(reverse("admin:accounts_customer_changelist")).status_code == 200
    assert not send(client, "accounts_customer_freeze", customer.pk, reason="Odd")
    assert UserProfile.objects.get(user=customer).withdrawals_frozen_at is not None


def test_staff_are_no_customers(signed_in: SignedIn) -> None:
    client, person = signed_in("support")
    answer = client.get(reverse("admin:accounts_customer_change", args=[person.pk]))
    assert answer.status_code == 302


def test_a_treasurer_resolves_an_alarm_once(signed_in: SignedIn) -> None:
    alarm, (client, person) = an_alarm(), signed_in("treasurer", stepped_up=True)
    assert "This field is required." in send(client, "treasury_alarm_resolve", alarm.pk)
    assert not send(client, "treasury_alarm_resolve", alarm.pk, reason="The node was restarted")
    alarm.refresh_from_db()
    assert alarm.resolved_by == person.email
    assert "resolved already" in send(client, "treasury_alarm_resolve", alarm.pk, reason="again")
    record = ActivityLog.objects.get(action="alarm.resolved")
    assert record.facts["reason"] == "The node was restarted"


def test_a_treasurer_halts_and_resumes_a_network(signed_in: SignedIn) -> None:
    a_network_state()
    client, person = signed_in("treasurer", stepped_up=True)
    assert not send(client, "treasury_networkstate_halt", "arbitrum", reason="The node contradicts itself")
    assert is_halted("arbitrum")
    assert "halted already" in send(client, "treasury_networkstate_halt", "arbitrum", reason="again")
    assert not send(client, "treasury_networkstate_resume", "arbitrum", reason="Another node agrees")
    assert not is_halted("arbitrum")
    assert "not halted" in send(client, "treasury_networkstate_resume", "arbitrum", reason="again")
    assert set(ActivityLog.objects.filter(actor=person).values_list("action", flat=True)) >= {
        "network.halted",
        "network.resumed",
    }


def test_a_page_offers_only_the_dialog_that_fits(signed_in: SignedIn) -> None:
    a_network_state()
    client, _person = signed_in("treasurer")
    page = reverse("admin:treasury_networkstate_change", args=["arbitrum"])
    assert "Halt the network" in client.get(page).content.decode()
    halt_network("arbitrum", "test")
    shown = client.get(page).content.decode()
    assert "Resume the network" in shown
    assert "Halt the network" not in shown


# --- colleagues ---


def test_admin_adds_a_colleague_who_sets_a_password_themselves(signed_in: SignedIn) -> None:
    client, person = signed_in("admin", stepped_up=True)
    support = staff("support").groups.get()
    answer = client.post(
        reverse("admin:accounts_staffuser_add"),
        {"email": "New@Example.com ", "full_name": "New Colleague", "groups": [support.pk]},
    )
    assert answer.status_code == 302
    made = User.objects.get(email="new@example.com")
    assert (made.is_staff, made.is_superuser, made.has_usable_password()) == (True, False, False)
    assert list(made.groups.all()) == [support]
    assert EmailAddress.objects.get(user=made).verified
    assert ActivityLog.objects.get(action="staff.added").facts == {"email": made.email, "roles": ["support"]}
    assert ActivityLog.objects.get(action="staff.added").actor == person


def test_an_address_that_has_an_account_is_refused(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin", stepped_up=True)
    customer = a_customer()
    answer = client.post(reverse("admin:accounts_staffuser_add"), {"email": customer.email})
    assert "has an account already" in answer.content.decode()
    customer.refresh_from_db()
    assert not customer.is_staff


def test_admin_takes_access_away(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin", stepped_up=True)
    colleague = staff("support")
    theirs, _same = signed_in(user=colleague)
    answer = client.post(
        reverse("admin:accounts_staffuser_change", args=[colleague.pk]), {"full_name": "Left", "groups": []}
    )
    assert answer.status_code == 302
    colleague.refresh_from_db()
    assert (colleague.is_active, colleague.full_name, colleague.groups.count()) == (False, "Left", 0)
    assert "/login/" in theirs.get(reverse("admin:index"))["Location"], "an open session ends at once"
    assert ActivityLog.objects.get(action="staff.changed").facts["before"]["roles"] == ["support"]


def test_nobody_changes_their_own_roles(signed_in: SignedIn) -> None:
    client, person = signed_in("admin", stepped_up=True)
    page = reverse("admin:accounts_staffuser_change", args=[person.pk])
    everything = [group.pk for group in staff("support", "finance", "treasurer").groups.all()]
    assert client.post(page, {"full_name": "Me", "is_active": "on", "groups": everything}).status_code == 403
    assert list(person.groups.values_list("name", flat=True)) == ["admin"]


def test_nobody_touches_a_superuser(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin", stepped_up=True)
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    answer = client.post(reverse("admin:accounts_staffuser_change", args=[root.pk]), {"full_name": "x", "groups": []})
    assert answer.status_code == 403
    root.refresh_from_db()
    assert root.is_active


def test_no_form_makes_a_superuser_or_gives_single_permissions(signed_in: SignedIn) -> None:
    client, _person = signed_in("admin", stepped_up=True)
    colleague = staff()
    client.post(
        reverse("admin:accounts_staffuser_change", args=[colleague.pk]),
        {"full_name": "x", "is_active": "on", "groups": [], "is_superuser": "on", "user_permissions": ["1"]},
    )
    colleague.refresh_from_db()
    assert not colleague.is_superuser
    assert not colleague.user_permissions.exists()


def test_changing_nothing_is_not_recorded() -> None:
    colleague, actor = staff("support"), staff("admin")
    change_staff_user(user_id=colleague.pk, full_name="", is_active=True, roles=["support"], actor=actor)
    assert not ActivityLog.objects.filter(action="staff.changed").exists()
