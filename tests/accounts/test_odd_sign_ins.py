"""What is odd about a sign-in: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.odd_sign_ins import (
    BORDER_MIN,
    DISTANCE_MIN_KM,
    EARTH_RADIUS_KM,
    SPEED_MAX_KMH,
    Seen,
    distance_between_km,
    is_impossible_travel,
    is_new_country,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = {"country": "DE", "latitude": 52.52, "longitude": 13.405}
POTSDAM = {"country": "DE", "latitude": 52.39, "longitude": 13.06}
MOSCOW = {"country": "RU", "latitude": 55.751, "longitude": 37.618}
TOKYO = {"country": "JP", "latitude": 35.69, "longitude": 139.69}
LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
PLACES = st.fixed_dictionaries(
    {"country": st.sampled_from(["DE", "RU", "JP"]), "latitude": LATITUDES, "longitude": LONGITUDES}
)
SECONDS = st.integers(0, 400_000)


def seen(place: dict[str, object], after: timedelta = timedelta()) -> Seen:
    return Seen(at=NOON + after, **place)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("here", "there", "after", "odd"),
    [
        (BERLIN, MOSCOW, timedelta(hours=1), True),  # 1,600 km
        (BERLIN, MOSCOW, timedelta(hours=2), False),
        (BERLIN, TOKYO, timedelta(hours=8), True),  # 8,900 km
        (BERLIN, TOKYO, timedelta(hours=10), False),
        (BERLIN, POTSDAM, timedelta(seconds=1), False),  # nearer than such databases err
        (BERLIN, MOSCOW, timedelta(0), True),
        (BERLIN, MOSCOW, timedelta(minutes=-5), True),  # a clock that was set back is no excuse
        ({"country": "DE"}, {"country": "RU"}, timedelta(minutes=29), True),
        ({"country": "DE"}, {"country": "RU"}, timedelta(minutes=30), False),
        ({"country": "DE"}, {"country": "DE"}, timedelta(seconds=1), False),
        (BERLIN, {"country": "RU"}, timedelta(minutes=5), True),  # coordinates of one alone say nothing
        (BERLIN, {"country": "RU"}, timedelta(hours=1), False),
        ({"country": ""}, MOSCOW, timedelta(seconds=1), False),
        (MOSCOW, {"country": ""}, timedelta(seconds=1), False),
    ],
)
def test_nobody_travels_so_fast(here: dict[str, object], there: dict[str, object], after: timedelta, odd: bool) -> None:
    assert is_impossible_travel(seen(here), seen(there, after)) is odd


@given(PLACES, PLACES)
def test_a_distance_is_the_same_both_ways_and_at_most_half_way_round(
    here: dict[str, object], there: dict[str, object]
) -> None:
    out, back = distance_between_km(seen(here), seen(there)), distance_between_km(seen(there), seen(here))
    assert out is not None
    assert back is not None
    assert abs(out - back) < 0.001
    assert 0 <= out <= 3.1416 * EARTH_RADIUS_KM
    assert distance_between_km(seen(here), seen(here)) == 0


@given(PLACES, PLACES, SECONDS)
def test_with_coordinates_only_distance_and_time_count(
    here: dict[str, object], there: dict[str, object], seconds: int
) -> None:
    distance_km = distance_between_km(seen(here), seen(there)) or 0.0
    odd = is_impossible_travel(seen(here), seen(there, timedelta(seconds=seconds)))
    assert odd is (distance_km > DISTANCE_MIN_KM and distance_km * 3600 > SPEED_MAX_KMH * seconds)


@given(PLACES, PLACES, SECONDS, st.integers(0, 400_000))
def test_who_takes_longer_is_never_odder(
    here: dict[str, object], there: dict[str, object], seconds: int, more: int
) -> None:
    late = is_impossible_travel(seen(here), seen(there, timedelta(seconds=seconds + more)))
    soon = is_impossible_travel(seen(here), seen(there, timedelta(seconds=seconds)))
    assert soon or not late


@given(st.sampled_from(["", "DE", "RU"]), st.sampled_from(["", "DE", "RU"]), SECONDS)
def test_without_coordinates_only_another_country_within_minutes_is_odd(here: str, there: str, seconds: int) -> None:
    odd = is_impossible_travel(seen({"country": here}), seen({"country": there}, timedelta(seconds=seconds)))
    assert odd is (bool(here and there) and here != there and timedelta(seconds=seconds) < BORDER_MIN)


@pytest.mark.parametrize(
    ("country", "known_before", "seen_before", "new"),
    [
        ("DE", True, False, True), ("DE", True, True, False), ("DE", False, False, False), ("", True, False, False),
    ],
)  # fmt: skip
def test_a_country_is_new_after_another_known_one(
    country: str, known_before: bool, seen_before: bool, new: bool
) -> None:
    assert is_new_country(country, known_before=known_before, seen_before=seen_before) is new
