"""Asking for a withdrawal, confirming it, watching it, cancelling it: through the pages."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts.freezes import freeze_withdrawals
from accounts.models import User
from payouts import withdrawals
from payouts.links import confirmation_token
from payouts.models import WithdrawalRequest
from tests.payouts.people import RECIPIENT, USDT, a_customer, ask, confirm, funds, in_review, staff
from tests.portal.pages.conftest import browser_of
from tests.support.factors import code_of, person_of, proven
from treasury.chains import registry
from treasury.models import DepositAddress

KEY = "6f1e3a52-8a3e-4c59-9f3e-1a2b3c4d5e6f"


def typed(**changes: str) -> dict[str, str]:
    """What a customer fills in; `changes` replace or add."""
    return {"network": "arbitrum", "address": RECIPIENT, "amount": "40", "key": KEY} | changes


def review(client: Client, **changes: str) -> Any:
    return client.post("/withdraw/review/", typed(**changes))


def send(client: Client, **changes: str) -> Any:
    return client.post("/withdraw/", typed(code=code_of(person_of(client))) | changes)


def words(answer: Any) -> str:
    """The page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_form_shows_what_is_available_and_each_fee(client: Client) -> None:
    text = words(client.get("/withdraw/"))
    assert "Available 1,000.00 USDT" in text
    assert "fee 1.00 USDT" in text


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("network", "", "Choose the network."),
        ("network", "dogecoin", "is not one of the available choices"),
        ("amount", "", "Enter the amount."),
        ("amount", "ten", "This is not an amount."),
        ("amount", "NaN", "This is not an amount."),
        ("amount", "1e3", "This is not an amount."),
        ("amount", "-5", "The amount must be above zero."),
        ("amount", "0", "The amount must be above zero."),
        ("amount", "1.0000001", "six decimals at most"),
        ("amount", "1" + "0" * 40, "This amount is too large."),
        ("amount", "0.5", "The smallest amount on this network is"),
        ("amount", "1000", "more than you have available, fee included"),
        ("address", "", "Enter the address to pay to."),
        ("address", "0x1234", "too short"),
        ("address", RECIPIENT.swapcase().replace("0X", "0x"), "checksum"),
        ("address", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "This is an address of TRON, but the chosen network is"),
        ("address", "0x" + "0" * 40, "zero address"),
    ],
)
def test_each_mistake_is_said_beside_its_field_and_nothing_is_lost(
    client: Client, customer: User, field: str, given: str, said: str
) -> None:
    answer = review(client, **{field: given})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert said in words(answer)
    assert f'id="id_{field}_error"' in text
    for name, value in typed(**{field: given}).items():
        if name == "network":
            assert not value or value == "dogecoin" or re.search(rf'value="{value}"[^>]*checked', text)
        else:
            assert f'value="{value}"' in text or not value, name
    assert funds(customer) == (1000 * USDT, 0)


def test_mistakes_are_said_in_russian_to_a_russian(customer: User) -> None:
    client = browser_of(customer, language="ru")
    assert "Контрольная сумма адреса не сходится" in words(
        review(client, address=RECIPIENT.swapcase().replace("0X", "0x"))
    )
    assert "У USDT не больше шести знаков" in words(review(client, amount="1,0000001"))
    assert "Наименьшая сумма в этой сети: 2,00" in words(review(client, amount="0,5"))


def test_our_own_addresses_and_the_token_are_refused(client: Client, customer: User) -> None:
    own = DepositAddress.objects.get(customer=customer).address
    assert "This is a deposit address of this site" in words(review(client, address=own))
    token = registry.network("arbitrum").token_contract
    assert "This is the address of the token itself" in words(review(client, address=token))


def test_the_review_says_what_is_debited_and_what_arrives(client: Client, customer: User) -> None:
    answer = review(client, amount="500,50")
    text = words(answer)
    assert answer.status_code == 200
    assert "We debit 501.50 · fee 1.00 · the recipient gets 500.50 USDT" in text
    whole = re.search(r'data-testid="review-address">(.*?)</p>', answer.content.decode())
    assert whole
    assert re.sub(r"<[^>]+>", "", whole.group(1)) == RECIPIENT
    assert funds(customer) == (1000 * USDT, 0), "looking changes nothing"


def test_the_review_tells_of_a_second_approver(customer: User) -> None:
    rich = a_customer(micro=5000 * USDT)
    assert "approved by two people" in words(review(browser_of(rich), amount="1000"))
    assert "approved by two people" not in words(review(browser_of(rich), amount="999.99"))


def test_opening_the_review_without_a_form_leads_to_the_form(client: Client) -> None:
    answer = client.get("/withdraw/review/")
    assert (answer.status_code, answer["Location"]) == (302, "/withdraw/")


