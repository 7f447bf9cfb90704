"""A customer saves an address."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.freezes import freeze_withdrawals
from accounts.models import ActivityLog, OutgoingMail
from accounts.second_factor import StepUp, StepUpFailed
from accounts.settings_lock import SettingsLocked, lock_settings
from payouts import errors
from payouts.models import SavedAddress
from tests.payouts.people import OTHER_RECIPIENT, RECIPIENT, USDT, a_customer, add, saved
from tests.payouts.test_double_submit import at_once
from tests.payouts.test_request_withdrawal import BAD_ADDRESSES
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from treasury.chains.addresses import checksummed

DATABASE = pytest.mark.django_db
ON_TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"


@DATABASE
def test_a_new_address_waits_for_its_confirmation() -> None:
    entry = add(a_customer(), f" {RECIPIENT.lower()}\n", label="  My   wallet ")
    assert (entry.state, entry.address, entry.label, entry.network) == ("pending", RECIPIENT, "My wallet", "arbitrum")
    assert (entry.confirmed_at, entry.active_from) == (None, None)


@DATABASE
def test_the_mail_that_asks_for_confirmation_is_queued_without_its_link_and_the_deed_is_audited() -> None:
    customer = a_customer(language="ru")
    entry = add(customer)
    mail = OutgoingMail.objects.get()
    assert (mail.template, mail.recipient, mail.language) == ("address_confirm", customer.email, "ru")
    assert mail.facts["entry_id"] == entry.pk
    assert "confirm" not in str(mail.facts)
    line = ActivityLog.objects.get(action="address.added")
    assert (line.actor, line.facts["address"], line.ip_address) == (customer, RECIPIENT, "192.0.2.7")


@DATABASE
@pytest.mark.parametrize(("typed", "reason", "told"), BAD_ADDRESSES)
def test_a_bad_address_is_refused_and_the_mistake_is_named(typed: str, reason: str, told: str) -> None:
    with translation.override("en"):
        with pytest.raises(errors.BadAddress) as caught:
            add(a_customer(), typed)
        assert (caught.value.reason, str(caught.value.message)) == (reason, told)
    assert_nothing_happened()


def assert_nothing_happened() -> None:
    assert not SavedAddress.objects.exists()
    assert not OutgoingMail.objects.exclude(template="account_frozen").exists()


@DATABASE
@pytest.mark.parametrize("network", ["arbitrum", "bsc"])
def test_a_token_contract_is_refused(network: str, networks: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(errors.TokenContractAddress):
        add(a_customer(), networks[network]["token_contract"])
    assert_nothing_happened()


@DATABASE
@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("", errors.LabelMissing),
        (" \n ", errors.LabelMissing),
        ("x" * 41, errors.LabelTooLong),
        ("wallet\u202eevil", errors.BadLabel),
        ("wallet\x00", errors.BadLabel),
    ],
)
def test_a_bad_name_is_refused(label: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        add(a_customer(), label=label)
    assert_nothing_happened()


@DATABASE
def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(errors.UnknownNetwork):
        add(a_customer(), network="ethereum")


@DATABASE
def test_a_wrong_password_saves_nothing() -> None:
    with pytest.raises(StepUpFailed):
        add(a_customer(), step_up=StepUp(code="000000"))
    assert_nothing_happened()


@DATABASE
def test_one_address_is_in_the_book_once_on_each_network() -> None:
    customer = a_customer()
    add(customer)
    with pytest.raises(errors.AddressSavedAlready):
        add(customer, RECIPIENT.lower(), label="Again")
    assert add(customer, network="bsc").state == "pending"
    assert add(a_customer()).state == "pending"


def test_two_tabs_save_one_address(committed_db: CommittedDatabase) -> None:
    customer = a_customer()
    made = at_once(*[lambda: add(customer)] * 3)
    assert sorted(type(each).__name__ for each in made) == [
        "AddressSavedAlready",
        "AddressSavedAlready",
        "SavedAddress",
    ]
    assert OutgoingMail.objects.count() == 1


@DATABASE
def test_a_book_has_an_end(settings: Settings) -> None:
    settings.ADDRESS_BOOK_LIMIT = 1
    customer = a_customer()
    add(customer)
    with pytest.raises(errors.AddressBookFull):
        add(customer, OTHER_RECIPIENT)


@DATABASE
def test_nothing_is_saved_while_the_settings_are_locked() -> None:
    customer = a_customer()
    lock_settings(user_id=customer.pk, days=3, wait_days=1, step_up=proven(customer))
    with pytest.raises(SettingsLocked):
        add(customer)
    assert not SavedAddress.objects.exists()


@DATABASE
def test_nothing_is_saved_for_whom_withdrawals_are_frozen() -> None:
    customer = a_customer()
    freeze_withdrawals(user_id=customer.pk, reason="stolen phone", process="test")
    with pytest.raises(errors.WithdrawalsFrozen):
        add(customer)
    assert_nothing_happened()


def alike(address: str) -> str:
    """Another EVM address with the same ends."""
    return checksummed(address[:6] + "1" * 32 + address[-4:])


@DATABASE
def test_a_look_alike_of_a_saved_address_has_to_be_meant() -> None:
    customer = a_customer()
    add(customer)
    with pytest.raises(errors.LooksAlike) as caught:
        add(customer, alike(RECIPIENT))
    assert caught.value.resembles == RECIPIENT
    assert SavedAddress.objects.count() == 1
    entry = add(customer, alike(RECIPIENT), resemblance_accepted=True)
    assert entry.resembles == RECIPIENT
    assert ActivityLog.objects.filter(action="address.added", facts__resembles=RECIPIENT).exists()


@DATABASE
def test_the_same_address_on_the_other_network_is_no_look_alike() -> None:
    customer = a_customer()
    add(customer)
    assert add(customer, network="bsc").resembles == ""


@DATABASE
def test_other_peoples_addresses_look_like_nothing_to_me() -> None:
    saved(a_customer())
    assert add(a_customer(), alike(RECIPIENT)).resembles == ""


@DATABASE
def test_an_address_of_another_network_is_named(networks: dict[str, dict[str, Any]]) -> None:
    with translation.override("en"), pytest.raises(errors.BadAddress) as caught:
        add(a_customer(micro=USDT), ON_TRON)
    assert "This is an address of TRON, but the chosen network is Arbitrum One." in str(caught.value.message)
