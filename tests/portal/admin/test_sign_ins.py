"""Sign-ins as support sees them: the list, a customer's page, and what stands beside a withdrawal."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.activity import Origin
from accounts.login_history import Result, record_refusal, record_sign_in
from accounts.models import LoginHistory, User
from payouts.totals import PAYOUT
from tests.accounts.places import GOOGLE, YANDEX
from tests.accounts.test_user_agents import CHROME
from tests.payouts.people import USDT, a_customer, in_review
from tests.portal.admin.conftest import SignedIn
from treasury.ledger import Posting, post

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_loginhistory_changelist"


def came(user: User, address: str, *, hours_ago: float = 0, agent: str = CHROME) -> LoginHistory:
    with time_machine.travel(timezone.now() - timedelta(hours=hours_ago), tick=False):
        return record_sign_in(user=user, origin=Origin(address, agent), method="password")


def failed(user: User, address: str) -> LoginHistory:
    return record_refusal(user=user, result=Result.WRONG_PASSWORD, origin=Origin(address, CHROME), method="password")


def rows(client: Client, **query: Any) -> list[int]:
    """The keys of the rows that the list shows, in its order."""
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    found = re.findall(r"/admin/accounts/loginhistory/(\d+)/change/", answer.content.decode())
    return list(dict.fromkeys(map(int, found)))


def test_the_list_is_found_by_person_and_address(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    anna, boris = a_customer(), a_customer()
    of_anna, of_boris = came(anna, YANDEX, agent="curl/8.0"), failed(boris, GOOGLE)
    assert rows(client, q=anna.email.upper()) == [of_anna.pk]
    assert rows(client, q=GOOGLE) == [of_boris.pk]
    assert rows(client, user=boris.pk) == [of_boris.pk]
    for term in ("nobody@example.com", "8.8.8", "fe80::1%eth0", "%", "' OR 1=1 --", "2a02:6b8::1"):
        assert rows(client, q=term) == []


def test_the_list_is_filtered_by_result_country_oddness_and_period(signed_in: SignedIn) -> None:
    client, _person = signed_in("finance")
    anna = a_customer()
    old, odd = came(anna, YANDEX, hours_ago=100), came(anna, GOOGLE, hours_ago=1)
    fast, wrong = came(anna, YANDEX, hours_ago=0.9), failed(anna, YANDEX)
    today, then = (timezone.now().date() - timedelta(days=days) for days in (0, 4))
    assert rows(client, result="wrong_password") == [wrong.pk]
    assert rows(client, country="US") == rows(client, country="united states") == [odd.pk]
    assert rows(client, country="россия") == [wrong.pk, fast.pk, old.pk]
    assert rows(client, country="Narnia") == []
    assert rows(client, odd="any") == [fast.pk, odd.pk]
    assert rows(client, odd="new_country") == [odd.pk]
    assert rows(client, odd="impossible_travel") == [fast.pk]
    assert old.pk in rows(client, since=str(then - timedelta(days=1)), until=str(then + timedelta(days=1)))
    assert old.pk not in rows(client, since=str(today - timedelta(days=2)))


@pytest.mark.parametrize(
    "query", ["user__password__startswith=a", "city__regex=.*", "browser=x", "ip_address__contains=1"]
)
def test_nobody_invents_lookups(signed_in: SignedIn, query: str) -> None:
    client, _person = signed_in("support")
    assert client.get(f"{reverse(LIST)}?{query}").status_code == 400


def test_a_sign_in_has_a_page_that_is_for_reading(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer()
    row = came(customer, YANDEX)
    shown = client.get(reverse("admin:accounts_loginhistory_change", args=[row.pk])).content.decode()
    for fact in (customer.email, YANDEX, "Russia", "Chrome 131, Windows 10", "Signed in", "Password"):
        assert fact in shown, fact
    assert 'name="_save"' not in shown


def test_every_filter_goes_by_an_index() -> None:
    user = a_customer()
    LoginHistory.objects.bulk_create(
        LoginHistory(user=user, result="success", country="RU", ip_address=YANDEX, new_country=number % 500 == 0)
        for number in range(3000)
    )
    wanted = {
        "sign_in_by_result": "result = 'wrong_code'",
        "sign_in_by_country": "country = 'US'",
        "sign_in_by_address": "ip_address = '8.8.8.8'",
        "sign_in_by_user": f"user_id = {user.pk + 1}",
        "sign_in_flagged": "(new_country OR impossible_travel)",
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for index, condition in wanted.items():
            cursor.execute(f"EXPLAIN SELECT * FROM accounts_loginhistory WHERE {condition} ORDER BY id DESC LIMIT 50")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert index in plan, plan
            assert "Sort" not in plan, plan


# --- elsewhere ---


def test_a_customers_page_has_the_last_ten(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer()
    came(customer, YANDEX, hours_ago=50, agent="curl/1.0")
    for _each in range(9):
        failed(customer, YANDEX)
    came(customer, GOOGLE)
    shown = client.get(reverse("admin:accounts_customer_change", args=[customer.pk])).content.decode()
    assert shown.count("Wrong password") == 9
    assert "curl 1" not in shown, "the eleventh is on the list"
    assert "United States" in shown
    assert "new country" in shown
    assert f"{reverse(LIST)}?user={customer.pk}" in shown


def test_customers_are_shown_with_their_totals_in_one_query_for_all(
    signed_in: SignedIn, django_assert_num_queries: Any
) -> None:
    from payouts.totals import totals_of

    people = [a_customer(micro=(number + 1) * USDT) for number in range(3)]
    post(
        Posting("t:1", "asset:arbitrum:hot", "pool:profit:cross", 50 * USDT, "profit"),
        Posting("t:2", "pool:profit:cross", f"customer:{people[0].pk}:available", 7_654_321, PAYOUT),
        Posting("t:3", f"customer:{people[2].pk}:available", f"customer:{people[2].pk}:invested", 1_230_000, "invest"),
    )
    client, _person = signed_in("support")
    listed = client.get(reverse("admin:accounts_customer_changelist")).content.decode()
    page = client.get(reverse("admin:accounts_customer_change", args=[people[2].pk])).content.decode()
    assert "7.654321" in listed
    assert "1.23\xa0USDT" in listed
    assert "1.23\xa0USDT" in page
    assert "3.00\xa0USDT" in page
    with django_assert_num_queries(1):
        totals_of(person.pk for person in people)


def signals(client: Client, row: Any) -> dict[str, tuple[str, str]]:
    """What stands before the decision: name -> (colour, words)."""
    shown = client.get(reverse("admin:payouts_withdrawalrequest_change", args=[row.pk])).content.decode()
    found = re.findall(r"<dt>([^<]+)</dt>\s*<dd class=\"x-signal-(\w*)\">(.*?)</dd>", shown, re.DOTALL)
    return {name: (kind, re.sub(r"<[^>]+>|\s+", " ", words)) for name, kind, words in found}


def test_a_withdrawal_shows_where_its_customer_came_in_last(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer(micro=100 * USDT)
    came(customer, YANDEX, hours_ago=3)
    failed(customer, GOOGLE)  # who did not get in did not ask for the withdrawal
    found = signals(client, in_review(customer))
    kind, words = found["Last sign-in"]
    assert kind == ""
    for fact in ("Russia", YANDEX, "Chrome 131, Windows 10"):
        assert fact in words
    assert "Odd sign-in" not in found


def test_a_withdrawal_warns_of_a_new_country(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer(micro=100 * USDT)
    came(customer, YANDEX, hours_ago=30)
    came(customer, GOOGLE, hours_ago=3)
    row = in_review(customer)
    kind, words = signals(client, row)["Last sign-in"]
    assert (kind, "new country" in words) == ("warning", True)
    came(customer, GOOGLE)  # no longer new, and no less odd
    found = signals(client, row)
    assert found["Last sign-in"][0] == ""
    assert found["Odd sign-in"][0] == "warning"
    assert "United States" in found["Odd sign-in"][1]


def test_an_impossible_journey_is_an_alarm(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer(micro=100 * USDT)
    came(customer, YANDEX, hours_ago=3)
    came(customer, GOOGLE, hours_ago=2.9)
    assert signals(client, in_review(customer))["Odd sign-in"][0] == "danger"


def test_an_odd_sign_in_of_last_month_is_history(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    customer = a_customer(micro=100 * USDT)
    came(customer, YANDEX, hours_ago=24 * 40)
    came(customer, GOOGLE, hours_ago=24 * 30)
    came(customer, GOOGLE)
    assert "Odd sign-in" not in signals(client, in_review(customer))


def test_who_never_signed_in_since_there_is_a_history_is_shown_as_before(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    assert "Last sign-in" in signals(client, in_review(a_customer(micro=100 * USDT)))
