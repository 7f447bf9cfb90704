"""Settings that would leave customers without protection are found before anything starts."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from payouts.checks import HOLDS, holds_have_a_length


def found() -> list[str]:
    return [str(message.id) for message in holds_have_a_length()]


def test_the_usual_settings_are_well() -> None:
    assert found() == []


@pytest.mark.parametrize("name", HOLDS)
def test_a_negative_hold_stops_the_start(settings: Settings, name: str) -> None:
    setattr(settings, name, -1)
    assert found() == ["payouts.C001"]


@pytest.mark.parametrize("name", HOLDS)
def test_a_short_hold_is_worth_a_line_in_production_only(settings: Settings, name: str) -> None:
    setattr(settings, name, 60)
    assert found() == []
    settings.SETTINGS_MODULE = "portal.settings.prod"
    assert found() == ["payouts.W001"]
