"""The address book through its pages, and the withdrawal form that chooses from it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.freezes import freeze_withdrawals
from accounts.holds import Kind, hold_withdrawals
from accounts.models import User, UserProfile
from accounts.settings_lock import lock_settings
from payouts import address_book
from payouts.links import address_token, confirmation_token
from payouts.models import SavedAddress, WithdrawalRequest
from tests.payouts.people import (
    OTHER_RECIPIENT,
    RECIPIENT,
    USDT,
    a_customer,
    add,
    ask,
    confirm_address,
    saved,
)
from tests.payouts.test_add_address import alike
from tests.portal.pages.conftest import browser_of
from tests.portal.pages.test_withdrawal_pages import KEY, words
from tests.support.factors import code_of, person_of, proven

BOOK, ADD, CHOICE = "/security/addresses/", "/security/addresses/add/", "/security/addresses/choice/"


@pytest.fixture
def careful(customer: User) -> User:
    """A customer as everybody begins: paid to saved addresses only."""
    address_book.allow_saved_addresses_only(customer_id=customer.pk)
    return customer


def typed(client: Client, /, **changes: str) -> dict[str, str]:
    given = {"label": "My wallet", "network": "arbitrum", "address": RECIPIENT}
    return given | {"code": code_of(person_of(client))} | changes


def chosen(entry: SavedAddress, **changes: str) -> dict[str, str]:
    """The withdrawal form with an address from the book, and nothing typed but the amount."""
    return {"saved": str(entry.public_id), "amount": "40", "key": KEY} | changes


# --- the book ---


def test_an_address_is_saved_confirmed_and_removed(client: Client, careful: User) -> None:
    assert "No address is saved yet" in words(client.get(BOOK))
    answer = client.post(ADD, typed(client), follow=True)
    assert answer.redirect_chain[-1][0] == BOOK
    text = words(answer)
    assert f"open the link in the mail to {careful.email}" in text
    assert "Waiting for your confirmation" in text
    entry = SavedAddress.objects.get()
    path = f"/security/addresses/confirm/{address_token(entry)}/"
    for _ in range(2):
        assert client.get(path).status_code == 200
    entry.refresh_from_db()
    assert entry.state == "pending", "opening the link changes nothing"
    assert "Confirmed, waits" in words(client.post(path, follow=True))
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        client.force_login(careful)
        assert "Can be paid to" in words(client.get(BOOK))
        text = words(client.post(f"/security/addresses/{entry.public_id}/remove/", follow=True))
    assert "“My wallet” is removed." in text
    assert "No address is saved yet" in text


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("label", "", "Give the address a name"),
        ("label", "x" * 41, "This name is too long"),
        ("network", "", "Choose the network."),
        ("network", "dogecoin", "is not one of the available choices"),
        ("address", "", "Enter the address."),
        ("address", "0x1234", "too short"),
        ("address", RECIPIENT.swapcase().replace("0X", "0x"), "checksum"),
        ("address", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "This is an address of TRON, but the chosen network is"),
        ("code", "", "Confirm that it is you"),
        ("code", "000000", "The code is not right"),
    ],
)
def test_each_mistake_is_said_beside_its_field(
    client: Client, careful: User, field: str, given: str, said: str
) -> None:
    answer = client.post(ADD, typed(client, **{field: given}))
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not SavedAddress.objects.exists()


def test_while_withdrawals_are_frozen_no_waiting_time_begins_and_the_page_says_why(
    client: Client, careful: User
) -> None:
    entry = add(careful)
    freeze_withdrawals(user_id=careful.pk, reason="stolen phone", process="test")
    for path, given in (
        (f"/security/addresses/confirm/{address_token(entry)}/", {}),
        ("/security/addresses/choice/", {"choice": "any", "code": code_of(careful)}),
    ):
        assert "Withdrawals from this account are stopped for now." in words(client.post(path, given, follow=True))
    entry.refresh_from_db()
    assert entry.state == "pending"


def test_a_name_with_html_is_text_on_every_page(client: Client, careful: User) -> None:
    label = "<script>alert(1)</script>"
    client.post(ADD, typed(client, label=label))
    entry = SavedAddress.objects.get()
    for path in (BOOK, f"/security/addresses/confirm/{address_token(entry)}/", "/withdraw/"):
        text = client.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>alert" not in text, path


def test_another_customers_entry_is_not_found(client: Client, careful: User) -> None:
    entry = saved(a_customer())
    for number in (entry.public_id, uuid.uuid4()):
        assert client.post(f"/security/addresses/{number}/remove/").status_code == 404
    answer = client.post(f"/security/addresses/confirm/{address_token(add(a_customer()))}/")
    assert answer.status_code == 410
    assert entry.label not in words(client.get(BOOK))
    entry.refresh_from_db()
    assert entry.state == "confirmed"


@pytest.mark.parametrize("spoiled", ["x", "a:b:c", "0"])
def test_a_made_up_link_is_refused(client: Client, spoiled: str) -> None:
    answer = client.get(f"/security/addresses/confirm/{spoiled}/")
    assert answer.status_code == 410
    assert "This link is not valid" in words(answer)


def test_a_replayed_link_leads_to_the_book(client: Client, careful: User) -> None:
    entry = saved(careful)
    path = f"/security/addresses/confirm/{address_token(entry)}/"
    for again in (client.get(path, follow=True), client.post(path, follow=True)):
        assert again.redirect_chain[-1][0] == BOOK
        assert "confirmed already" in words(again)


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_nothing_is_removed_or_chosen_but_by_post(client: Client, careful: User, method: str) -> None:
    entry = add(careful)
    for path in (f"/security/addresses/{entry.public_id}/remove/", CHOICE):
        assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize("path", [BOOK, ADD, "/security/addresses/confirm/x/", "/security/lock/"])
def test_a_visitor_is_sent_to_sign_in(committed_db: object, path: str) -> None:
    assert browser_of().get(path)["Location"] == f"/account/login/?next={path}"


def test_a_look_alike_is_shown_beside_the_known_one_and_has_to_be_ticked(client: Client, careful: User) -> None:
    add(careful)
    answer = client.post(ADD, typed(client, address=alike(RECIPIENT), label="Other"))
    assert answer.status_code == 422
    assert "looks like another one that you know" in words(answer)
    known = re.search(r'data-testid="known-address">(.*?)</span></dd>', answer.content.decode())
    assert known
    assert re.sub(r"<[^>]+>", "", known.group(1)) == RECIPIENT
    assert 'name="resemblance"' in answer.content.decode()
    client.post(ADD, typed(client, address=alike(RECIPIENT), label="Other", resemblance="on"))
    assert SavedAddress.objects.latest("id").resembles == RECIPIENT


def test_a_locked_book_offers_no_adding(client: Client, careful: User) -> None:
    entry = saved(careful)
    lock_settings(user_id=careful.pk, days=1, wait_days=1, step_up=proven(careful))
    assert "Your settings are locked" in words(client.get(BOOK))
    assert 'data-testid="add-address"' not in client.get(BOOK).content.decode()
    assert 'data-testid="address-form"' not in client.get(ADD).content.decode()
    assert client.post(ADD, typed(client, address=OTHER_RECIPIENT)).status_code == 422
    assert SavedAddress.objects.count() == 1
    assert client.post(CHOICE, {"choice": "any", "code": code_of(person_of(client))}, follow=True).status_code == 200
    assert UserProfile.objects.get(user=careful).any_address_from is None
    assert client.post(f"/security/addresses/{entry.public_id}/remove/").status_code == 302


def test_the_choice_of_any_address_takes_a_code_and_a_day(client: Client, careful: User) -> None:
    assert "To saved addresses only." in words(client.get(BOOK))
    answer = client.post(CHOICE, {"choice": "any", "code": "000000"})
    assert answer.status_code == 422
    assert "The code is not right" in words(answer)
    assert client.post(CHOICE, {"choice": "any"}).status_code == 422
    text = words(client.post(CHOICE, {"choice": "any", "code": code_of(person_of(client))}, follow=True))
    assert "You allowed any address. This takes effect" in text
    assert "To saved addresses only." in text
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        client.force_login(careful)
        assert "To any address." in words(client.get(BOOK))
        assert "To saved addresses only." in words(client.post(CHOICE, {"choice": "saved"}, follow=True))


def test_the_book_costs_few_queries_however_long_it_is(client: Client, careful: User) -> None:
    client.get(BOOK)
    saved(careful)
    few = queries_of(client, BOOK)
    for number in range(5):
        saved(careful, f"0x{number + 1:04d}" + "ab" * 18)
    assert queries_of(client, BOOK) == few
    assert few <= 8


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


# --- the withdrawal form ---


def test_a_newcomer_is_led_to_saving_an_address(client: Client, careful: User) -> None:
    text = client.get("/withdraw/").content.decode()
    assert "First save an address" in text
    assert 'name="address"' not in text


def test_a_withdrawal_to_a_saved_address_needs_no_typing(client: Client, careful: User, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    entry = saved(careful)
    page = client.get(f"/withdraw/?saved={entry.public_id}").content.decode()
    assert re.search(rf'value="{entry.public_id}"[^>]*checked', page)
    assert 'name="address"' not in page
    answer = client.post("/withdraw/review/", chosen(entry))
    assert "We debit 41.00 · fee 1.00 · the recipient gets 40.00 USDT" in words(answer)
    assert 'data-testid="review-label">My wallet<' in answer.content.decode()
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))
    del hidden["csrfmiddlewaretoken"]
    assert client.post("/withdraw/", hidden | {"code": code_of(person_of(client))}).status_code == 302
    made = WithdrawalRequest.objects.get()
    assert (made.network, made.address, made.amount_micro) == ("arbitrum", RECIPIENT, 40 * USDT)


def test_what_was_typed_beside_a_chosen_address_does_not_count(
    client: Client, careful: User, settings: Settings
) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    entry = saved(careful)
    client.post("/withdraw/", chosen(entry, network="bsc", address=OTHER_RECIPIENT, code=code_of(person_of(client))))
    made = WithdrawalRequest.objects.get()
    assert (made.network, made.address) == ("arbitrum", RECIPIENT)


def test_another_customers_entry_cannot_be_chosen(client: Client, careful: User, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    saved(careful)
    theirs = saved(a_customer(), OTHER_RECIPIENT)
    answer = client.post("/withdraw/", chosen(theirs, code=code_of(person_of(client))))
    assert answer.status_code == 422
    assert "Choose one of your saved addresses." in words(answer)
    assert OTHER_RECIPIENT not in answer.content.decode()
    assert not WithdrawalRequest.objects.exists()


def test_an_address_on_hold_says_until_when_and_cannot_be_chosen(client: Client, careful: User) -> None:
    entry = saved(careful)
    page = client.get("/withdraw/")
    assert "can be paid to from" in words(page)
    assert re.search(rf'value="{entry.public_id}"[^>]*disabled', page.content.decode())
    answer = client.post("/withdraw/review/", chosen(entry))
    assert answer.status_code == 422
    assert "This address is new: it can be paid to from" in words(answer)


def test_a_typed_address_is_refused_beside_the_choice(client: Client, careful: User) -> None:
    saved(careful)
    given = {
        "network": "arbitrum",
        "address": OTHER_RECIPIENT,
        "amount": "40",
        "key": KEY,
        "code": code_of(person_of(client)),
    }
    answer = client.post("/withdraw/", given)
    assert answer.status_code == 422
    assert "Withdrawals go to saved addresses only." in words(answer)


def test_who_allows_any_address_may_choose_or_type(client: Client, customer: User, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    saved(customer)
    text = client.get("/withdraw/").content.decode()
    assert 'data-testid="another-address"' in text
    assert 'name="address"' in text
    assert "We debit 51.00 USDT" in words(
        client.get(f"/withdraw/quote/?amount=50&saved={SavedAddress.objects.get().public_id}")
    )


def test_max_of_a_saved_address_knows_its_network(client: Client, careful: User, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    entry = saved(careful)
    text = client.post("/withdraw/review/", chosen(entry, max="1", amount="")).content.decode()
    assert 'value="999.00"' in text
    assert re.search(rf'value="{entry.public_id}"[^>]*checked', text)


def test_a_look_alike_of_a_paid_one_is_warned_of_on_the_review_and_has_to_be_ticked(
    client: Client, customer: User
) -> None:
    WithdrawalRequest.objects.filter(pk=ask(customer).pk).update(state="paid", closed_at=timezone.now())
    given: dict[str, Any] = {"network": "arbitrum", "address": alike(RECIPIENT), "amount": "40", "key": KEY}
    answer = client.post("/withdraw/review/", given)
    assert answer.status_code == 200
    assert "looks like another one that you know" in words(answer)
    answer = client.post("/withdraw/", given | {"code": code_of(person_of(client))})
    assert answer.status_code == 422
    assert "Compare all of it." in words(answer)
    assert (
        client.post("/withdraw/", given | {"code": code_of(person_of(client)), "resemblance": "on"}).status_code == 302
    )
    assert WithdrawalRequest.objects.latest("id").resembles == RECIPIENT


# --- holds ---


def test_a_hold_is_shown_with_its_end_and_its_reason(client: Client, customer: User) -> None:
    hold_withdrawals(user_id=customer.pk, kind=Kind.PASSWORD, actor=customer)
    for path in ("/withdraw/", BOOK):
        text = words(client.get(path))
        assert "Withdrawals wait until" in text
        assert "The reason: the password was changed." in text
    assert "Withdrawals wait until" in words(client.get("/dashboard/"))
    assert 'data-testid="withdraw-form"' not in client.get("/withdraw/").content.decode()
    given = {
        "network": "arbitrum",
        "address": RECIPIENT,
        "amount": "40",
        "key": KEY,
        "code": code_of(person_of(client)),
    }
    assert client.post("/withdraw/", given).status_code == 422
    assert not WithdrawalRequest.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        client.force_login(customer)
        assert "Withdrawals wait until" not in words(client.get("/dashboard/"))


def test_a_confirmation_during_a_hold_is_refused_in_words(client: Client, careful: User, settings: Settings) -> None:
    settings.ADDRESS_HOLD_SECONDS = 0
    confirm_address(add(careful, network="bsc"))
    row = ask(careful, network="bsc")
    hold_withdrawals(user_id=careful.pk, kind=Kind.EMAIL, actor=careful)
    answer = client.post(f"/withdrawals/confirm/{confirmation_token(row)}/", follow=True)
    assert "wait until" in words(answer)
    row.refresh_from_db()
    assert row.state == "requested"
