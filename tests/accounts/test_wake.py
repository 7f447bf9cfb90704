"""Waking a worker costs a page nothing when there is no broker."""

from __future__ import annotations

import time

import pytest
from celery import Celery

from accounts import wake
from portal.celery import app


def test_a_broker_that_is_away_is_no_error_and_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    lonely = Celery("lonely", broker="redis+socket:///nowhere/at/all?virtual_host=0", set_as_current=False)
    lonely.conf.broker_transport_options = app.conf.broker_transport_options
    monkeypatch.setattr(wake, "current_app", lonely)
    started = time.monotonic()
    wake._send("accounts.tasks.send_outgoing_mail")
    assert time.monotonic() - started < 10


def test_every_process_sends_to_our_broker() -> None:
    from celery import current_app

    assert current_app.main == "exchequer"