def test_going_back_to_change_loses_nothing(client: Client) -> None:
    text = review(client, edit="1", amount="12.34").content.decode()
    assert 'value="12.34"' in text
    assert f'value="{RECIPIENT}"' in text
    assert f'value="{KEY}"' in text
    assert re.search(r'value="arbitrum"[^>]*checked', text)
    assert "field-error" not in text


def test_max_leaves_room_for_the_fee(client: Client) -> None:
    text = review(client, max="1", amount="").content.decode()
    assert 'value="999.00"' in text
    assert f'value="{RECIPIENT}"' in text


def test_max_without_a_network_asks_for_the_network_only(client: Client) -> None:
    answer = review(client, max="1", amount="", network="")
    assert answer.content.decode().count('data-testid="field-error"') == 1
    assert "Choose the network." in words(answer)


def test_the_line_under_the_amount_follows_what_is_typed(client: Client) -> None:
    assert "We debit 251.00 USDT" in words(client.get("/withdraw/quote/?network=arbitrum&amount=250"))
    for query in ("", "network=arbitrum&amount=x", "network=nowhere&amount=5"):
        assert "The fee is debited on top" in words(client.get(f"/withdraw/quote/?{query}"))


def test_a_withdrawal_reserves_the_money_and_waits_for_the_mail(client: Client, customer: User) -> None:
    answer = send(client)
    made = WithdrawalRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/withdrawals/{made.public_id}/")
    assert funds(customer) == (959 * USDT, 41 * USDT)
    assert (made.address, made.amount_micro, made.state) == (RECIPIENT, 40 * USDT, "requested")
    text = words(client.get(answer["Location"]))
    assert "Confirm it by the mail that we have sent you" in text
    assert customer.email in text


def test_the_same_form_sent_twice_is_one_withdrawal(client: Client, customer: User) -> None:
    first, second = send(client), send(client)
    assert first["Location"] == second["Location"]
    assert funds(customer) == (959 * USDT, 41 * USDT)


def test_the_same_form_with_other_contents_does_nothing(client: Client, customer: User) -> None:
    first = send(client)
    second = client.post("/withdraw/", typed(code=code_of(person_of(client)), amount="41"), follow=True)
    assert second.redirect_chain[-1][0] == first["Location"]
    assert "Nothing was done now" in words(second)
    assert funds(customer) == (959 * USDT, 41 * USDT)


@pytest.mark.parametrize(("code", "said"), [("", "Confirm that it is you"), ("000000", "The code is not right")])
def test_without_a_code_nothing_happens_and_nothing_is_lost(
    client: Client, customer: User, code: str, said: str
) -> None:
    answer = send(client, code=code)
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'value="{KEY}"' in answer.content.decode(), "the form is still the same one"
    assert 'autocomplete="one-time-code"' in answer.content.decode()
    assert funds(customer) == (1000 * USDT, 0)


def test_what_the_review_promised_is_checked_again(client: Client, customer: User) -> None:
    review(client, amount="900")
    ask(customer, 500 * USDT)
    answer = send(client, amount="900")
    assert answer.status_code == 422
    assert "more than you have available" in words(answer)


def test_a_frozen_customer_is_told_so(client: Client, customer: User) -> None:
    freeze_withdrawals(user_id=customer.pk, reason="a test")
    assert "Withdrawals are stopped for now" in words(client.get("/withdraw/"))
    assert "Withdrawals are stopped for now" in words(client.get("/dashboard/"))
    assert send(client).status_code == 422
    assert funds(customer) == (1000 * USDT, 0)


# --- the link in the mail ---


def test_opening_the_link_changes_nothing_and_the_button_confirms(client: Client, customer: User) -> None:
    row = ask(customer)
    path = f"/withdrawals/confirm/{confirmation_token(row)}/"
    for _ in range(2):
        text = words(client.get(path))
        assert "41.00 USDT" in text
        assert RECIPIENT[2:6] in text
    row.refresh_from_db()
    assert row.state == "requested"
    answer = client.post(path)
    assert answer["Location"] == f"/withdrawals/{row.public_id}/"
    row.refresh_from_db()
    assert row.state == "in_review"


def test_the_link_leads_through_sign_in_and_back(customer: User) -> None:
    row = ask(customer)
    path = f"/withdrawals/confirm/{confirmation_token(row)}/"
    client = browser_of()
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/?next=/withdrawals/confirm/")
    row.refresh_from_db()
    assert row.state == "requested"


