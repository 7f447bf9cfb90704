"""The embedded database of countries is the pinned one, and nothing else passes for it."""

from __future__ import annotations

import hashlib

import pytest

from devnet import geoip
from devnet.places import ROOT
from devnet.processes import ServiceError


def test_the_file_in_the_repository_is_the_pinned_one() -> None:
    assert hashlib.sha256(geoip.FILE.read_bytes()).hexdigest() == geoip.SHA256


def test_the_file_is_in_the_image_and_says_where_it_is_from() -> None:
    notice = (ROOT / "accounts" / "data" / "README.md").read_text(encoding="utf-8")
    for fact in (geoip.SHA256, geoip.INTEGRITY, geoip.PACKAGE.rpartition("@")[2], "nro.net", "CC BY 4.0"):
        assert fact in notice, fact
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"accounts", "**/*.mmdb", "*.mmdb"} & set(left_out)


def test_another_package_is_refused() -> None:
    with pytest.raises(ServiceError, match="is not what it was"):
        geoip.verified_package(b"another")
