"""The guard that keeps the network out of transactions."""

import socket
from contextlib import suppress

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.support.sockets import SocketInsideTransaction


@pytest.mark.django_db
def test_a_socket_may_be_used_outside_of_a_transaction():
    cache.set("key", "value")
    with transaction.atomic():
        pass
    assert cache.get("key") == "value"


@pytest.mark.django_db
def test_a_socket_used_inside_a_transaction_is_refused(expected_socket_violations):
    with socket.socket() as plain, transaction.atomic(), pytest.raises(SocketInsideTransaction):
        plain.connect(("127.0.0.1", 1))


@pytest.mark.django_db
def test_a_swallowed_refusal_still_counts(expected_socket_violations):
    with transaction.atomic(), suppress(Exception):
        cache.get("key")
    assert len(expected_socket_violations) == 1


def test_a_real_transaction_counts_as_well(committed_db, expected_socket_violations):
    cache.get("key")
    with transaction.atomic(durable=True), pytest.raises(SocketInsideTransaction):
        cache.get("key")