def test_a_replayed_link_shows_the_withdrawal(client: Client, customer: User) -> None:
    row = ask(customer)
    path = f"/withdrawals/confirm/{confirmation_token(row)}/"
    client.post(path)
    for again in (client.post(path, follow=True), client.get(path, follow=True)):
        assert again.redirect_chain[-1][0] == f"/withdrawals/{row.public_id}/"
    assert row.events.filter(to_state="confirmed").count() == 1


def test_a_late_link_says_so_and_the_money_is_back(client: Client, customer: User, settings: Settings) -> None:
    settings.WITHDRAWAL_CONFIRMATION_SECONDS = 0
    row = ask(customer)
    path = f"/withdrawals/confirm/{confirmation_token(row)}/"
    assert client.get(path).status_code == 410
    answer = client.post(path)
    assert answer.status_code == 410
    assert "This link has expired" in words(answer)
    assert funds(customer) == (1000 * USDT, 0)


@pytest.mark.parametrize("spoiled", ["x", "a:b:c", "0"])
def test_a_made_up_link_is_refused(client: Client, spoiled: str) -> None:
    answer = client.get(f"/withdrawals/confirm/{spoiled}/")
    assert answer.status_code == 410
    assert "This link is not valid" in words(answer)


def test_the_link_of_another_customer_does_nothing(customer: User) -> None:
    row = ask(customer)
    stranger = browser_of(a_customer())
    path = f"/withdrawals/confirm/{confirmation_token(row)}/"
    for answer in (stranger.get(path), stranger.post(path)):
        assert answer.status_code == 410
        assert "40.00" not in words(answer)
    row.refresh_from_db()
    assert row.state == "requested"


# --- the page of a withdrawal ---


def test_nobody_reaches_the_withdrawal_of_another(customer: User) -> None:
    row = ask(customer)
    for stranger in (a_customer(), staff("support")):
        client = browser_of(stranger)
        assert client.get(f"/withdrawals/{row.public_id}/").status_code == 404
        assert client.get(f"/withdrawals/{row.public_id}/live/").status_code == 404
        assert client.post(f"/withdrawals/{row.public_id}/cancel/").status_code == 404
    assert browser_of(customer).get(f"/withdrawals/{uuid.uuid4()}/").status_code == 404
    row.refresh_from_db()
    assert row.state == "requested"


def test_cancelling_gives_the_money_back_once(client: Client, customer: User) -> None:
    row = in_review(customer)
    path = f"/withdrawals/{row.public_id}/cancel/"
    assert client.get(path).status_code == 405, "never by a link"
    assert "The withdrawal is cancelled" in words(client.post(path, follow=True))
    assert funds(customer) == (1000 * USDT, 0)
    assert "has moved on meanwhile" in words(client.post(path, follow=True))
    assert funds(customer) == (1000 * USDT, 0)


def test_the_timeline_says_what_happened_and_what_comes(client: Client, customer: User) -> None:
    row = confirm(ask(customer))
    text = client.get(f"/withdrawals/{row.public_id}/").content.decode()
    steps = re.findall(r'<li class="(\w+)" data-step="(\w+)"', text)
    assert steps == [
        ("done", "requested"),
        ("done", "confirmed"),
        ("now", "in_review"),
        ("todo", "approved"),
        ("todo", "sent"),
        ("todo", "paid"),
    ]
    assert "There is nothing for you to do" in text


def test_a_rejected_withdrawal_gives_the_reason(client: Client, customer: User) -> None:
    row = in_review(customer)
    reviewer = staff("support")
    reviewer.user_permissions.add(*Permission.objects.filter(codename="reject_withdrawalrequest"))
    withdrawals.reject_withdrawal(
        withdrawal_id=row.pk,
        actor=reviewer,
        revision=row.revision,
        reason_for_customer="Please choose another address.",
        note="",
        step_up=proven(reviewer),
    )
    text = client.get(f"/withdrawals/{row.public_id}/").content.decode()
    assert "Please choose another address." in text
    assert 'class="bad" data-step="rejected"' in text
    assert "The whole sum is available again." in text
    assert 'data-testid="cancel"' not in text


def test_the_page_refreshes_itself_only_when_something_changed(client: Client, customer: User) -> None:
    row = ask(customer)
    again = re.search(r'hx-get="(/withdrawals/[^"]+)"', client.get(f"/withdrawals/{row.public_id}/").content.decode())
    assert again
    assert client.get(again.group(1)).status_code == 204
    confirm(row)
    assert 'data-state="in_review"' in client.get(again.group(1)).content.decode()


def test_a_closed_withdrawal_stops_refreshing(client: Client, customer: User) -> None:
    row = ask(customer)
    client.post(f"/withdrawals/{row.public_id}/cancel/")
    assert "hx-get" not in client.get(f"/withdrawals/{row.public_id}/").content.decode()
