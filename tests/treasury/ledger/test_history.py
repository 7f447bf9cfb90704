"""An account's transfers, page by page, as that account sees them."""

import pytest

from tests.treasury.ledger.conftest import Give, available
from treasury.ledger import Posting, history, post

pytestmark = pytest.mark.django_db


def test_each_transfer_raises_or_lowers_the_account_that_looks(give: Give) -> None:
    give(1, 100)
    post(Posting("a", available(1), available(2), 30, "payment", group="g"))
    newest, oldest = history(available(1))
    assert (newest.key, newest.kind, newest.group, newest.amount) == ("a", "payment", "g", -30)
    assert newest.counterpart == available(2)
    assert (oldest.amount, oldest.counterpart) == (100, "asset:arbitrum:hot")
    assert oldest.posted_at <= newest.posted_at
    assert [row.amount for row in history(available(2))] == [30]
    assert [row.amount for row in history("asset:arbitrum:hot")] == [100]


def test_pages_follow_each_other_without_gaps(give: Give) -> None:
    give(1, 100)
    for number in range(10):
        sides = (available(1), available(2)) if number % 3 else (available(2), available(1))
        post(Posting("start", available(1), available(2), 20, "x"), Posting(f"t{number}", *sides, number + 1, "x"))
    seen = []
    before = None
    while page := history(available(2), before=before, limit=4):
        assert len(page) <= 4
        seen += [row.key for row in page]
        before = page[-1].id
    assert seen == [*(f"t{number}" for number in reversed(range(10))), "start"]


def test_an_account_that_is_not_open_has_no_history() -> None:
    assert history(available(99)) == []
