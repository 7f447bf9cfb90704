"""Attempts that are refused, and earlier ones that live again: the nonce is never stuck, and nobody else waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from tests.support.paying import MICRO, Desk, assert_ledger_clean
from tests.support.rpc_proxy import RpcProxy
from treasury import broadcasts
from treasury.broadcasts import replacing, sending
from treasury.chains import registry

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "RETRY_SECONDS", 0)
    monkeypatch.setattr(sending, "RESEND_SECONDS", 0)


def test_an_attempt_that_came_back_is_replaced_above_every_earlier_one(desk: Desk, settings: Settings) -> None:
    settings.BROADCAST_STUCK_SECONDS = 0
    desk.chain.stop_mining()
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    assert broadcasts.replace_stuck("arbitrum") == 1
    settings.SIGNER_PAYMENT_CAP_MICRO = 1
    assert desk.signer.sign().refused == 1
    broadcasts.fill_gaps("arbitrum")
    assert [each.state for each in desk.attempts(order)] == ["sent", "refused"]

    settings.SIGNER_PAYMENT_CAP_MICRO = 50_000 * MICRO
    assert broadcasts.replace_stuck("arbitrum") == 1
    first, _, third = desk.attempts(order)
    assert (first.state, third.state, third.attempt) == ("replaced", "reserved", 3)
    assert third.max_fee_wei * 10 >= first.max_fee_wei * 11

    desk.signer.sign()
    desk.chain.mine_at_once()
    desk.pay_all()
    desk.assert_each_paid_once()


def test_an_attempt_that_a_reorg_brought_back_is_replaced_above_the_dearer_one(desk: Desk, settings: Settings) -> None:
    order = desk.order()
    desk.chain.stop_mining()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    settings.BROADCAST_STUCK_SECONDS = 0
    broadcasts.replace_stuck("arbitrum")
    desk.signer.sign()
    # As after a block that held the first attempt, and its loss: the second was set aside.
    first, second = desk.attempts(order)
    type(second).objects.filter(pk=second.pk).update(state="replaced")
    type(first).objects.filter(pk=first.pk).update(state="sent")

    assert broadcasts.replace_stuck("arbitrum") == 1
    third = desk.attempts(order)[2]
    assert third.max_fee_wei * 10 >= second.max_fee_wei * 11
    assert third.max_priority_fee_wei * 10 >= second.max_priority_fee_wei * 11
    desk.signer.sign()
    desk.chain.mine_at_once()
    desk.pay_all()
    desk.assert_each_paid_once()


def test_no_ops_that_a_node_calls_invalid_hold_up_nobodys_signature(
    desk: Desk,
    networks: dict[str, dict[str, Any]],
    rpc_proxy: Callable[[str], RpcProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replacing, "_too_soon", lambda _: False)
    proxy = rpc_proxy(desk.chain.url)
    networks["arbitrum"]["rpc_urls"] = [proxy.url]
    registry.reset()
    desk.chain.stop_mining()  # the base fee stays what it is
    invalid = desk.order()
    desk.reserve_and_sign()
    proxy.refuse_sends(message="invalid sender")
    broadcasts.send_broadcasts("arbitrum")
    for _ in range(2):
        assert broadcasts.fill_gaps("arbitrum") == 1
        assert desk.signer.sign().signed == 1
        broadcasts.send_broadcasts("arbitrum")
    assert [each.state for each in desk.attempts(invalid)] == ["refused"] * 3
    assert len({each.tx_hash for each in desk.attempts(invalid)}) == 3, "each at a higher fee than the one before"

    proxy.behave()
    desk.chain.mine_at_once()
    paid = desk.order()
    desk.pay_all()
    assert (desk.state(invalid), desk.state(paid)) == ("dead", "settled")
    assert desk.transfers_to(invalid.address) == []
    assert len(desk.transfers_to(paid.address)) == 1
    assert_ledger_clean()
