"""The signer's task delivered twice: one signature each, caps not exceeded."""

from __future__ import annotations

import threading

from django.db import connections
from pytest_django import Settings

from tests.support.paying import MICRO, Desk
from treasury import broadcasts, signing
from treasury.models import Broadcast, SigningRecord


def sign_twice_at_once(desk: Desk) -> list[signing.SigningResult]:
    results: list[signing.SigningResult] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        try:
            results.append(signing.sign_broadcasts())
        finally:
            connections.close_all()

    with desk.signer.role():
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results


def test_two_signers_at_once_sign_each_broadcast_once(desk: Desk) -> None:
    desk.order_many([desk.request(MICRO) for _ in range(40)])
    broadcasts.reserve_broadcasts("arbitrum")
    results = sign_twice_at_once(desk)
    assert sum(result.signed for result in results) == 40
    assert SigningRecord.objects.count() == 40
    assert Broadcast.objects.filter(state="signed").count() == 40
    desk.pay_all()
    desk.assert_each_paid_once()


def test_two_signers_at_once_keep_the_cap_of_a_day(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_DAILY_CAP_MICRO = 10 * MICRO
    desk.order_many([desk.request(MICRO) for _ in range(20)])
    broadcasts.reserve_broadcasts("arbitrum")
    sign_twice_at_once(desk)
    assert SigningRecord.objects.count() == 10
    assert Broadcast.objects.filter(state="refused").count() == 10
