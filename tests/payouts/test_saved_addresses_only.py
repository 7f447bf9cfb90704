"""Withdrawals to saved addresses only: how everybody begins, and what it takes to change that."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from accounts.freezes import freeze_withdrawals
from accounts.mail import render
from accounts.models import ActivityLog, OutgoingMail, User, UserProfile
from accounts.second_factor import StepUp, StepUpFailed
from accounts.settings_lock import SettingsLocked, lock_settings
from payouts import address_book, errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import (
    ORIGIN,
    OTHER_RECIPIENT,
    PASSWORD,
    RECIPIENT,
    USDT,
    a_customer,
    add,
    approved,
    ask,
    confirm,
    fund,
    saved,
)
from tests.payouts.test_add_address import alike
from tests.support.factors import give_app, proven

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def customer_of_today() -> User:
    return a_customer(micro=200 * USDT, only_saved=True)


def allow_any(user: User) -> None:
    address_book.allow_any_address(customer_id=user.pk, step_up=proven(user))


def test_a_new_account_is_paid_to_saved_addresses_only() -> None:
    user = User.objects.create_user("new@example.com", PASSWORD)
    give_app(user)
    fund(user, 100 * USDT)
    with pytest.raises(errors.AddressNotSaved):
        ask(user)
    assert not WithdrawalRequest.objects.exists()


def test_an_unconfirmed_address_is_not_paid_to() -> None:
    customer = customer_of_today()
    add(customer)
    with pytest.raises(errors.AddressNotConfirmed):
        ask(customer)


def test_an_address_saved_for_one_network_is_not_saved_for_another(settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = customer_of_today()
    saved(customer)
    with pytest.raises(errors.AddressNotSaved):
        ask(customer, network="bsc")


def test_another_customers_saved_address_is_not_mine(settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    saved(a_customer())
    with pytest.raises(errors.AddressNotSaved):
        ask(customer_of_today())


def test_the_preview_says_the_same() -> None:
    customer = customer_of_today()
    with pytest.raises(errors.AddressNotSaved):
        withdrawals.preview_withdrawal(
            customer_id=customer.pk, network="arbitrum", address=RECIPIENT, amount_micro=USDT * 10
        )


def test_allowing_any_address_takes_a_password_and_a_day() -> None:
    customer = customer_of_today()
    with pytest.raises(StepUpFailed):
        address_book.allow_any_address(customer_id=customer.pk, step_up=StepUp(code="000000"))
    allow_any(customer)
    with pytest.raises(errors.AddressNotSaved):
        ask(customer)
    with time_machine.travel(timezone.now() + DAY, tick=True):
        assert ask(customer).state == "requested"
    assert ActivityLog.objects.get(action="address_book.any_address_allowed").actor == customer


def test_allowing_any_address_is_told_with_the_way_to_stop_it() -> None:
    customer = customer_of_today()
    begins = address_book.allow_any_address(customer_id=customer.pk, step_up=proven(customer), origin=ORIGIN)
    told = OutgoingMail.objects.get(template="any_address_allowed")
    assert (told.user_id, told.recipient) == (customer.pk, customer.email)
    body = str(render(told).body)
    assert f"Possible from: {begins:%-d %B %Y, %H:%M} UTC" in body
    assert ORIGIN.ip_address is not None
    assert ORIGIN.ip_address in body
    assert "/security/not-me/" in body
    allow_any(customer)
    assert OutgoingMail.objects.filter(template="any_address_allowed").count() == 1


def test_while_withdrawals_are_frozen_the_waiting_time_does_not_begin() -> None:
    customer = customer_of_today()
    freeze_withdrawals(user_id=customer.pk, reason="stolen phone", process="test")
    with pytest.raises(errors.WithdrawalsFrozen):
        allow_any(customer)
    assert UserProfile.objects.get(user=customer).any_address_from is None
    assert not OutgoingMail.objects.filter(template="any_address_allowed").exists()


def test_asking_again_does_not_begin_the_waiting_anew() -> None:
    customer = customer_of_today()
    allow_any(customer)
    begins = UserProfile.objects.get(user=customer).any_address_from
    with time_machine.travel(timezone.now() + DAY / 2, tick=True):
        allow_any(customer)
    assert UserProfile.objects.get(user=customer).any_address_from == begins


def test_saved_addresses_only_is_chosen_at_once_and_counts_for_what_was_asked_before() -> None:
    customer = a_customer(micro=200 * USDT)
    row = ask(customer)
    assert address_book.allow_saved_addresses_only(customer_id=customer.pk)
    assert not address_book.allow_saved_addresses_only(customer_id=customer.pk)
    with pytest.raises(errors.AddressNotSaved):
        confirm(row)
    with pytest.raises(errors.AddressNotSaved):
        ask(customer)


def test_a_choice_that_waits_is_taken_back_by_the_safe_one() -> None:
    customer = customer_of_today()
    allow_any(customer)
    address_book.allow_saved_addresses_only(customer_id=customer.pk)
    with time_machine.travel(timezone.now() + DAY, tick=True), pytest.raises(errors.AddressNotSaved):
        ask(customer)


def test_the_choice_is_fixed_while_the_settings_are_locked() -> None:
    customer = a_customer()
    lock_settings(user_id=customer.pk, days=1, wait_days=1, step_up=proven(customer))
    with pytest.raises(SettingsLocked):
        allow_any(customer)
    with pytest.raises(SettingsLocked):
        address_book.allow_saved_addresses_only(customer_id=customer.pk)


def test_while_the_settings_are_locked_only_saved_addresses_are_paid_to(settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = a_customer(micro=200 * USDT)
    saved(customer)
    lock_settings(user_id=customer.pk, days=1, wait_days=1, step_up=proven(customer))
    assert confirm(ask(customer)).state == "in_review"
    with pytest.raises(errors.AddressNotSaved):
        ask(customer, address=OTHER_RECIPIENT)


def paid(row: WithdrawalRequest) -> None:
    WithdrawalRequest.objects.filter(pk=row.pk).update(state="paid", closed_at=timezone.now())


def test_a_look_alike_of_one_that_was_paid_before_has_to_be_meant() -> None:
    customer = a_customer(micro=200 * USDT)
    paid(approved(customer))
    with pytest.raises(errors.LooksAlike) as caught:
        ask(customer, address=alike(RECIPIENT))
    assert caught.value.resembles == RECIPIENT
    preview = withdrawals.preview_withdrawal(
        customer_id=customer.pk, network="arbitrum", address=alike(RECIPIENT), amount_micro=10 * USDT
    )
    assert preview.resembles == RECIPIENT
    row = ask(customer, address=alike(RECIPIENT), resemblance_accepted=True)
    assert row.resembles == RECIPIENT
    assert confirm(row).state == "in_review"


def test_who_was_paid_before_is_not_new() -> None:
    customer = a_customer(micro=200 * USDT)
    paid(approved(customer))
    paid(approved(customer, address=alike(RECIPIENT), resemblance_accepted=True))
    assert ask(customer, address=alike(RECIPIENT)).resembles == ""
    assert ask(customer).resembles == ""


def test_who_was_saved_knowingly_is_not_asked_about_again(settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = customer_of_today()
    saved(customer)
    saved(customer, alike(RECIPIENT), resemblance_accepted=True)
    assert ask(customer, address=alike(RECIPIENT)).state == "requested"


def test_a_request_costs_few_queries_whatever_is_checked(
    settings: Settings, django_assert_max_num_queries: object
) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    customer = customer_of_today()
    saved(customer)
    with django_assert_max_num_queries(32):  # type: ignore[operator]  # pytest-django's fixture
        ask(customer)
