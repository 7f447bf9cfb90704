"""`/livez` and `/readyz`."""

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.utils import timezone

from treasury.models import NetworkState


@pytest.fixture
def processes_well(db, networks):
    for name in ("worker", "beat", "signer"):
        cache.set(f"heartbeat:{name}", time.time())
    yield
    cache.clear()


def scan(code):
    NetworkState.objects.create(
        network=code, scanned_number=100, scanned_hash="0x00", head_number=101, head_seen_at=timezone.now()
    )


@pytest.fixture
def everything_well(processes_well, networks):
    for code in networks:
        scan(code)


def failing(client):
    response = client.get("/readyz")
    assert response.status_code == 503
    return response.json()["failing"]


def test_livez_answers_without_asking_anybody(client):
    assert client.get("/livez").json() == {"status": "ok"}


def test_readyz_is_well_when_everything_is(everything_well, client):
    response = client.get("/readyz")
    assert response.status_code == 200, response.json()
    assert response.headers["Cache-Control"].startswith("max-age=0")


@pytest.mark.parametrize("name", ["worker", "beat", "signer"])
def test_readyz_names_a_process_that_fell_silent(everything_well, client, name):
    cache.set(f"heartbeat:{name}", time.time() - 60)
    assert failing(client) == [name]


def test_readyz_names_a_process_that_never_started(everything_well, client):
    cache.delete("heartbeat:signer")
    assert failing(client) == ["signer"]


def test_readyz_names_a_chain_that_is_not_scanned_to_its_head(everything_well, client):
    NetworkState.objects.filter(network="bsc").update(head_number=500)
    assert failing(client) == ["chain:bsc"]


def test_readyz_names_a_chain_whose_nodes_are_silent(everything_well, client):
    NetworkState.objects.filter(network="arbitrum").update(head_seen_at=timezone.now() - timedelta(minutes=5))
    assert failing(client) == ["chain:arbitrum"]


def test_readyz_names_a_chain_that_was_never_scanned(processes_well, client):
    scan("bsc")
    assert failing(client) == ["chain:tron", "chain:arbitrum"]


def test_readyz_names_a_broker_that_is_gone(everything_well, client, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    assert failing(client) == ["broker"]


def test_readyz_goes_on_without_the_cache(everything_well, client, monkeypatch):
    gone = RedisCache("unix:///nowhere/valkey.sock", {})
    monkeypatch.setattr("portal.views.health.cache", gone)
    assert failing(client) == ["worker", "beat", "signer"]


def test_health_is_only_read(client):
    assert client.post("/readyz").status_code == 405
