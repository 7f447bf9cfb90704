"""What pages read about deposits and networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from tests.support.chains import LocalChain
from tests.support.watching import Depositor, finalize, follow
from treasury import halts, selectors
from treasury.chains import registry
from treasury.chains.network import Finality
from treasury.models import Deposit, NetworkState


def test_a_waiting_deposit_shows_its_confirmations_and_the_time_left(arbitrum: LocalChain, anna: Depositor) -> None:
    follow()
    arbitrum.transfer(anna.address, 10_000_000)
    arbitrum.mine(2)
    follow()
    (view,) = selectors.waiting_deposits_of(anna.user.pk)
    assert (view.progress.confirmations_seen, view.progress.confirmations_needed) == (2, 5)
    assert (view.progress.eta_seconds, view.progress.percent) == (3, 40)
    assert view.explorer_url == f"https://arbiscan.io/tx/{view.tx_hash}"
    assert view.is_waiting

    finalize(arbitrum)
    follow()
    assert not selectors.waiting_deposits_of(anna.user.pk)
    (view,) = selectors.deposits_of(anna.user.pk)
    assert (view.state, view.progress.eta_seconds, view.progress.is_complete) == ("credited", 0, True)


def test_where_the_nodes_tag_decides_the_distance_to_the_final_block_is_what_is_left(
    networks: dict[str, Any],
) -> None:
    network = replace(registry.network("arbitrum"), finality=Finality.TAG, block_seconds=0.25)
    state = NetworkState(head_number=1000, finalized_number=900)
    halfway = selectors.deposit_progress(network, state, block_number=950, deposit_state=Deposit.State.SEEN)
    assert (halfway.confirmations_needed, halfway.confirmations_seen, halfway.eta_seconds) == (100, 50, 13)
    final = selectors.deposit_progress(network, state, block_number=900, deposit_state=Deposit.State.SEEN)
    assert final.is_complete


def test_a_page_of_deposits_is_two_queries(
    arbitrum: LocalChain, anna: Depositor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    follow()
    for _ in range(5):
        arbitrum.transfer(anna.address, 10_000_000)
    follow()
    with django_assert_num_queries(2):
        first = selectors.deposits_of(anna.user.pk, limit=3)
    rest = selectors.deposits_of(anna.user.pk, limit=3, before_id=first[-1].id)
    assert [view.id for view in (*first, *rest)] == sorted((view.id for view in (*first, *rest)), reverse=True)
    assert len(first) + len(rest) == 5
    assert not selectors.deposits_of(anna.user.pk, network="bsc")


def test_network_statuses_tell_lag_and_halts(
    arbitrum: LocalChain, anna: Depositor, capsys: pytest.CaptureFixture[str]
) -> None:
    follow()
    unseen, first, second = selectors.network_statuses()
    assert (first.code, first.lag_blocks, first.is_halted) == ("arbitrum", 0, False)
    assert first.seconds_since_head is not None
    assert first.seconds_since_head < 60
    assert [(each.code, each.head_number) for each in (unseen, second)] == [("tron", None), ("bsc", None)]

    call_command("scan_status")
    halts.halt_network("arbitrum", "for a test")
    with pytest.raises(SystemExit):
        call_command("scan_status")
    said = capsys.readouterr().out
    assert "bsc: not scanned yet" in said
    assert "HALTED: for a test" in said
