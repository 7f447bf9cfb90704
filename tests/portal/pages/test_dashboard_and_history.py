"""The overview, its chart, and the list of all movements."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from portal.charts import balance_chart, ceiling
from portal.timeline import timeline_of
from tests.payouts.people import USDT, a_customer, ask
from tests.portal.pages.conftest import HEAD, a_deposit, browser_of, heads_at

TODAY = date(2026, 11, 23)


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_a_newcomer_is_led_to_the_first_deposit(committed_db: object) -> None:
    text = text_of(browser_of(a_customer()), "/dashboard/")
    assert "first-steps" in text
    assert 'data-testid="go-deposit"' in text
    assert 'data-testid="chart"' not in text


def test_the_overview_shows_available_and_reserved(client: Client, customer: User) -> None:
    ask(customer, 100 * USDT)
    text = text_of(client, "/dashboard/")
    assert f'data-testid="available" data-micro="{899 * USDT}"' in text
    assert f'data-testid="reserved" data-micro="{101 * USDT}"' in text


def test_the_chart_has_the_same_figures_as_a_table_beside_it(client: Client) -> None:
    text = text_of(client, "/dashboard/?days=7")
    assert 'role="img"' in text
    assert "Balance over 7 days" in text
    table = re.search(r"<details.*?</details>", text, re.DOTALL)
    assert table
    assert len(re.findall(r"<tr><td>", table.group())) == 7
    assert "1,000.00" in table.group()


@pytest.mark.parametrize("days", ["0", "-1", "x", "100000000", "8"])
def test_an_odd_period_is_the_usual_one(client: Client, days: str) -> None:
    assert "Balance over 30 days" in text_of(client, f"/dashboard/?days={days}")


def test_the_overview_costs_the_same_however_much_has_happened(client: Client, customer: User) -> None:
    heads_at(HEAD + 2)
    text_of(client, "/dashboard/")
    few = queries_of(client)
    for _ in range(6):
        a_deposit(customer, micro=50 * USDT)
        a_deposit(customer, micro=50 * USDT, network="bsc", state="credited")
        ask(customer, 5 * USDT)
    many = queries_of(client)
    assert many <= few + 2, "nothing is read row by row"
    assert many <= 16


def queries_of(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        text_of(client, "/dashboard/")
    return len(captured)


def test_the_history_mixes_both_kinds_and_filters_them(client: Client, customer: User) -> None:
    heads_at(HEAD)
    a_deposit(customer, state="credited")
    ask(customer)
    assert kinds_of(text_of(client, "/history/")) == ["withdrawal", "deposit"]
    assert kinds_of(text_of(client, "/history/?kind=deposits")) == ["deposit"]
    assert kinds_of(text_of(client, "/history/?kind=withdrawals&network=arbitrum")) == ["withdrawal"]
    assert kinds_of(text_of(client, "/history/?network=bsc")) == []


def kinds_of(text: str) -> list[str]:
    return re.findall(r'data-testid="movement" data-kind="(\w+)"', text)


def test_the_history_pages_through_everything_once(client: Client, customer: User) -> None:
    heads_at(HEAD)
    for _ in range(23):
        a_deposit(customer, state="credited")
    text = text_of(client, "/history/")
    assert len(kinds_of(text)) == 20
    older = re.search(r'href="(\?before=[^"]+)" rel="next"', text)
    assert older
    second = text_of(client, f"/history/{older.group(1)}")
    assert len(kinds_of(second)) == 3
    shown = [set(re.findall(r"/tx/(0x\w{64})", page)) for page in (text, second)]
    assert not shown[0] & shown[1]


@pytest.mark.parametrize("query", ["kind=x", "network=dogecoin", "before=x", "before=1", "before=1.2.3"])
def test_a_broken_address_of_the_history_is_not_found(client: Client, query: str) -> None:
    assert client.get(f"/history/?{query}").status_code == 404


# --- pure parts ---


def series_of(*balances: int) -> list[tuple[date, int]]:
    return [(TODAY - timedelta(days=len(balances) - 1 - i), balance) for i, balance in enumerate(balances)]


def test_a_chart_of_nothing_is_not_drawn() -> None:
    assert balance_chart(series_of(0, 0, 0)) is None
    assert balance_chart(series_of(5)) is None


def test_the_chart_steps_from_day_to_day_under_a_round_ceiling() -> None:
    chart = balance_chart(series_of(0, 150 * USDT, 50 * USDT))
    assert chart is not None
    assert chart.top_micro == 200 * USDT
    assert chart.line == "M0 200H360V50H720V150"
    assert (chart.lowest_micro, chart.highest_micro) == (0, 150 * USDT)
    assert [day.width for day in chart.days] == ["180", "360", "180"]


@pytest.mark.parametrize(("highest", "top"), [(1, 1), (1.5, 2), (3, 5), (9.99, 10), (10, 10), (10.5, 20)])
def test_ceilings_are_round(highest: float, top: int) -> None:
    assert ceiling(int(highest * USDT)) == top * USDT


class Event:
    def __init__(self, to_state: str) -> None:
        self.to_state = to_state
        self.at = None


@pytest.mark.parametrize(
    ("states", "kinds"),
    [
        (["requested"], ["done", "todo", "todo", "todo", "todo", "todo"]),
        (["requested", "cancelled"], ["done", "done"]),
        (["requested", "confirmed", "in_review", "rejected"], ["done", "done", "done", "bad"]),
        (["requested", "confirmed", "in_review", "on_hold"], ["done", "done", "done", "warn", *["todo"] * 4]),
        (["requested", "confirmed", "in_review", "approved", "ordered"], [*["done"] * 4, "now", "todo", "todo"]),
        (["requested", "confirmed", "in_review", "approved", "ordered", "sent", "paid"], ["done"] * 6),
        (["requested", "confirmed", "in_review", "approved", "ordered", "failed"], [*["done"] * 4, "bad"]),
    ],
)
def test_each_way_has_its_timeline(states: list[str], kinds: list[str]) -> None:
    steps = timeline_of(states[-1], [Event(state) for state in states])  # type: ignore[misc]  # a time is not needed here
    assert [step.kind for step in steps] == kinds
