"""Two people, or one person twice, press Approve in the same moment."""

from __future__ import annotations

from payouts.errors import AlreadyApprovedByYou
from payouts.models import WithdrawalApproval
from tests.payouts.people import USDT, a_customer, approve, in_review, staff, states_told
from tests.payouts.test_double_submit import at_once
from tests.support.databases import CommittedDatabase

BIG = 1000 * USDT


def test_two_people_at_once_are_two_approvals(committed_db: CommittedDatabase) -> None:
    row, people = in_review(a_customer(micro=2 * BIG), BIG), [staff("support"), staff("support")]
    at_once(*[lambda person=person: approve(row, person) for person in people])
    row.refresh_from_db()
    assert row.state == "approved"
    assert states_told(row).count(("in_review", "approved")) == 1


def test_one_person_twice_at_once_is_one_approval(committed_db: CommittedDatabase) -> None:
    row, person = in_review(a_customer(micro=2 * BIG), BIG), staff("support")
    results = at_once(*[lambda: approve(row, person)] * 2)
    row.refresh_from_db()
    assert row.state == "in_review"
    assert WithdrawalApproval.objects.count() == 1
    assert [type(each) for each in results].count(AlreadyApprovedByYou) == 1
