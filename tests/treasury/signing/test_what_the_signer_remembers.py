"""A database from an older copy knows of fewer payments than were signed: nothing is signed for it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.support.paying import MICRO, Desk
from tests.support.paying_on_tron import TronDesk
from treasury.models import Broadcast
from treasury.signing import memory


def test_what_was_signed_is_remembered_beside_the_database(tron_desk: TronDesk) -> None:
    for _ in range(2):
        tron_desk.order()
    tron_desk.pay_all()
    assert memory.remembered() == {"tron": 1}
    assert Path(memory.memory_file()).stat().st_mode & 0o077 == 0


def test_for_a_database_that_knows_of_less_nothing_is_signed_until_somebody_has_compared(
    tron_desk: TronDesk, caplog: pytest.LogCaptureFixture
) -> None:
    tron_desk.order()
    tron_desk.pay_all()
    memory.remember({"tron": 7})  # the database was put back: seven payments are not in it
    order = tron_desk.order(3 * MICRO)
    tron_desk.reserve_and_sign()
    assert tron_desk.attempts(order)[0].state == Broadcast.State.RESERVED
    assert "NOTHING is signed on tron" in caplog.text

    with tron_desk.signer.role(), pytest.raises(CommandError, match="Compare the chain"):
        call_command("forget_signatures", "tron")
    with tron_desk.signer.role():
        call_command("forget_signatures", "tron", "--compared", stdout=StringIO())
    tron_desk.signer.sign()
    tron_desk.pay_all()
    assert tron_desk.state(order) == "settled"
    tron_desk.assert_each_paid_once()


def test_one_networks_memory_stops_no_other(desk: Desk) -> None:
    memory.remember({"tron": 99})
    order = desk.order()
    desk.pay_all()
    assert desk.state(order) == "settled"


def test_a_spoilt_memory_signs_nothing(tron_desk: TronDesk) -> None:
    memory.memory_file().write_text("{", encoding="utf-8")
    order = tron_desk.order()
    with pytest.raises(ValueError, match="Expecting"):
        tron_desk.reserve_and_sign()
    assert tron_desk.attempts(order)[0].signed_bytes is None
