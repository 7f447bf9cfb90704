"""A process dies by SIGKILL at each named place; everything goes on by itself, and everybody is paid once."""

from __future__ import annotations

import pytest
from django.db import transaction
from pytest_django import Settings

from tests.support.paying import MICRO, Desk, Signer, assert_ledger_clean, run_until_killed_or_done
from treasury import broadcasts, failpoints, orders, signing
from treasury.broadcasts import sending
from treasury.models import Broadcast, DepositAddress, PaymentOrder, SigningRecord

pytestmark = pytest.mark.faults

IN_REPLACING = ("before_replace_commit", "after_replace_commit")
IN_ORDERING = ("before_orders_commit",)
IN_THE_POOL = ("before_pool_commit", "after_pool_commit")
OF_THE_SENDER = tuple(name for name in failpoints.SENDER_NAMES if name not in IN_REPLACING + IN_ORDERING)
OF_THE_SIGNER = tuple(name for name in failpoints.SIGNER_NAMES if name not in IN_THE_POOL)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a dead process had claimed is claimed again at once instead of after two seconds."""
    monkeypatch.setattr(sending, "RETRY_SECONDS", 0)


def test_every_failpoint_of_sender_and_signer_is_tried_here() -> None:
    tried = {*IN_REPLACING, *IN_ORDERING, *IN_THE_POOL, *OF_THE_SENDER, *OF_THE_SIGNER}
    assert tried == {*failpoints.SENDER_NAMES, *failpoints.SIGNER_NAMES}


def run_until_killed(desk: Desk, faults: str, *, rounds: int = 6) -> None:
    """Worker and signer as processes, in turns, with the failpoint armed in both, until it has killed one."""
    for _ in range(rounds):
        if run_until_killed_or_done(desk.advance, faults=faults) or run_until_killed_or_done(
            desk.signer.sign, faults=faults
        ):
            return
        desk.make_final()
    raise AssertionError(f"{faults} never struck")


@pytest.mark.parametrize("name", [*OF_THE_SENDER, *OF_THE_SIGNER])
def test_killed_at_a_failpoint_each_payment_is_made_once(desk: Desk, name: str) -> None:
    desk.order_many([desk.request(MICRO + number) for number in range(3)])
    run_until_killed(desk, f"{name}=kill")
    desk.pay_all()
    assert PaymentOrder.objects.filter(state="settled").count() == 3
    assert SigningRecord.objects.count() == Broadcast.objects.count() == 3
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", ["after_send_claim", "after_send", "before_send_commit"])
def test_a_sender_killed_again_and_again_sends_the_same_bytes(desk: Desk, name: str) -> None:
    desk.chain.stop_mining()
    made = desk.order_many([desk.request(MICRO + number) for number in range(3)])
    desk.reserve_and_sign()
    for _ in range(3):
        assert run_until_killed_or_done(desk.advance, faults=f"{name}=kill")
    desk.pay_all()
    assert [each.sends for order in made for each in desk.attempts(order)] == [4, 4, 4]
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", ["after_receipts", "before_confirm_commit"])
def test_a_worker_killed_again_and_again_while_confirming_settles_once(desk: Desk, name: str) -> None:
    desk.order_many([desk.request(MICRO + number) for number in range(3)])
    for _ in range(3):
        run_until_killed(desk, f"{name}=kill")
    desk.pay_all()
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", ["before_sign", "after_sign", "before_signature_commit"])
def test_a_signer_killed_again_and_again_signs_each_payment_once(desk: Desk, name: str) -> None:
    desk.order_many([desk.request(MICRO + number) for number in range(3)])
    for _ in range(3):
        run_until_killed(desk, f"{name}=kill")
    assert SigningRecord.objects.count() == 0, "no signature counts that was not stored"
    desk.pay_all()
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", IN_REPLACING)
def test_killed_while_replacing_a_stuck_payment(desk: Desk, settings: Settings, name: str) -> None:
    settings.BROADCAST_STUCK_SECONDS = 0
    desk.chain.stop_mining()
    order = desk.order()
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    assert run_until_killed_or_done(lambda: broadcasts.replace_stuck("arbitrum"), faults=f"{name}=kill")
    assert len(desk.attempts(order)) == (1 if name.startswith("before") else 2)
    desk.pay_all()
    assert desk.state(order) == "settled"
    assert len({each.nonce for each in desk.attempts(order)}) == 1
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", IN_REPLACING)
def test_killed_while_filling_the_nonce_of_a_refused_payment(desk: Desk, settings: Settings, name: str) -> None:
    settings.SIGNER_PAYMENT_CAP_MICRO = 10 * MICRO
    refused = desk.order(11 * MICRO)
    paid = desk.order(MICRO)
    desk.reserve_and_sign()
    assert run_until_killed_or_done(lambda: broadcasts.fill_gaps("arbitrum"), faults=f"{name}=kill")
    desk.pay_all()
    assert (desk.state(refused), desk.state(paid)) == ("dead", "settled")
    assert desk.transfers_to(refused.address) == []
    assert desk.transfers_to(paid.address) == [MICRO]
    assert_ledger_clean()


def test_killed_before_the_order_is_committed_there_is_no_order(desk: Desk) -> None:
    request = desk.request(MICRO)

    def decide() -> None:
        with transaction.atomic():
            orders.open_orders([request])

    assert run_until_killed_or_done(decide, faults="before_orders_commit=kill")
    assert not PaymentOrder.objects.exists()
    desk.order_many([request])
    desk.pay_all()
    desk.assert_each_paid_once()


@pytest.mark.parametrize("name", IN_THE_POOL)
def test_killed_while_filling_the_pool_no_index_is_lost_or_used_twice(
    networks: object, signer: Signer, name: str
) -> None:
    def fill() -> None:
        with signer.role():
            signing.fill_address_pool(free=10)

    assert run_until_killed_or_done(fill, faults=f"{name}=kill")
    fill()
    with signer.role():
        assert signing.verify_keystore(sample=None).wrong == []
    for family in ("evm", "tron"):
        rows = DepositAddress.objects.filter(family=family).order_by("pk")
        assert list(rows.values_list("derivation_index", flat=True)) == list(range(20))
