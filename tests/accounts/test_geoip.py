"""Where an address is, by real files: the embedded one, ones of MaxMind's form, and ones that are broken."""

from __future__ import annotations

import logging
import mmap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import geoip
from accounts.geoip import EMBEDDED, UNKNOWN, Place, files_can_be_read, opened, place_of
from tests.accounts.places import BERLIN, GOOGLE, YANDEX, cities_file, countries_file
from tests.support import mmdb


@pytest.fixture(autouse=True)
def _nothing_is_open() -> None:
    geoip._usable.cache_clear()


@pytest.mark.parametrize(
    ("address", "country"),
    [
        (GOOGLE, "US"), (YANDEX, "RU"), ("2a02:6b8::1", "RU"), ("2001:4860:4860::8888", "US"), ("193.99.144.80", "DE"),
        ("::ffff:77.88.8.8", "RU"),
    ],
)  # fmt: skip
def test_the_embedded_database_knows_countries(address: str, country: str) -> None:
    assert place_of(address) == Place(country=country)


@pytest.mark.parametrize(
    "address",
    [
        None, "", "nonsense", "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.9", "169.254.1.1", "192.0.2.7", "::1",
        "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0", "255.255.255.255", "100.64.0.1",
        "1.2.3.4, 5.6.7.8", "8.8.8.8:80", "٨.٨.٨.٨",
    ],
)  # fmt: skip
def test_what_is_not_an_address_of_the_internet_is_nowhere(address: str | None) -> None:
    assert place_of(address) == UNKNOWN


@pytest.mark.parametrize("kind", ["GeoLite2-City", "GeoIP2-City", "GeoIP2-Enterprise", "DBIP-City-Lite"])
def test_a_file_of_cities_says_where_exactly(settings: Settings, tmp_path: Path, kind: str) -> None:
    settings.GEOIP_FILE = cities_file(tmp_path, kind)
    assert place_of(BERLIN) == Place("DE", "Berlin", 52.52, 13.405)
    assert place_of("2a02:6b8::1") == Place("RU", "Moscow", 55.751, 37.618)
    assert place_of(GOOGLE) == UNKNOWN  # an address that it does not hold is not asked for elsewhere
    assert not files_can_be_read()


@pytest.mark.parametrize("kind", ["GeoLite2-Country", "GeoIP2-Country"])
def test_a_file_of_countries_says_no_more(settings: Settings, tmp_path: Path, kind: str) -> None:
    settings.GEOIP_FILE = countries_file(tmp_path, kind)
    assert place_of(BERLIN) == Place(country="DE")
    assert not files_can_be_read()


def test_odd_records_are_no_places(settings: Settings, tmp_path: Path) -> None:
    odd = {
        "5.1.0.0/16": {"city": {"names": {"en": "Nowhere" * 40}}},
        "5.2.0.0/16": {"country": {"iso_code": "Germany"}},
        "5.3.0.0/16": {},
    }
    settings.GEOIP_FILE = str(mmdb.write(tmp_path / "odd.mmdb", "GeoLite2-City", odd))
    assert place_of("5.1.0.1") == Place(city=("Nowhere" * 40)[:100])
    assert place_of("5.2.0.1").country == place_of("5.3.0.1").country == ""


def broken_files(folder: Path) -> dict[str, str]:
    whole = Path(cities_file(folder)).read_bytes()
    contents = {"empty": b"", "text": b"<html>not found</html>", "half": whole[: len(whole) // 2], "tail": whole[-300:]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    asn = mmdb.write(folder / "asn", "GeoLite2-ASN", {"8.8.8.0/24": {"autonomous_system_organization": "Google"}})
    return {name: str(folder / name) for name in contents} | {
        "missing": str(folder / "nowhere.mmdb"), "folder": str(folder), "another": str(asn),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["empty", "text", "half", "tail", "missing", "folder", "another"])
def test_a_file_that_cannot_be_used_is_a_warning_and_the_embedded_one_is_asked(
    settings: Settings, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GEOIP_FILE = broken_files(tmp_path)[what]
    with caplog.at_level(logging.WARNING):
        assert [place_of(YANDEX).country for _each in range(3)] == ["RU"] * 3
    assert caplog.text.count("cannot be used") == 1, "said once, not at each sign-in"
    assert [warning.id for warning in files_can_be_read()] == ["accounts.W001"]


def test_without_any_file_every_place_is_unknown(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    monkeypatch.setattr(geoip, "EMBEDDED", tmp_path / "gone.mmdb")
    settings.GEOIP_FILE = str(tmp_path / "gone-too.mmdb")
    assert place_of(YANDEX) == UNKNOWN
    assert [warning.id for warning in files_can_be_read()] == ["accounts.W001", "accounts.W002"]


def test_the_product_as_it_is_has_nothing_to_warn_of() -> None:
    assert not files_can_be_read()


def test_a_file_is_opened_once_for_all_sign_ins(settings: Settings, tmp_path: Path) -> None:
    path = Path(cities_file(tmp_path))
    settings.GEOIP_FILE = str(path)
    assert place_of(BERLIN).city == "Berlin"
    path.rename(tmp_path / "elsewhere")  # how a newer one takes its place
    assert place_of(BERLIN).city == "Berlin"


def test_the_file_is_mapped_and_not_read_into_memory() -> None:
    place_of(GOOGLE)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert str(EMBEDDED) in maps
    assert EMBEDDED.stat().st_size > 2**20 > mmap.PAGESIZE


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_damaged_file_never_stops_anybody(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed anywhere, also where opening does not look: an answer or `UNKNOWN`, never an error."""
    content = bytearray(Path(cities_file(tmp_path)).read_bytes())
    for _change in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.mmdb"
    path.write_bytes(content)
    geoip._usable.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geoip, "EMBEDDED", path)
        for address in (BERLIN, GOOGLE, "2a02:6b8::1"):
            assert isinstance(place_of(address), Place)


def test_the_embedded_file_says_a_country_for_most_addresses() -> None:
    look_up = opened(str(EMBEDDED))
    found = [look_up(f"{first}.{second}.1.1").country for first in range(1, 224) for second in range(0, 256, 16)]
    assert sum(bool(country) for country in found) > len(found) * 0.85
    assert all(country == "" or (len(country) == 2 and country.isupper()) for country in found)
