"""Addresses of known places, and a database of MaxMind's form that knows where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import mmdb

BERLIN, MUNICH, MOSCOW, TOKYO = "5.1.0.1", "5.2.0.1", "5.3.0.1", "5.4.0.1"
GOOGLE, YANDEX = "8.8.8.8", "77.88.8.8"  # in the embedded database: US, RU


def city(country: str, name: str, latitude: float, longitude: float) -> dict[str, Any]:
    return {
        "country": {"iso_code": country, "names": {"en": country}},
        "city": {"names": {"en": name, "ru": f"{name} (ru)"}},
        "location": {"latitude": latitude, "longitude": longitude, "accuracy_radius": (mmdb.UINT16, 20)},
    }


CITIES = {
    "5.1.0.0/16": city("DE", "Berlin", 52.52, 13.405),
    "5.2.0.0/16": city("DE", "Munich", 48.137, 11.575),
    "5.3.0.0/16": city("RU", "Moscow", 55.751, 37.618),
    "5.4.0.0/16": city("JP", "Tokyo", 35.69, 139.69),
    "2a02:6b8::/32": city("RU", "Moscow", 55.751, 37.618),
}
COUNTRIES = {network: {"country": record["country"]} for network, record in CITIES.items()}


def cities_file(folder: Path, kind: str = "GeoLite2-City") -> str:
    return str(mmdb.write(folder / f"{kind}.mmdb", kind, CITIES))


def countries_file(folder: Path, kind: str = "GeoLite2-Country") -> str:
    return str(mmdb.write(folder / f"{kind}.mmdb", kind, COUNTRIES))
