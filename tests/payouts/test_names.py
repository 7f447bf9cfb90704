"""The tasks that the beat names exist, and the ledger knows our account kinds."""

from __future__ import annotations

from payouts import tasks
from portal.celery import SECONDS
from treasury.chart import kind_of


def test_every_task_of_ours_in_the_schedule_is_there() -> None:
    wanted = {name.rpartition(".")[2] for name in SECONDS if name.startswith("payouts.tasks.")}
    assert wanted
    for name in wanted:
        assert getattr(tasks, name).name == f"payouts.tasks.{name}"


def test_what_a_customer_has_invested_is_a_kind_of_account() -> None:
    kind = kind_of("customer:7:invested")
    assert (kind.normal_side, kind.floor) == ("credit", 0)
