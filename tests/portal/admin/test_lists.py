"""Lists of rows of record: keyset pages, exact searches, filters, and a number of queries that does not grow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import activity
from accounts.models import ActivityLog
from accounts.staff.keyset import CAP
from payouts import withdrawals
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approve, in_review, staff
from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.rows import (
    Owner,
    a_deposit,
    a_foreign_transfer,
    a_mail,
    a_sign_in,
    an_alarm,
    an_order,
    everything,
)
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven

QUEUE = "admin:payouts_withdrawalrequest_changelist"


def numbers(client: Client, address: str) -> list[str]:
    """The withdrawals that a page of the queue shows, in order."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.findall(r'<b class="x-number">(W-\d+)</b>', answer.content.decode())


def link(client: Client, address: str, rel: str) -> str:
    """Where "next" or "prev" of a page leads; "" at the end."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', client.get(address).content.decode())
    return address.split("?", maxsplit=1)[0] + found[1].replace("&amp;", "&") if found else ""


def many_in_review(count: int) -> list[WithdrawalRequest]:
    first = in_review(a_customer(micro=100 * USDT))
    rows = [
        WithdrawalRequest(
            customer_id=first.customer_id, idempotency_key=f"bulk-{number}", network="bsc", address=first.address,
            amount_micro=(number + 1) * USDT, fee_micro=USDT, state="in_review", confirm_by=first.confirm_by,
            confirmed_at=first.confirmed_at,
        )
        for number in range(count - 1)
    ]  # fmt: skip
    return [first, *WithdrawalRequest.objects.bulk_create(rows)]


@pytest.mark.django_db
def test_walking_the_pages_shows_every_row_once_in_order_and_back_again(signed_in: SignedIn) -> None:
    expected = [str(row) for row in many_in_review(60)]
    client, _person = signed_in("support")
    address, seen, pages = reverse(QUEUE), [], []
    while address:
        pages.append(numbers(client, address))
        seen += pages[-1]
        last, address = address, link(client, address, "next")
    assert seen == expected, "the oldest first, each once"
    back = [numbers(client, last)]
    while last := link(client, last, "prev"):
        back.append(numbers(client, last))
    assert list(reversed(back)) == pages


@pytest.mark.django_db
def test_the_order_can_be_turned_round(signed_in: SignedIn) -> None:
    expected = [str(row) for row in many_in_review(30)]
    client, _person = signed_in("support")
    first = numbers(client, reverse(QUEUE) + "?order=newest")
    assert first == list(reversed(expected))[:25]
    following = link(client, reverse(QUEUE) + "?order=newest", "next")
    assert numbers(client, following) == list(reversed(expected))[25:]


@pytest.mark.django_db
def test_a_row_that_arrives_between_two_pages_moves_none(signed_in: SignedIn) -> None:
    """What OFFSET gets wrong: here no row is shown twice or left out."""
    many_in_review(30)
    client, _person = signed_in("support")
    following = link(client, reverse(QUEUE) + "?order=newest", "next")
    before = numbers(client, following)
    in_review(a_customer(micro=100 * USDT))
    assert numbers(client, following) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    ["after=x", "before=", "after=99999999999999999999999", "order=sideways", "tab=nowhere", "p=9", "e=1", "all=1"],
)
def test_nonsense_in_the_address_breaks_nothing(signed_in: SignedIn, query: str) -> None:
    in_review(a_customer(micro=100 * USDT))
    client, _person = signed_in("support")
    assert client.get(f"{reverse(QUEUE)}?{query}").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["address__regex=.*", "customer__password__startswith=a", "amount_micro=1"])
def test_nobody_invents_lookups(signed_in: SignedIn, query: str) -> None:
    client, _person = signed_in("support")
    assert client.get(f"{reverse(QUEUE)}?{query}").status_code == 400


# --- the queue ---


@pytest.mark.django_db
def test_the_tabs_hold_what_they_say(signed_in: SignedIn) -> None:
    customer, colleague = a_customer(micro=10_000 * USDT), staff("support")
    client, person = signed_in("support")
    waiting, mine = in_review(customer), in_review(customer)
    withdrawals.claim_withdrawal(withdrawal_id=mine.pk, actor=person)
    second, own_second = in_review(customer, 1000 * USDT), in_review(customer, 1000 * USDT)
    approve(second, colleague)
    approve(own_second, person)
    held = in_review(customer)
    withdrawals.hold_withdrawal(
        withdrawal_id=held.pk, actor=person, revision=1, reason="Wait", step_up=proven(person), until=None
    )
    sent = approve(in_review(customer), colleague)

    def shown(tab: str) -> list[str]:
        return numbers(client, f"{reverse(QUEUE)}?tab={tab}")

    assert shown("review") == [str(row) for row in (waiting, mine, second, own_second)]
    assert shown("mine") == [str(mine)]
    assert shown("second") == [str(second)], "one's own approval needs somebody else"
    assert shown("hold") == [str(held)]
    assert shown("sent") == [str(sent)]
    assert shown("failed") == []
    assert len(shown("all")) == 6


@pytest.mark.django_db
def test_counts_stop_at_99(signed_in: SignedIn) -> None:
    many_in_review(CAP + 20)
    client, _person = signed_in("support")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        shown = client.get(reverse(QUEUE)).content.decode()
    assert ">99+<" in shown
    counting = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert counting, "the tabs are counted"
    assert all("LIMIT 100" in sql for sql in counting), "no count reads further than it shows"


@pytest.mark.django_db
def test_no_page_counts_the_whole_list_or_skips_rows(signed_in: SignedIn) -> None:
    many_in_review(60)
    client, _person = signed_in("support")
    following = link(client, reverse(QUEUE), "next")
    with CaptureQueriesContext(connection) as queries:
        client.get(following)
    assert not [query for query in queries if "OFFSET" in query["sql"]]


@pytest.mark.django_db
def test_search_finds_by_number_mail_address_and_transaction_in_every_tab(signed_in: SignedIn) -> None:
    customer = a_customer(micro=1000 * USDT)
    row = approve(in_review(customer), staff("support"))
    other = in_review(a_customer(micro=100 * USDT), address="0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
    digest = "0x" + "ab" * 32
    WithdrawalRequest.objects.filter(pk=row.pk).update(tx_hash=digest)
    client, _person = signed_in("support")
    for term in (
        str(row),
        str(row.pk),
        str(row.public_id),
        customer.email.upper(),
        row.address,
        digest.upper().replace("X", "x"),
    ):
        assert numbers(client, f"{reverse(QUEUE)}?q={term}") == [str(row)], term
    assert numbers(client, f"{reverse(QUEUE)}?q={other.address}") == [str(other)]
    for term in ("W-", "nothing", "%", "0x", "a@b", "9" * 30):
        assert numbers(client, f"{reverse(QUEUE)}?q={term}") == []


@pytest.mark.django_db
def test_filters_narrow_the_queue(signed_in: SignedIn) -> None:
    customer, other = a_customer(micro=5000 * USDT), a_customer(micro=5000 * USDT)
    small, large = in_review(customer, 40 * USDT), in_review(other, 900 * USDT, network="bsc")
    client, person = signed_in("support")
    withdrawals.claim_withdrawal(withdrawal_id=small.pk, actor=person)
    today = small.requested_at.date().isoformat()
    only = {
        "network=bsc": [large], "network=nowhere": [small, large], "least=100": [large], "most=100,5": [small],
        "least=nonsense": [small, large], f"email={customer.email}": [small], "email=nobody@example.com": [],
        "claim=me": [small], "claim=free": [large], "claim=others": [],
        f"since={today}&until={today}": [small, large],
        "until=2020-01-01": [], "since=2999-01-01": [], "since=never": [small, large], "state=paid": [],
        "state=in_review": [small, large], f"customer={other.pk}": [large],
    }  # fmt: skip
    for query, rows in only.items():
        assert numbers(client, f"{reverse(QUEUE)}?{query}") == [str(row) for row in rows], query


@pytest.mark.django_db
def test_the_queue_says_what_a_careful_person_looks_for(signed_in: SignedIn) -> None:
    from accounts.freezes import freeze_withdrawals

    customer = a_customer(micro=5000 * USDT)
    known = in_review(customer)
    WithdrawalRequest.objects.filter(pk=known.pk).update(state="paid")
    in_review(customer)
    client, _person = signed_in("support")
    assert "Known address" in client.get(reverse(QUEUE)).content.decode()
    in_review(customer, address="0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
    assert "New address" in client.get(reverse(QUEUE)).content.decode()
    freeze_withdrawals(user_id=customer.pk, reason="test", process="test")
    assert "Frozen customer" in client.get(reverse(QUEUE)).content.decode()


@pytest.mark.django_db
def test_a_withdrawals_page_tells_all_there_is_to_know(signed_in: SignedIn) -> None:
    customer = a_customer(micro=2000 * USDT)
    row, colleague = in_review(customer, 1000 * USDT), staff("support")
    withdrawals.add_note(withdrawal_id=row.pk, actor=colleague, text="Called <b>them</b>.")
    approve(row, colleague, reason="Fine by me")
    client, _person = signed_in("support")
    shown = client.get(reverse("admin:payouts_withdrawalrequest_change", args=[row.pk])).content.decode()
    for fact in (
        row.address, customer.email, "1,000.00\xa0USDT", "1,001.00\xa0USDT", "999.00\xa0USDT",
        "never paid before by this customer", "two approvals are needed", "Called &lt;b&gt;them&lt;/b&gt;.",
        "Fine by me", "In review", "withdrawal.approval_given", "192.0.2.7", "Not ordered yet.", f"withdrawal:{row.pk}",
    ):  # fmt: skip
        assert fact in shown, fact
    assert "<textarea" not in shown
    assert 'name="_save"' not in shown


# --- every list ---


def more_of_everything(database: CommittedDatabase, count: int) -> None:
    owner = Owner(database)
    for number in range(2, 2 + count):
        customer = a_customer(micro=500 * USDT)
        in_review(customer, 40 * USDT)
        address, order = owner.deposit_address(customer, number), an_order(number)
        owner.signing_record(owner.broadcast(order, _wallet(owner), number))
        a_deposit(address)
        a_foreign_transfer(address)
        a_mail(customer, number)
        a_sign_in(customer)
        an_alarm(number)
        activity.record(actor=customer, action="test.done", target=customer)
        colleague = staff("support")
        colleague.groups.add(Group.objects.get(name="finance"))


def _wallet(owner: Owner) -> Any:
    from treasury.models import Wallet

    return Wallet.objects.get()


def queries_of(client: Client, address: str) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_no_list_asks_more_when_it_has_more_rows(committed_db: CommittedDatabase, signed_in: SignedIn) -> None:
    keys = everything(committed_db)
    client, _person = signed_in("support", "finance", "treasurer", "admin")
    lists = {prefix: reverse(f"admin:{prefix}_changelist") for prefix in keys}
    lists["payouts_withdrawalrequest"] += "?tab=all"
    lists["index"] = reverse("admin:index")
    client.get(lists["index"])  # what only the first request of a process asks
    before = {name: queries_of(client, address) for name, address in lists.items()}
    more_of_everything(committed_db, 8)
    after = {name: queries_of(client, address) for name, address in lists.items()}
    assert after == before
    assert max(after.values()) <= 30


@pytest.mark.django_db
@pytest.mark.parametrize(
    "prefix",
    [
        "accounts_activitylog",
        "accounts_loginhistory",
        "accounts_outgoingmail",
        "treasury_deposit",
        "treasury_paymentorder",
        "treasury_broadcast",
        "treasury_depositaddress",
        "treasury_foreigntransfer",
        "treasury_ledgeraccount",
        "treasury_ledgertransfer",
        "treasury_alarm",
        "accounts_customer",
        "accounts_staffuser",
    ],
)
def test_searching_for_anything_is_an_answer(signed_in: SignedIn, prefix: str) -> None:
    client, _person = signed_in("support", "finance", "treasurer", "admin")
    for term in (
        "1",
        "a@example.com",
        "0x" + "ab" * 32,
        "0x" + "cd" * 20,
        "customer:1:available",
        "%",
        "'",
        "9" * 40,
        "a:b",
    ):
        assert client.get(reverse(f"admin:{prefix}_changelist"), {"q": term}).status_code == 200, term


@pytest.mark.django_db
def test_the_activity_log_is_searched_by_actor_action_and_target(signed_in: SignedIn) -> None:
    customer = a_customer()
    activity.record(actor=customer, action="test.first", target=customer)
    activity.record(actor=None, action="test.second", target=("thing", "7"), process="test")
    client, _person = signed_in("finance")
    page = reverse("admin:accounts_activitylog_changelist")

    def shown(**query: str) -> set[str]:
        return set(re.findall(r"test\.(?:first|second)(?=</span>)", client.get(page, query).content.decode()))

    assert shown() == {"test.first", "test.second"}
    assert shown(q=customer.email) == {"test.first"}
    assert shown(q="thing:7") == {"test.second"}
    assert shown(action="test.second") == {"test.second"}
    assert ActivityLog.objects.filter(action__startswith="test.").count() == 2


@pytest.mark.django_db
def test_the_ledgers_history_goes_on_by_key(signed_in: SignedIn) -> None:
    from treasury.models.ledger import LedgerAccount

    customer = a_customer()
    from tests.payouts.people import fund

    for _each in range(60):
        fund(customer, USDT)
    account = LedgerAccount.objects.get(code=f"customer:{customer.pk}:available")
    client, _person = signed_in("finance")
    page = reverse("admin:treasury_ledgeraccount_change", args=[account.pk])
    first = client.get(page).content.decode()
    assert first.count("test-deposit:") == 50
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older
    assert client.get(page + older[1]).content.decode().count("test-deposit:") == 10
