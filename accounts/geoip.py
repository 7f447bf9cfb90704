"""Where in the world an address is: a country, with an operator's file of MaxMind's also the city.

The database that comes with the product knows countries (accounts/data/README.md); `settings.GEOIP_FILE` names a file
of MaxMind's that is asked instead. Each is opened once per process and mapped, not read. Nothing here goes to the
network or to our own database, and nothing here ever fails: a file that is missing or broken is a warning of `manage.py
check`, the embedded one is asked in its place, and what no file can say is `UNKNOWN`.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import maxminddb
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004  # Django's word for it
from geoip2.database import Reader as MaxMindReader
from geoip2.errors import AddressNotFoundError
from geoip2.models import City

logger = logging.getLogger(__name__)

EMBEDDED: Final = Path(__file__).parent / "data" / "geo-whois-asn-country.mmdb"
ASKED_TO_PROVE_IT_READS: Final = "8.8.8.8"
CITY_LENGTH: Final = 100
# What reading a file that is not one, or was damaged, may raise. InvalidDatabaseError is a RuntimeError.
BROKEN: Final = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Place:
    """`country` is an ISO 3166 code, "" for unknown; the rest is there only if the database knows cities."""

    country: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None


UNKNOWN: Final = Place()
LookUp = Callable[[str], Place]


def place_of(ip_address: str | None) -> Place:
    """Where `ip_address` is. Addresses of private networks, and of none, are nowhere."""
    asked = _public(ip_address)
    if not asked:
        return UNKNOWN
    look_up = (_usable(settings.GEOIP_FILE) if settings.GEOIP_FILE else None) or _usable(str(EMBEDDED))
    if look_up is None:
        return UNKNOWN
    try:
        return look_up(asked)
    except BROKEN as error:
        logger.warning("the GeoIP database cannot say where an address is: %s", type(error).__name__)
        return UNKNOWN


def _public(ip_address: str | None) -> str:
    """The address as the databases know it, "" for one that is nowhere on the internet."""
    try:
        address = ipaddress.ip_address(ip_address or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address) if address.is_global else ""


@lru_cache(maxsize=8)
def _usable(path: str) -> LookUp | None:
    """How to ask the file at `path`; None, said once in the log, if it cannot be asked."""
    try:
        return opened(path)
    except BROKEN as error:
        logger.warning("the GeoIP database %s cannot be used: %s", path, type(error).__name__)
        return None


def opened(path: str) -> LookUp:
    """Open and try the database at `path`. Raises one of `BROKEN`."""
    plain = maxminddb.open_database(path)  # maps the file
    kind = plain.metadata().database_type
    if not any(known in kind for known in ("City", "Enterprise", "Country")):
        look_up = _plain(plain)
        if look_up(ASKED_TO_PROVE_IT_READS) == UNKNOWN:
            raise ValueError(f"{kind} is not a database of countries")
        return look_up
    plain.close()
    reader = MaxMindReader(path)
    look_up = _countries(reader) if "Country" in kind else _cities(reader.city if "City" in kind else reader.enterprise)
    look_up(ASKED_TO_PROVE_IT_READS)
    return look_up


def _cities(ask: Callable[[str], City]) -> LookUp:
    def look_up(ip_address: str) -> Place:
        try:
            found = ask(ip_address)
        except AddressNotFoundError:
            return UNKNOWN
        return Place(
            country=_code(found.country.iso_code),
            city=str(found.city.name or "")[:CITY_LENGTH],
            latitude=found.location.latitude,
            longitude=found.location.longitude,
        )

    return look_up


def _countries(reader: MaxMindReader) -> LookUp:
    def look_up(ip_address: str) -> Place:
        try:
            return Place(country=_code(reader.country(ip_address).country.iso_code))
        except AddressNotFoundError:
            return UNKNOWN

    return look_up


def _plain(reader: maxminddb.Reader) -> LookUp:
    """The embedded database's own format: no more than `{"country_code": "DE"}`."""

    def look_up(ip_address: str) -> Place:
        found: Any = reader.get(ip_address)
        return Place(country=_code(found.get("country_code"))) if isinstance(found, dict) else UNKNOWN

    return look_up


def _code(given: Any) -> str:
    code = str(given or "").upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


# --- what `manage.py check` says ------------------------------------------------------------------------------------


def files_can_be_read(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A database that cannot be asked stops nobody from signing in, so somebody has to be told."""
    found: list[CheckMessage] = []
    if settings.GEOIP_FILE and (problem := _problem(settings.GEOIP_FILE)):
        found.append(
            Warning(
                f"GEOIP_FILE cannot be used: {problem}. The embedded database of countries is asked instead.",
                hint="It should be a City, Country or Enterprise database of MaxMind's (.mmdb).",
                id="accounts.W001",
            )
        )
    if problem := _problem(str(EMBEDDED)):
        found.append(
            Warning(
                f"The embedded database of countries cannot be used: {problem}.",
                hint="It is a file of the product: take it from the repository, or run `python -m devnet.geoip`.",
                id="accounts.W002",
            )
        )
    return found


def _problem(path: str) -> str:
    try:
        opened(path)
    except BROKEN as error:
        return f"{path}: {type(error).__name__}"
    return ""


def register_checks() -> None:
    """Called once, when the app is ready."""
    register(files_can_be_read)
