"""The overview's figures, who sees them, and the search that finds anything."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, approve, in_review, staff
from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.rows import a_network_state, an_alarm
from treasury import ledger
from treasury.ledger import Posting
from treasury.models.ledger import LedgerAccount
from treasury.position import treasury_position

pytestmark = pytest.mark.django_db
INDEX = "admin:index"


def book(key: str, debit: str, credit: str, micro: int) -> None:
    ledger.post(Posting(key=key, debit=debit, credit=credit, amount=micro, kind="test"))


def test_coverage_is_assets_over_what_customers_are_owed() -> None:
    first, second = a_customer(micro=300 * USDT), a_customer(micro=100 * USDT)
    in_review(first, 40 * USDT)
    book("opening", "asset:bsc:hot", "equity:opening", 100 * USDT)
    book("fee", f"customer:{second.pk}:available", "income:withdrawal_fee", 2 * USDT)
    book("lost", "receivable:reorg:7", "asset:arbitrum:deposit", 10 * USDT)
    position = treasury_position()
    assert position.assets_micro == 490 * USDT
    assert position.liabilities_micro == 398 * USDT
    assert position.coverage_basis_points == 490 * 10_000 // 398
    assert position.receivable_micro == 10 * USDT
    assert position.by_network == {"arbitrum": {"deposit": 390 * USDT}, "bsc": {"hot": 100 * USDT}}


def test_what_is_owed_is_the_sum_of_all_customers_accounts() -> None:
    for number in range(5):
        in_review(a_customer(micro=(number + 50) * USDT), 40 * USDT)
    codes = LedgerAccount.objects.filter(code__startswith="customer:").values_list("code", flat=True)
    assert treasury_position().liabilities_micro == sum(ledger.balances(list(codes)).values())


def test_nothing_owed_has_no_coverage() -> None:
    assert treasury_position().coverage_basis_points is None


def test_finance_sees_the_position_and_support_only_its_work(signed_in: SignedIn) -> None:
    in_review(a_customer(micro=300 * USDT))
    a_network_state()
    an_alarm()
    finance, _person = signed_in("finance")
    support, _other = signed_in("support")
    admin, _third = signed_in("admin")
    shown = finance.get(reverse(INDEX)).content.decode()
    assert "100.00\xa0%" in shown
    assert all(word in shown for word in ("Coverage", "Stuck broadcasts", "Open alarms", "Arbitrum", "Last 14 days"))
    shown = support.get(reverse(INDEX)).content.decode()
    assert "Withdrawals to review" in shown
    assert not [word for word in ("Coverage", "Open alarms", "Stuck broadcasts", "Last 14 days") if word in shown]
    shown = admin.get(reverse(INDEX)).content.decode()
    assert not [word for word in ("Coverage", "Withdrawals to review") if word in shown]


def test_a_shortfall_is_red(signed_in: SignedIn) -> None:
    a_customer(micro=300 * USDT)
    book("loss", "expense:reorg_loss", "asset:arbitrum:deposit", 30 * USDT)
    client, _person = signed_in("finance")
    shown = client.get(reverse(INDEX)).content.decode()
    assert 'x-coverage-share x-danger">90.00\xa0%' in shown


def test_a_late_request_and_a_silent_network_are_red(signed_in: SignedIn) -> None:
    row = in_review(a_customer(micro=300 * USDT))
    from datetime import timedelta

    WithdrawalRequest.objects.filter(pk=row.pk).update(confirmed_at=timezone.now() - timedelta(hours=5))
    state = a_network_state()
    type(state).objects.update(head_seen_at=timezone.now() - timedelta(minutes=5))
    client, _person = signed_in("finance")
    shown = client.get(reverse(INDEX)).content.decode()
    assert "the oldest waits 5 hours" in shown
    assert "No answer" in shown


def test_badges_in_the_sidebar_count_what_waits(signed_in: SignedIn) -> None:
    customer = a_customer(micro=300 * USDT)
    in_review(customer)
    in_review(customer)
    client, _person = signed_in("support")
    shown = client.get(reverse(INDEX)).content.decode()
    assert "sidebar-badge" in shown
    assert reverse("admin:payouts_withdrawalrequest_changelist") in shown
    assert reverse("admin:treasury_wallet_changelist") not in shown, "only pages that this role may open"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_site_speaks_the_readers_language(signed_in: SignedIn, language: str) -> None:
    client, _person = signed_in("support")
    client.cookies["django_language"] = language
    assert f'<html lang="{language}"' in client.get(reverse(INDEX)).content.decode()


def test_search_finds_withdrawals_and_customers_by_exact_values(signed_in: SignedIn) -> None:
    customer = a_customer(micro=300 * USDT)
    row = approve(in_review(customer), staff("support"))
    client, _person = signed_in("support")
    page = reverse("admin:search")
    assert (
        reverse("admin:payouts_withdrawalrequest_change", args=[row.pk])
        in client.get(page, {"s": str(row)}).content.decode()
    )
    found = client.get(page, {"s": customer.email}).content.decode()
    assert reverse("admin:accounts_customer_change", args=[customer.pk]) in found


def test_search_shows_nobody_what_they_may_not_open(signed_in: SignedIn) -> None:
    customer = a_customer(micro=300 * USDT)
    row = in_review(customer)
    client, _person = signed_in("admin")
    for term in (str(row), customer.email):
        found = client.get(reverse("admin:search"), {"s": term}).content.decode()
        assert "payouts/withdrawalrequest" not in found
        assert "accounts/customer/" not in found


@pytest.mark.parametrize("query", ["s=", "s=x&page=nonsense", "s=%00", "s=" + "9" * 500])
def test_search_survives_nonsense(signed_in: SignedIn, query: str) -> None:
    client, _person = signed_in("support")
    assert client.get(f"{reverse('admin:search')}?{query}").status_code == 200


# --- the way in ---


def test_staff_sign_in_by_the_portals_own_page(client: object) -> None:
    from django.test import Client

    visitor = Client()
    answer = visitor.get(reverse(INDEX), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert "next=%2Fadmin%2F" in answer.redirect_chain[-1][0] or "next=/admin/" in answer.redirect_chain[-1][0]


def test_a_customer_is_told_that_this_is_not_for_them(signed_in: SignedIn) -> None:
    client, _person = signed_in(user=a_customer())
    assert client.get(reverse(INDEX), follow=True).status_code == 403


def test_the_admin_login_leads_to_no_other_site(signed_in: SignedIn) -> None:
    client, _person = signed_in("support")
    answer = client.get(reverse("admin:login") + "?next=https://evil.example/")
    assert answer["Location"] == reverse(INDEX)


def test_signing_out_of_the_staff_site_is_recorded(signed_in: SignedIn) -> None:
    client, person = signed_in("support")
    assert client.post(reverse("admin:logout")).status_code == 302
    assert "/login/" in client.get(reverse(INDEX))["Location"]
    assert User.objects.get(pk=person.pk).is_staff
