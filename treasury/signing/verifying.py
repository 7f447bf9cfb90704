"""Comparing the seed with what the database shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import batched

from django.conf import settings

from treasury import pool_signatures
from treasury.chains import registry
from treasury.keys.ports import Keys
from treasury.models import DepositAddress, Wallet
from treasury.signing.vault import COIN_TYPES, address_of, derived_address, vault


@dataclass
class Verification:
    """How much was compared, and one line for each difference."""

    wallets: int = 0
    addresses: int = 0
    wrong: list[str] = field(default_factory=list)


def verify_keystore(*, sample: int | None = 200) -> Verification:
    """Derive the wallets and `sample` deposit addresses (None: all) again. Raises KeysError, NotTheSigner."""
    keys = vault().keys
    found = Verification()
    if keys.pool_public_key().hex() != settings.ADDRESS_POOL_PUBLIC_KEY:
        found.wrong.append("ADDRESS_POOL_PUBLIC_KEY is not the public key of this keystore's pool.")
    for wallet in Wallet.objects.filter(role=Wallet.Role.HOT).order_by("network"):
        found.wallets += 1
        network = registry.networks().get(wallet.network)
        if network is not None and derived_address(keys, network) != wallet.address:
            found.wrong.append(f"The hot wallet of {wallet.network} is {wallet.address}; this seed gives another.")
    rows = DepositAddress.objects.order_by("id" if sample is None else "?")
    for chunk in batched((rows if sample is None else rows[:sample]).iterator(chunk_size=2_000), 2_000):
        _verify_rows(keys, chunk, found)
    return found


def _verify_rows(keys: Keys, rows: Iterable[DepositAddress], found: Verification) -> None:
    by_family: dict[str, list[DepositAddress]] = {}
    for row in rows:
        by_family.setdefault(row.family, []).append(row)
    for family, members in by_family.items():
        if family not in COIN_TYPES:
            found.addresses += len(members)
            found.wrong += [f"Deposit address {row.pk} is of a family that nobody knows: {family}." for row in members]
            continue
        derived = keys.deposit_public_keys(COIN_TYPES[family], [row.derivation_index for row in members])
        for row, public_key in zip(members, derived, strict=True):
            found.addresses += 1
            if row.address != address_of(family, public_key):
                found.wrong.append(f"Deposit address {row.pk} is {row.address}; this seed gives another.")
            elif not pool_signatures.verify(row):
                found.wrong.append(f"Deposit address {row.pk}, {row.address}, does not carry the pool's signature.")
