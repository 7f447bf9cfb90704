"""Filling the pool of deposit addresses.

The signer is the only process that adds to it. It takes an advisory lock *before* the rows' ids are allocated and holds
it to the commit, so ids are in the order of commits: whoever follows the table by id misses nothing.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection, transaction

from treasury import failpoints
from treasury.chains import registry
from treasury.keys.ports import Keys
from treasury.pool_signatures import pool_message
from treasury.signing.vault import COIN_TYPES, address_of, signer_setting, vault

logger = logging.getLogger(__name__)

POOL_LOCK = 0x45584348_504F4F4C  # "EXCHPOOL"
CHUNK = 5_000


def fill_address_pool(*, free: int | None = None) -> int:
    """Add addresses until each family of the configured networks has `free` unassigned ones; returns how many.

    `free` defaults to ADDRESS_POOL_MINIMUM_FREE; fewer than that trigger a batch of SIGNER_ADDRESS_POOL_BATCH.
    """
    wanted = settings.ADDRESS_POOL_MINIMUM_FREE if free is None else free
    added = 0
    for family in sorted({network.family for network in registry.networks().values()}):
        missing = wanted - _free_addresses(family, most=wanted)
        if missing > 0:
            added += add_addresses(family=family, count=max(missing, signer_setting("SIGNER_ADDRESS_POOL_BATCH")))
    return added


def add_addresses(*, family: str, count: int) -> int:
    """Derive, sign and insert `count` more addresses of a family, in chunks, each its own commit."""
    keys = vault().keys
    added = 0
    while added < count:
        added += _add_chunk(keys, family, min(CHUNK, count - added))
    if added:
        logger.info("added %s %s deposit addresses to the pool", added, family)
    return added


def _free_addresses(family: str, *, most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM treasury_depositaddress"
            " WHERE family = %s AND customer_id IS NULL AND retired_at IS NULL LIMIT %s) AS free",
            [family, most],
        )
        return int(cursor.fetchone()[0])


def _next_index(family: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(derivation_index) + 1, 0) FROM treasury_depositaddress WHERE family = %s", [family]
        )
        return int(cursor.fetchone()[0])


def _add_chunk(keys: Keys, family: str, count: int) -> int:
    """Derives outside the transaction; if another signer was there meanwhile, nothing is added."""
    first = _next_index(family)
    indexes = list(range(first, first + count))
    addresses = [address_of(family, key) for key in keys.deposit_public_keys(COIN_TYPES[family], indexes)]
    signatures = [
        keys.sign_for_pool(pool_message(family=family, derivation_index=index, address=address))
        for index, address in zip(indexes, addresses, strict=True)
    ]
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POOL_LOCK])
            if _next_index(family) != first:
                return 0
            cursor.execute(
                "INSERT INTO treasury_depositaddress (family, address, derivation_index, signature, created_at)"
                " SELECT %s, made.address, made.derivation_index, made.signature, now()"
                " FROM unnest(%s::text[], %s::bigint[], %s::bytea[]) AS made(address, derivation_index, signature)"
                " ORDER BY made.derivation_index",
                [family, addresses, indexes, signatures],
            )
        failpoints.hit("before_pool_commit")
    failpoints.hit("after_pool_commit")
    return count
