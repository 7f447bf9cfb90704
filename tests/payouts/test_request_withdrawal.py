"""A customer asks to be paid."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.utils import translation

from accounts.freezes import freeze_withdrawals
from accounts.models import ActivityLog, OutgoingMail
from accounts.second_factor import SecondFactorMissing, StepUp, StepUpFailed, StepUpThrottled
from payouts import errors, withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import PASSWORD, RECIPIENT, USDT, a_customer, ask, funds
from tests.support.factors import code_of
from treasury.halts import halt_network

pytestmark = pytest.mark.django_db
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def test_amount_and_fee_are_held_back_at_once() -> None:
    customer = a_customer(micro=100 * USDT)
    row = ask(customer, 40 * USDT)
    assert (row.amount_micro, row.fee_micro, row.debit_micro) == (40 * USDT, 1 * USDT, 41 * USDT)
    assert funds(customer) == (59 * USDT, 41 * USDT)


def test_everything_can_be_withdrawn() -> None:
    customer = a_customer(micro=41 * USDT)
    ask(customer, 40 * USDT)
    assert funds(customer) == (0, 41 * USDT)


def test_the_mail_that_asks_for_confirmation_is_queued_without_its_link() -> None:
    customer = a_customer(micro=100 * USDT, language="ru")
    row = ask(customer)
    mail = OutgoingMail.objects.get()
    assert (mail.template, mail.recipient, mail.language) == ("withdrawal_confirm", customer.email, "ru")
    assert mail.facts["id"] == row.pk
    assert "confirm" not in str(mail.facts)


def test_the_address_is_kept_in_its_checksummed_form() -> None:
    assert ask(a_customer(micro=100 * USDT), address=f"  {RECIPIENT.lower()}\n").address == RECIPIENT


BAD_ADDRESSES = [
    ("", "empty", "Enter the address to pay to."),
    (
        RECIPIENT[:-1] + "e",
        "wrong_checksum",
        "The checksum of this address is wrong: there is probably a typing error in it.",
    ),
    (TRON, "other_network", "This is an address of TRON, but the chosen network is Arbitrum One."),
    (
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "other_network",
        "This is an address of Bitcoin, but the chosen network is Arbitrum One.",
    ),
    (RECIPIENT[:-2], "too_short", "This address is too short: some characters are missing."),
    (RECIPIENT + "00", "too_long", "This address is too long."),
    (RECIPIENT[2:], "missing_prefix", "This address must start with 0x."),
    ("0x" + "ab" * 32, "transaction_hash", "This is the hash of a transaction, not an address."),
    ("0x" + "0" * 40, "zero_address", "This is the zero address: whatever is sent there is lost."),
    (
        "0x000000000000000000000000000000000000dEaD",
        "reserved_address",
        "Nobody holds the keys of this address: whatever is sent there is lost.",
    ),
    ("my wallet", "not_an_address", "This is not an address of the chosen network."),
]


@pytest.mark.parametrize(("typed", "reason", "told"), BAD_ADDRESSES)
def test_a_bad_address_is_refused_and_the_mistake_is_named(typed: str, reason: str, told: str) -> None:
    customer = a_customer(micro=100 * USDT)
    with translation.override("en"):
        with pytest.raises(errors.BadAddress) as caught:
            ask(customer, address=typed)
        assert (caught.value.reason, str(caught.value.message), caught.value.field) == (reason, told, "address")
    assert_nothing_happened(customer)


def assert_nothing_happened(customer: Any, micro: int = 100 * USDT) -> None:
    assert funds(customer) == (micro, 0)
    assert not WithdrawalRequest.objects.exists()
    assert not OutgoingMail.objects.exclude(template="account_frozen").exists()


@pytest.mark.parametrize("network", ["arbitrum", "bsc"])
@pytest.mark.parametrize("token_of", ["arbitrum", "bsc"])
def test_a_token_contract_is_refused_on_every_network(
    network: str, token_of: str, networks: dict[str, dict[str, Any]]
) -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.TokenContractAddress):
        ask(customer, network=network, address=networks[token_of]["token_contract"])
    assert_nothing_happened(customer)


@pytest.mark.parametrize("amount", [0, -1, -40 * USDT])
def test_nothing_and_less_than_nothing_are_refused(amount: int) -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.AmountNotPositive):
        ask(customer, amount)
    assert_nothing_happened(customer)


@pytest.mark.parametrize("amount", [1.5, float("nan"), "40", None, True])
def test_what_is_no_whole_number_of_micros_is_a_programming_error(amount: Any) -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(TypeError):
        ask(customer, amount)
    assert_nothing_happened(customer)


def test_below_the_minimum_is_refused_and_the_minimum_is_named(networks: dict[str, dict[str, Any]]) -> None:
    minimum = networks["arbitrum"]["min_withdrawal_micro"]
    with translation.override("ru"), pytest.raises(errors.BelowMinimum) as caught:
        ask(a_customer(micro=100 * USDT), minimum - 1)
    assert f"{minimum // USDT},00 USDT" in str(caught.value.message)


@pytest.mark.parametrize("amount", [10**12 * USDT + 1, 10**40])
def test_above_the_maximum_is_refused(amount: int) -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.AboveMaximum):
        ask(customer, amount)
    assert_nothing_happened(customer)


@pytest.mark.parametrize("amount", [99 * USDT + 1, 100 * USDT, 101 * USDT])
def test_more_than_there_is_with_the_fee_is_refused(amount: int) -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.NotEnoughMoney):
        ask(customer, amount)
    assert_nothing_happened(customer)


def test_what_is_held_back_cannot_be_asked_for_again() -> None:
    customer = a_customer(micro=100 * USDT)
    ask(customer, 60 * USDT)
    with pytest.raises(errors.NotEnoughMoney):
        ask(customer, 60 * USDT)
    assert funds(customer) == (39 * USDT, 61 * USDT)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(errors.UnknownNetwork):
        ask(a_customer(micro=100 * USDT), network="ethereum")


def test_a_halted_network_takes_no_requests() -> None:
    halt_network("arbitrum", "the test says so")
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.NetworkHalted):
        ask(customer)
    assert ask(customer, network="bsc").state == "requested"


def test_a_frozen_customer_cannot_ask() -> None:
    customer = a_customer(micro=100 * USDT)
    freeze_withdrawals(user_id=customer.pk, reason="a deposit was taken back", process="test")
    with pytest.raises(errors.WithdrawalsFrozen):
        ask(customer)
    assert_nothing_happened(customer)


def test_a_closed_account_cannot_ask() -> None:
    customer = a_customer(micro=100 * USDT)
    type(customer).objects.filter(pk=customer.pk).update(is_active=False)
    with pytest.raises(StepUpFailed):
        ask(customer)
    assert_nothing_happened(customer)


def test_a_wrong_code_changes_nothing_and_is_audited() -> None:
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(StepUpFailed):
        ask(customer, step_up=StepUp(code="000000"))
    assert_nothing_happened(customer)
    assert ActivityLog.objects.get(action="step_up.failed").actor == customer


def test_guessing_the_code_ends_after_five_tries() -> None:
    customer = a_customer(micro=100 * USDT)
    for _try in range(5):
        with pytest.raises(StepUpFailed):
            ask(customer, step_up=StepUp(code="000000"))
    with pytest.raises(StepUpThrottled):
        ask(customer, step_up=StepUp(code=code_of(customer)))
    assert_nothing_happened(customer)


def test_nothing_is_withdrawn_without_a_second_factor() -> None:
    customer = a_customer(micro=100 * USDT)
    Authenticator.objects.filter(user=customer).delete()
    with pytest.raises(SecondFactorMissing):
        ask(customer, step_up=StepUp(password=PASSWORD))
    assert_nothing_happened(customer)


def test_the_same_form_again_is_the_same_request() -> None:
    customer = a_customer(micro=100 * USDT)
    first = ask(customer, idempotency_key="form")
    again = ask(customer, idempotency_key="form", address=RECIPIENT.lower())
    assert again.pk == first.pk
    assert funds(customer) == (59 * USDT, 41 * USDT)
    assert OutgoingMail.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"micro": 41 * USDT}, {"network": "bsc"}, {"address": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"}]
)
def test_the_same_form_with_other_contents_is_refused(changes: dict[str, Any]) -> None:
    customer = a_customer(micro=200 * USDT)
    first = ask(customer, idempotency_key="form")
    with pytest.raises(errors.IdempotencyKeyReused) as caught:
        ask(customer, idempotency_key="form", **changes)
    assert caught.value.public_id == first.public_id
    assert WithdrawalRequest.objects.count() == 1


def test_two_customers_may_use_one_key() -> None:
    one, other = a_customer(micro=100 * USDT), a_customer(micro=100 * USDT)
    assert ask(one, idempotency_key="form").pk != ask(other, idempotency_key="form").pk


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_form_without_a_proper_key_is_refused(key: str) -> None:
    with pytest.raises(errors.BadIdempotencyKey):
        ask(a_customer(micro=100 * USDT), idempotency_key=key)


def test_a_preview_says_what_would_be_debited_and_changes_nothing() -> None:
    customer = a_customer(micro=100 * USDT)
    preview = withdrawals.preview_withdrawal(
        customer_id=customer.pk, network="arbitrum", address=RECIPIENT.lower(), amount_micro=40 * USDT
    )
    assert (preview.quote.amount_micro, preview.quote.fee_micro, preview.quote.debit_micro) == (
        40 * USDT,
        1 * USDT,
        41 * USDT,
    )
    assert preview.address == RECIPIENT
    assert_nothing_happened(customer)


def test_a_preview_refuses_what_the_request_would_refuse() -> None:
    with pytest.raises(errors.NotEnoughMoney):
        withdrawals.preview_withdrawal(
            customer_id=a_customer().pk, network="arbitrum", address=RECIPIENT, amount_micro=40 * USDT
        )
