"""What makes a sign-in odd: pure rules over where and when, for people to look at. Nothing is refused because of them.

*New country*: the first sign-in from a country, once the account has signed in from another known one. Who has only
ever come from nowhere known (a local network, no database) is not told at the first known place.

*Impossible travel*, against the sign-in before it from a known place: with coordinates of both (MaxMind's City file),
faster than an airliner between points that are further apart than such databases err. Without them, another country
within so few minutes that no border explains it. A country's middle is not used: Russia's is 3,000 km from Moscow.
A VPN switched on does the same, which is why the person is asked and not shut out.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

SPEED_MAX_KMH: Final = 1000
DISTANCE_MIN_KM: Final = 100
BORDER_MIN: Final = dt.timedelta(minutes=30)
EARTH_RADIUS_KM: Final = 6371.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody, at a time, in a place. `country` "" is unknown; coordinates are there or not."""

    at: dt.datetime
    country: str
    latitude: float | None = None
    longitude: float | None = None


def is_new_country(country: str, *, known_before: bool, seen_before: bool) -> bool:
    """`known_before`: they signed in from a known country before; `seen_before`: from this one."""
    return bool(country) and known_before and not seen_before


def is_impossible_travel(before: Seen, after: Seen) -> bool:
    """Whether nobody gets from the one place to the other in that time."""
    if not before.country or not after.country:
        return False
    took = after.at - before.at
    distance_km = distance_between_km(before, after)
    if distance_km is None:
        return before.country != after.country and took < BORDER_MIN
    hours = max(took.total_seconds(), 0) / 3600
    return distance_km > DISTANCE_MIN_KM and distance_km > SPEED_MAX_KMH * hours


def distance_between_km(one: Seen, other: Seen) -> float | None:
    """As the crow flies; None unless both have coordinates."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    lat1, lon1, lat2, lon2 = map(math.radians, (one.latitude, one.longitude, other.latitude, other.longitude))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))
